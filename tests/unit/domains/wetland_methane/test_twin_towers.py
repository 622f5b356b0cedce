"""The towers' files: the published layout, shares of gaps, and fillings that are marked for what they are."""

import numpy as np
import pytest
from landbridge.domains.wetland_methane import twin_towers
from landbridge.domains.wetland_methane.driven import bridged, gaps

from tests.unit.domains.wetland_methane.files import site_table, table, write

COMMON = {
    *("FCH4", "FCH4_F", "FCH4_F_ANNOPTLM", "FCH4_F_ANNOPTLM_QC", "NEE", "NEE_F", "NEE_F_ANNOPTLM", "GPP_DT", "RECO_DT"),
    *("H", "H_F", "LE", "LE_F", "LE_F_ANNOPTLM", "SW_IN", "SW_IN_F", "LW_IN_F", "TA", "TA_F", "VPD", "VPD_F", "P_F"),
    *("PA_F", "WS", "WS_F", "USTAR", "TIMESTAMP"),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("towers") / "twin", years=3)


def test_columns_and_days(written):
    for row in site_table(written):
        columns = table(written, row["SITE_ID"])
        assert set(columns) >= COMMON
        assert len(columns) >= 35
        stamps = columns["TIMESTAMP"].astype(int)
        assert (stamps[0], stamps[59], stamps[-1], len(stamps)) == (20160101, 20160229, 20181231, 1096)
        assert np.isfinite(columns["TA_F"]).all() and np.isfinite(columns["FCH4_F_ANNOPTLM"]).all()


def test_columns_and_site_table_are_those_of_the_published_files(written, mirror):
    folder = mirror / "wetland_methane"
    known = set()
    for path in (folder / "fluxnet_ch4").glob("FLX_*.csv"):
        with path.open() as handle:
            known |= set(handle.readline().strip().split(","))
    (path,) = (folder / "site_table").glob("*_reformatted.csv")
    header = path.read_text().splitlines()[0].split(",")
    assert list(site_table(written)[0]) == header
    classes = {line.split(",")[3] for line in path.read_text().splitlines()[1:]}
    for row in site_table(written):
        assert set(table(written, row["SITE_ID"])) <= known
        assert row["SITE_CLASSIFICATION"] in classes
    coarse = {
        line.split("\t")[1] for line in (folder / "site_table/wetland_classification.txt").read_text().splitlines()
    }
    lines = (written / "towers" / "wetland_classification.txt").read_text().splitlines()
    drained = sum(row["SITE_CLASSIFICATION"] == "Drained" for row in site_table(written))
    assert len(lines) == len(site_table(written)) - drained
    assert {line.split("\t")[1] for line in lines} <= coarse


def test_shares_of_measured_days(written):
    without_winter = np.tile(np.linspace(1, 300, 2000), (60, 1))
    missing = twin_towers.unmeasured(without_winter, np.random.default_rng(1))
    assert missing.mean() == pytest.approx(0.35, abs=0.02)
    runs = [stop - start for row in missing for start, stop in gaps(np.where(row, np.nan, 0.0))]
    assert np.mean(runs) == pytest.approx(7, rel=0.1)
    measured = [np.isfinite(table(written, row["SITE_ID"])["FCH4"]).mean() for row in site_table(written)]
    assert 0.45 < np.mean(measured) < 0.65


def test_winter_outages_lie_in_winter():
    day = np.tile(np.arange(1.0, 366), (200, 2))
    missing = twin_towers.unmeasured(day, np.random.default_rng(1))
    long = [start % 365 for row in missing for start, stop in gaps(np.where(row, np.nan, 0.0)) if stop - start > 60]
    assert len(long) > 50
    assert np.mean(np.array(long) > 280) > 0.9


def test_fillings_are_marked_and_long_gaps_stay_open_in_one(written):
    long = 0
    for row in site_table(written):
        columns = table(written, row["SITE_ID"])
        is_long = np.zeros(1096, bool)
        for start, stop in gaps(columns["FCH4"]):
            is_long[start:stop] = stop - start > 60
        long += is_long.sum()
        np.testing.assert_array_equal(columns["FCH4_F_ANNOPTLM_QC"] == 3, is_long)
        np.testing.assert_array_equal(np.isnan(columns["FCH4_F"]), is_long)
        both = np.isfinite(columns["FCH4"])
        assert np.abs(columns["FCH4_F"] - columns["FCH4"])[both].max() > 0
        assert np.corrcoef(columns["FCH4_F"][both], columns["FCH4"][both])[0, 1] > 0.8
    assert long


def test_the_running_mean_counts_what_is_known():
    values = np.arange(100.0)
    found = twin_towers.running_mean(values, 30)
    assert found[50] == pytest.approx(values[35:65].mean(), abs=0.51)
    values[10:90] = np.nan
    assert np.isfinite(twin_towers.running_mean(values, 30)).all()
    assert np.isnan(bridged(np.full(5, np.nan), 9)).all()
