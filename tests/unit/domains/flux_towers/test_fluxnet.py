"""FLUXNET's daily files: every network's form, the real sheet, and what becomes of broken files."""

import csv
import io
import logging
import zipfile
from collections import Counter

import numpy as np
import pytest
from landbridge.domains.flux_towers import fluxnet, twin
from landbridge.domains.flux_towers.fluxnet import read_fluxnet_daily
from landbridge.stage import StageError

SITES = {"XX-Aaa": {"lat": 50, "lon": 6, "igbp": "ENF"}, "XX-Bbb": {"lat": 60, "lon": 20, "igbp": "GRA"}}
DRIVERS = ("TA_F", "SW_IN_F", "VPD_F", "P_F")


def table(days=150, seed=0, product="USTAR50", **columns):
    """Columns of a small daily file."""
    random = np.random.default_rng(seed)
    dates = np.datetime64("2010-01-01") + np.arange(days)
    nee = random.normal(-1, 1, days)
    found = {
        "TIMESTAMP": [str(date).replace("-", "") for date in dates],
        **{name: random.normal(10, 1, days) for name in DRIVERS},
        f"NEE_VUT_{product}": nee,
        f"NEE_VUT_{product}_QC": np.ones(days),
        f"RECO_NT_VUT_{product}": np.full(days, 2.0),
        f"GPP_NT_VUT_{product}": 2 - nee,
    }
    return {**found, **columns}


def text(columns):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()


def name(site="XX-Aaa", network="FLX", kind="FULLSET"):
    return f"{network}_{site}_FLUXNET2015_{kind}_DD_2010-2010_1-4.csv"


def write(folder, columns=None, **named):
    (folder / name(**named)).write_text(text(columns if columns is not None else table()))


def read(folder, **settings):
    return {unit.name: unit for unit in read_fluxnet_daily(folder, {"sites": SITES, **settings}, counts=Counter())}


def test_a_daily_file_is_canonical(tmp_path):
    columns = table()
    write(tmp_path, columns)
    unit = read(tmp_path)["XX-Aaa"]
    np.testing.assert_allclose(unit.values["nee"], columns["NEE_VUT_USTAR50"], rtol=1e-5)
    np.testing.assert_allclose(unit.values["shortwave"], columns["SW_IN_F"], rtol=1e-6)
    assert unit.static["flux_processing"] == "NEE_VUT_USTAR50"
    assert (unit.static["igbp"], unit.static["network"], unit.static["utc_offset"]) == ("ENF", "FLX", 0.0)


def test_the_twin_writes_three_networks_and_all_are_read(tmp_path):
    twin.write_twin(tmp_path, "t", 1, source_towers=10, target_towers=8, years=1, layout="fluxnet")
    units = read(tmp_path, sites={})
    assert {word for unit in units.values() for word in unit.static["network"].split()} == {"FLX", "AMF", "ICOSETC"}
    assert sum(" " in unit.static["network"] for unit in units.values()) == 2  # towers 0 and 15
    assert all(np.isfinite(unit.values["gpp"]).sum() > 30 for unit in units.values())
    for unit in units.values():  # the fluxes of the first processing close exactly
        error = unit.values["nee"] - (unit.values["reco"] - unit.values["gpp"])
        assert np.nanmax(np.abs(error)) < 1e-3
    assert np.isfinite(units["TW-S000"].values["gpp_truth"]).all()


def test_the_published_sheet(mirror):
    folder = mirror / "flux_towers" / "fluxnet2015"
    settings = {"fluxes": "ref", "sites": {"US-AR1": {"lat": 36.4267, "lon": -99.42, "igbp": "GRA"}}}
    (unit,) = read_fluxnet_daily(folder, settings, counts=Counter())
    assert unit.name == "US-AR1"
    assert len(unit.time) == 1461
    assert (str(unit.time[0]), str(unit.time[-1])) == ("2009-01-01", "2012-12-31")
    first = {name: float(values[0]) for name, values in unit.values.items()}
    assert first["nee"] == pytest.approx(2.08802)
    assert first["gpp"] == pytest.approx(0.0122488)
    assert first["vapour_pressure_deficit"] == pytest.approx(1.919)
    for variable in ("gpp", "reco", "nee", "temperature", "shortwave"):
        assert np.isfinite(unit.values[variable]).all()
    assert np.isnan(unit.values["co2"][0])  # -9999
    with pytest.raises(StageError, match=r"SUBSET files hold no USTAR50.*fluxes: ref"):
        list(read_fluxnet_daily(folder, {"sites": settings["sites"]}, counts=Counter()))


# -- broken and doubtful input ------------------------------------------------------------------------------------


def test_equal_repeats_of_a_day_are_dropped_and_different_ones_refused(tmp_path, caplog):
    columns = table()
    write(tmp_path, {key: [*values, values[3]] for key, values in columns.items()})
    with caplog.at_level(logging.WARNING):
        unit = read(tmp_path)["XX-Aaa"]
    assert "1 rows repeat a day with equal values; dropped" in caplog.text
    assert len(unit.time) == 150
    broken = {key: [*values, values[3]] for key, values in columns.items()}
    broken["TA_F"][-1] += 1
    write(tmp_path, broken)
    with pytest.raises(StageError, match=r"the day 2010-01-04 comes twice with different TA_F"):
        read(tmp_path)


def test_unsorted_days_are_sorted(tmp_path, caplog):
    columns = table()
    write(tmp_path, columns)
    expected = read(tmp_path)["XX-Aaa"].values["nee"]
    order = np.random.default_rng(1).permutation(150)
    write(tmp_path, {key: [values[i] for i in order] for key, values in columns.items()})
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read(tmp_path)["XX-Aaa"].values["nee"], expected)
    assert "not in the order of time; sorted" in caplog.text


def test_missing_values_in_any_spelling_are_missing_and_words_are_refused(tmp_path):
    columns = table()
    for place, word in enumerate(("-9999", "-9999.0", "-9999.00000", "", " ")):
        columns["GPP_NT_VUT_USTAR50"] = [*columns["GPP_NT_VUT_USTAR50"]]
        columns["GPP_NT_VUT_USTAR50"][place] = word
    write(tmp_path, columns)
    unit = read(tmp_path)["XX-Aaa"]
    assert np.isnan(unit.values["gpp"][:5]).all()
    assert np.isnan(unit.values["nee"][:5]).all()  # a row without all three fluxes is dropped
    assert np.isfinite(unit.values["gpp"][5:]).all()
    columns["GPP_NT_VUT_USTAR50"][7] = "n/a"
    write(tmp_path, columns)
    with pytest.raises(StageError, match=r"line 9: GPP_NT_VUT_USTAR50 is 'n/a'; write a number, -9999, or nothing"):
        read(tmp_path)


def test_half_hours_are_no_days(tmp_path):
    columns = table()
    columns["TIMESTAMP"] = [f"{word}0030" for word in columns["TIMESTAMP"]]
    write(tmp_path, columns)
    with pytest.raises(StageError, match=r"line 2: TIMESTAMP '201001010030' .*hand in the daily file"):
        read(tmp_path)
    columns = {"TIMESTAMP_START": columns["TIMESTAMP"], **{k: v for k, v in table().items() if k != "TIMESTAMP"}}
    write(tmp_path, columns)
    with pytest.raises(StageError, match="it has TIMESTAMP_START, so it is half-hourly or hourly"):
        read(tmp_path)


def test_a_file_of_another_tower_is_refused(tmp_path):
    write(tmp_path)
    write(tmp_path, site="XX-Bbb")  # the very same fluxes
    with pytest.raises(
        StageError, match=r"holds the very fluxes of .*XX-Aaa.*a file of another tower under a wrong name"
    ):
        read(tmp_path)
    write(tmp_path, table(seed=1), site="XX-Bbb")
    assert set(read(tmp_path)) == {"XX-Aaa", "XX-Bbb"}


def test_a_zip_with_two_candidates_or_another_tower_is_refused(tmp_path):
    path = tmp_path / "FLX_XX-Aaa_FLUXNET2015_FULLSET_2010-2010_1-4.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name(), text(table()))
        archive.writestr("FLX_XX-Aaa_FLUXNET2015_FULLSET_HH_2010-2010_1-4.csv", "half-hours are no candidate")
    assert set(read(tmp_path)) == {"XX-Aaa"}
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name(kind="SUBSET"), text(table()))
    with pytest.raises(StageError, match=r"holds 2 daily files \(.*\), and one is wanted; unpack the right one"):
        read(tmp_path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name(site="XX-Bbb"), text(table()))
    with pytest.raises(StageError, match=r"is named XX-Aaa and holds .*XX-Bbb.*a file of another tower"):
        read(tmp_path)
    path.write_bytes(b"no zip")
    with pytest.raises(StageError, match="not a readable zip"):
        read(tmp_path)


def test_a_missing_column_is_named(tmp_path):
    columns = table()
    del columns["VPD_F"]
    write(tmp_path, columns)
    with pytest.raises(StageError, match="no column VPD_F"):
        read(tmp_path)


def test_an_unknown_class_is_kept_and_told(tmp_path, caplog):
    write(tmp_path)
    with caplog.at_level(logging.WARNING):
        units = read(tmp_path, sites={"XX-Aaa": {"lat": 50, "lon": 6, "igbp": "XYZ"}})
    assert units["XX-Aaa"].static["igbp"] == "XYZ"
    assert "IGBP class XYZ is not known (XX-Aaa)" in caplog.text


def test_a_tower_without_a_place_is_named(tmp_path):
    write(tmp_path)
    with pytest.raises(StageError, match=r"no place is known of XX-Aaa.*reader_settings"):
        read(tmp_path, sites={})
    (tmp_path / "FLUXNET2015_Metadata.csv").write_text("SITE_ID,LAT,LON,IGBP\nXX-Aaa,50,6,ENF\n")
    assert read(tmp_path, sites={})["XX-Aaa"].static["igbp"] == "ENF"


def test_an_empty_folder_and_unknown_settings_are_told(tmp_path):
    with pytest.raises(StageError, match="no daily file; names look like"):
        read(tmp_path)
    with pytest.raises(StageError, match="fluxes is 'best'; write ustar50, ref or 50"):
        read(tmp_path, fluxes="best")
    with pytest.raises(StageError, match="flux is not known; write fluxes, overlap, sites"):
        read(tmp_path, flux="ref")


def test_networks_overlap_by_year_or_as_published(tmp_path):
    write(tmp_path, table(NEE_VUT_USTAR50_QC=np.full(150, 0.5)))
    write(tmp_path, table(seed=1, NEE_VUT_USTAR50_QC=np.full(150, 0.9)), network="AMF")
    best = read(tmp_path)["XX-Aaa"].values["nee"]
    np.testing.assert_allclose(best, table(seed=1)["NEE_VUT_USTAR50"], rtol=1e-5)
    first = read(tmp_path, overlap="published_first")["XX-Aaa"].values["nee"]
    np.testing.assert_allclose(first, table()["NEE_VUT_USTAR50"], rtol=1e-5)
    with pytest.raises(StageError, match="write one of best_year, published_first"):
        read(tmp_path, overlap="newest")


def test_quality_of_japanflux():
    np.testing.assert_allclose(fluxnet.quality_of_japanflux(np.array([0, 1, 3])), [1, 0.6667, 0], atol=5e-5)
