"""The table of PEPRMT-Tidal: the published one with its traps, and broken ones."""

from collections import Counter

import numpy as np
import pytest
from landbridge.domains.wetland_methane.peprmt import read_peprmt
from landbridge.stage import StageError

from tests.unit.domains.wetland_methane.written import write_table

SETTINGS = {
    "water_table_units": {"US_STJ": "m"},
    "sites": {"US-PLM": {"lat": 42.73, "lon": -70.84, "wetland_class": "salt marsh"}},
}


def read(folder, counts=None, **settings):
    counts = Counter() if counts is None else counts
    return {unit.name: unit for unit in read_peprmt(folder, settings, counts=counts)}


def table(days=400, **columns):
    random = np.random.default_rng(0)
    dates = np.datetime64("2015-01-01") + np.arange(days)
    years = dates.astype("datetime64[Y]")
    found = {
        "DOY": np.arange(1, days + 1),
        "DOY_disc": (dates - years).astype(int) + 1,
        "Year": years.astype(int) + 1970,
        "TA_C": random.normal(15, 3, days),
        "WTD_cm": random.normal(0, 10, days),
        "PAR_umol_m2_day": random.uniform(100, 500, days),
        "EVI": random.uniform(0, 0.5, days),
        "Salinity_daily_ave_ppt": random.uniform(5, 20, days),
        "GPP_gC_m2_day": np.full(days, -2.0),
        "Reco_gC_m2_day": np.full(days, 1.5),
        "CH4_gC_m2_day": np.full(days, 0.01),
        "site_char": ["US_SRR"] * days,
    }
    return {**found, **columns}


def write(folder, **columns):
    write_table(folder / "All_sites_master.csv", table(**columns))


def test_the_published_table(mirror):
    folder, counts = mirror / "wetland_methane" / "peprmt_tidal", Counter()
    found = read(folder, counts, **SETTINGS)
    labelled = {name: int(np.isfinite(unit.values["ch4_flux_filled"]).sum()) for name, unit in found.items()}
    assert labelled == {"US-EDN": 1217, "US-LA1": 426, "US-PLM": 200, "US-Srr": 1654, "US-StJ": 1096}
    assert counts["days with a flux that may be filled"] == 4593
    assert counts["towers whose radiation lies on another level"] == 1
    means = {name: float(np.nanmean(unit.values["ch4_flux_filled"])) for name, unit in found.items()}
    assert means["US-StJ"] == pytest.approx(0.03 * 1335.692, rel=0.25)  # gC to mg CH4
    assert max(means, key=means.__getitem__) in ("US-StJ", "US-LA1")
    assert -60 < np.nanmin(found["US-StJ"].values["water_table"]) * 0.5 < -20  # cm
    for unit in found.values():
        assert (np.diff(unit.time).astype(int) == 1).all()
        assert np.nanmin(unit.values["gpp"]) >= -1.1  # uptake is positive
        assert "ch4_flux" not in unit.values and np.isnan(unit.values["ch4_filled"]).all()
    assert (str(found["US-LA1"].time[0]), str(found["US-LA1"].time[-1])) == ("2011-10-08", "2012-12-06")


def test_a_water_table_in_metres_is_refused_until_it_is_said(mirror):
    folder = mirror / "wetland_methane" / "peprmt_tidal"
    with pytest.raises(StageError, match=r"US-StJ: WTD_CM stays between .*is it in m\? .*\{US-StJ: m\}"):
        read(folder, sites=SETTINGS["sites"])
    with pytest.raises(StageError, match=r"no place is known of US-PLM; .*sites: \{US-PLM"):
        read(folder)


def test_a_table_is_canonical(tmp_path):
    columns = table()
    write(tmp_path)
    unit = read(tmp_path)["US-Srr"]
    np.testing.assert_allclose(unit.values["ch4_flux_filled"], 13.35692, rtol=1e-6)
    np.testing.assert_allclose(unit.values["gpp"], 2.0)
    np.testing.assert_allclose(unit.values["water_table"], columns["WTD_cm"], rtol=1e-5)
    assert unit.static["wetland_class"] == "salt marsh"


def test_broken_tables_are_named(tmp_path):
    with pytest.raises(StageError, match="not there; put the table of PEPRMT-Tidal"):
        read(tmp_path)
    write(tmp_path, DOY_disc=np.full(400, 367))
    with pytest.raises(StageError, match="DOY_disc that is not 1 to 366"):
        read(tmp_path)
    write(tmp_path, DOY_disc=np.full(400, 366))
    with pytest.raises(StageError, match="DOY_disc of 366 in a year of 365 days"):
        read(tmp_path)
    write(tmp_path, TA_C=np.full(400, 288.0))
    with pytest.raises(StageError, match="TA_C has the value 288"):
        read(tmp_path)
    write(tmp_path, CH4_gC_m2_day=["x"] * 400)
    with pytest.raises(StageError, match="line 2: CH4_GC_M2_DAY is 'x'"):
        read(tmp_path)
    columns = table()
    del columns["EVI"]
    write_table(tmp_path / "All_sites_master.csv", columns)
    with pytest.raises(StageError, match="no column EVI"):
        read(tmp_path)
