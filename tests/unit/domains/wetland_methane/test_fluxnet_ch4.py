"""Daily files of FLUXNET-CH4: the published ones, the drivers of either source, and what becomes of broken files."""

from collections import Counter

import numpy as np
import pytest
from landbridge.domains.wetland_methane import units
from landbridge.domains.wetland_methane.fluxnet_ch4 import read_fluxnet_ch4
from landbridge.prepare.windows import run_lengths
from landbridge.stage import StageError

from tests.unit.domains.wetland_methane.written import tower, write_simulation, write_table, write_tower

NMOL = 1.3861152
LOM = {"scale": {"FI-Lom": {"P_F": 0.1}}}
# Site: calendar years, days, days with FCH4, mean FCH4 in nmol m-2 s-1; 29 February removed.
FIXTURE = {
    "BW-Gum": (1, 365, 191, 209.1),
    "CA-SCB": (4, 1416, 648, 45.9),
    "DE-Hte": (8, 2920, 2179, 161.2),
    "DE-Zrk": (6, 2190, 1641, 84.95),
    "FI-Lom": (5, 1825, 1584, 43.65),
    "FI-Si2": (5, 1825, 733, 46.05),
    "FI-Sii": (6, 2190, 1413, 34.6),
    "JP-BBY": (4, 1460, 817, 55.4),
    "US-BZB": (3, 1095, 560, 45.7),
    "US-BZF": (3, 1095, 534, 48.8),
}


def read(folder, counts=None, **settings):
    counts = Counter() if counts is None else counts
    return {unit.name: unit for unit in read_fluxnet_ch4(folder, settings, counts=counts)}


def test_the_published_files_give_the_fixture(mirror):
    found = read(mirror / "wetland_methane" / "fluxnet_ch4", leap_days="drop", **LOM)
    assert sorted(found) == list(found) == sorted(FIXTURE)
    for name, (years, days, measured, mean) in FIXTURE.items():
        flux = found[name].values["ch4_flux"]
        assert len(np.unique(found[name].time.astype("datetime64[Y]"))) == years
        assert (len(flux), int(np.isfinite(flux).sum())) == (days, measured)
        assert np.nanmean(flux, dtype=np.float64) / NMOL == pytest.approx(mean, abs=0.06)


def test_the_published_files_are_unbroken_and_their_traps_are_told(mirror):
    folder, counts = mirror / "wetland_methane" / "fluxnet_ch4", Counter()
    found = read(folder, counts, **LOM)
    for unit in found.values():
        assert (np.diff(unit.time).astype(int) == 1).all()
        assert np.isfinite(unit.values["ch4_flux_filled"]).all()
        for driver in ("air_temperature", "vapour_pressure", "precipitation", "shortwave"):
            assert np.isfinite(unit.values[driver]).all()
    assert counts["towers without water table"] == 3 and counts["towers without soil temperature"] == 1
    assert np.isnan(found["US-BZF"].values["water_table"]).all()
    assert np.nanmean(found["DE-Zrk"].values["water_table"]) == pytest.approx(22.6, abs=0.1)  # cm
    assert found["US-BZB"].static["tower_group"] == found["US-BZF"].static["tower_group"]
    assert found["FI-Sii"].static["group_1km"] == found["FI-Si2"].static["group_1km"]
    assert found["BW-Gum"].static["koppen"] == "BSh" and found["BW-Gum"].static["fold_published"] == "0"
    with pytest.raises(StageError, match=r"FI-Lom.*P_F has the mean 15.03.*scale: \{FI-Lom: \{P_F: FACTOR\}\}"):
        read(folder)


def test_labels_are_kept_apart_with_a_flag(tmp_path):
    columns = tower()
    columns["FCH4_F"] = np.where(np.arange(400) < 100, -9999, columns["FCH4_F"])
    write_tower(tmp_path, columns=columns)
    values = read(tmp_path)["FI-Sii"].values
    measured = np.arange(400) % 3 != 0
    np.testing.assert_array_equal(np.isfinite(values["ch4_flux"]), measured)
    np.testing.assert_array_equal(values["ch4_filled"], ~measured)
    np.testing.assert_allclose(values["ch4_flux"][measured], columns["FCH4"][measured] * NMOL, rtol=1e-6)
    np.testing.assert_allclose(values["ch4_flux_filled"][100:], columns["FCH4_F"][100:] * NMOL, rtol=1e-6)
    np.testing.assert_allclose(values["ch4_flux_filled"][:100], columns["FCH4_F_ANNOPTLM"][:100] * NMOL, rtol=1e-6)
    pressure = units.vapour_pressure(columns["TA_F"], columns["VPD_F"])
    np.testing.assert_allclose(values["vapour_pressure"], pressure, rtol=1e-5)
    np.testing.assert_allclose(values["water_table"], columns["WTD"] * 100, rtol=1e-5)
    assert "npp" not in values and "ch4_flux_truth" not in values


def test_a_leap_year_holds_windows_of_a_year_unless_leap_days_are_dropped(tmp_path):
    write_tower(tmp_path, columns=tower("2004-01-01", 366))
    for setting, longest in (("keep", 366), ("drop", 306)):
        time = read(tmp_path, leap_days=setting)["FI-Sii"].time
        breaks = np.concatenate([[True], np.diff(time).astype(int) != 1])
        assert run_lengths(np.ones(len(time), bool), breaks).max() == longest


def test_ids_in_any_spelling_are_one_site(tmp_path):
    write_tower(tmp_path, "US-SRR")
    assert list(read(tmp_path)) == ["US-Srr"]
    write_tower(tmp_path, "US.Srr")
    with pytest.raises(StageError, match=r"US-Srr is in .* too; keep one"):
        read(tmp_path)


# -- drivers of the grid ------------------------------------------------------------------------------------------


def site_in_grid(**more):
    return {"sites": {"FI-Sii": {"lat": 51.4, "lon": 11.1}}, "grid": "simulation", **more}


def test_drivers_of_the_grid_are_those_of_the_cell(tmp_path):
    write_simulation(tmp_path / "simulation", years=(2001,))
    write_tower(tmp_path / "towers", columns=tower("2001-12-30", 4))
    counts = Counter()
    unit = read(tmp_path, counts, **site_in_grid(drivers="grid"))["FI-Sii"]
    temperature = unit.values["air_temperature"]
    # Row 2 from 50.25, column 2 from 10.25; days 364 and 365.
    np.testing.assert_allclose(temperature[:2], 5 + 0.2 + 0.02 + np.array([0.364, 0.365]), rtol=1e-6)
    np.testing.assert_allclose(unit.values["ch4_simulated"][:2], 30.22 + np.array([0.364, 0.365]), rtol=1e-6)
    np.testing.assert_allclose(unit.values["npp"][:2], 1.0)
    assert np.isnan(temperature[2:]).all()  # 2002 is not simulated
    assert counts["tower years that the grid does not have, without drivers"] == 1
    assert unit.values["ch4_air"][0] == 1622 and unit.values["co2_air"][0] == 359
    assert unit.static["soil_ph"] == pytest.approx(6.5)
    assert unit.static["wetland_type"] == 2  # of the site table, over the grid's
    assert np.isfinite(unit.values["water_table"]).all()


def test_published_drivers_are_those_of_the_grid_but_for_three(tmp_path):
    write_simulation(tmp_path / "simulation", years=(2001,))
    columns = tower("2001-01-01", 300)
    write_tower(tmp_path / "towers", columns=columns)
    grid = read(tmp_path, **site_in_grid(drivers="grid"))["FI-Sii"].values
    mixed = read(tmp_path, **site_in_grid(drivers="published"))["FI-Sii"].values
    own = read(tmp_path, sites=site_in_grid()["sites"])["FI-Sii"].values
    for name in ("shortwave", "npp", "ch4_air", "ch4_simulated"):
        np.testing.assert_array_equal(mixed[name], grid[name])
    for name in ("air_temperature", "precipitation", "vapour_pressure"):
        np.testing.assert_array_equal(mixed[name], own[name])
        assert not np.array_equal(mixed[name], grid[name])


def test_a_tower_outside_the_grid_is_left_out_and_counted(tmp_path):
    write_simulation(tmp_path / "simulation", years=(2001,))
    write_tower(tmp_path / "towers")
    write_tower(tmp_path / "towers", "FI-Lom")
    counts = Counter()
    assert list(read(tmp_path, counts, **site_in_grid(drivers="grid"))) == ["FI-Sii"]
    assert counts["dropped: towers whose cell the grid does not know"] == 1


def test_a_grid_is_named_where_it_is_wanted(tmp_path):
    write_tower(tmp_path)
    with pytest.raises(StageError, match="drivers is grid; name the folder"):
        read(tmp_path, drivers="grid")
    with pytest.raises(StageError, match="simulation: not there"):
        read(tmp_path, drivers="grid", grid="simulation")


def test_the_truth_of_a_twin_is_read(tmp_path):
    write_tower(tmp_path)
    write_table(
        tmp_path / "truth.csv", {"SITE_ID": ["FI-Sii"] * 2, "TIMESTAMP": ["20010102", "20010103"], "CH4": [7, 8]}
    )
    truth = read(tmp_path)["FI-Sii"].values["ch4_flux_truth"]
    np.testing.assert_array_equal(truth[:4], [np.nan, 7, 8, np.nan])


# -- broken and doubtful input ------------------------------------------------------------------------------------


def test_optional_columns_may_be_absent(tmp_path):
    columns = tower()
    del columns["TS_1"], columns["WTD"], columns["FCH4_F_ANNOPTLM"]
    write_tower(tmp_path, columns=columns)
    counts = Counter()
    values = read(tmp_path, counts)["FI-Sii"].values
    assert np.isnan(values["water_table"]).all() and np.isnan(values["soil_temperature"]).all()
    assert counts["towers without water table"] == counts["towers without soil temperature"] == 1
    np.testing.assert_allclose(values["ch4_flux_filled"], columns["FCH4_F"] * NMOL, rtol=1e-6)


@pytest.mark.parametrize("column", ["FCH4", "TA_F", "P_F", "VPD_F", "SW_IN_F", "TIMESTAMP"])
def test_a_needed_column_is_named(tmp_path, column):
    columns = tower()
    del columns[column]
    write_tower(tmp_path, columns=columns)
    with pytest.raises(StageError, match=f"no column {column}; it has"):
        read(tmp_path)


def test_a_tower_without_one_measured_flux_is_left_out_and_counted(tmp_path, caplog):
    write_tower(tmp_path)
    write_tower(tmp_path, "FI-Lom", tower(FCH4=np.full(400, -9999)))
    counts = Counter()
    assert list(read(tmp_path, counts)) == ["FI-Sii"]
    assert counts["dropped: towers without one flux"] == 1
    assert "FI-Lom has no value of FCH4 at all; left out" in caplog.text


def test_a_site_that_no_table_names_is_refused_with_what_to_write(tmp_path):
    write_tower(tmp_path, "XX-Abc")
    with pytest.raises(StageError, match=r"no place is known of XX-Abc; .*sites: \{XX-Abc: \{lat"):
        read(tmp_path)
    unit = read(tmp_path, sites={"XX-Abc": {"lat": 1, "lon": 2, "wetland_class": "Fen"}})["XX-Abc"]
    assert (unit.static["wetland_class"], unit.static["fold_published"]) == ("fen", "")


@pytest.mark.parametrize(
    ("column", "change", "words"),
    [
        ("TA_F", lambda x: x + 273.15, "TA_F has the value .* outside -90 to 60 degC: a mistake of the unit"),
        ("P_F", lambda x: x * 10, "P_F has the mean"),
        ("P_F", lambda x: x / 1000, "P_F has the mean"),
        ("VPD_F", lambda x: x * 100, "VPD_F has the value"),
        ("VPD_F", lambda x: x / 10 * 0.5, "VPD_F has the mean"),
        ("SW_IN_F", lambda x: x * 0.0864, "SW_IN_F has the mean"),
        ("WTD", lambda x: x * 100, r"WTD has the value .*water_table_units: \{FI-Sii: cm\}"),
        ("FCH4", lambda x: np.where(x > 0, x * 1000, x), "FCH4 has the value"),
    ],
)
def test_a_mistake_of_the_unit_is_refused_by_name(tmp_path, column, change, words):
    columns = tower()
    columns[column] = change(columns[column])
    write_tower(tmp_path, columns=columns)
    with pytest.raises(StageError, match=words):
        read(tmp_path)


def test_scales_and_units_of_single_files(tmp_path):
    columns = tower()
    write_tower(tmp_path, columns={**columns, "P_F": columns["P_F"] * 10, "WTD": columns["WTD"] * 100})
    settings = {"scale": {"fi_sii": {"P_F": 0.1}}, "water_table_units": {"FI-SII": "cm"}}
    values = read(tmp_path, **settings)["FI-Sii"].values
    np.testing.assert_allclose(values["precipitation"], columns["P_F"], rtol=1e-5)
    np.testing.assert_allclose(values["water_table"], columns["WTD"] * 100, rtol=1e-5)
    write_tower(tmp_path, columns=columns)
    with pytest.raises(StageError, match=r"stays between .* cm all year: is it in m"):
        read(tmp_path, water_table_units="cm")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"colour": 1}, "colour is not known; write drivers"),
        ({"drivers": "mine"}, "drivers is 'mine'; write tower or grid or published"),
        ({"leap_days": True}, "leap_days is True; write keep or drop"),
        ({"water_table_units": "ft"}, "water_table_units of FI-Sii is 'ft'; write m or cm"),
        ({"scale": {"FI-Sii": {"P_F": "x"}}}, "scale: FI-Sii: P_F is 'x'; write a factor above 0"),
        ({"scale": {"FI-Sii": {"P": 2}}}, "scale: FI-Sii: no column P is read"),
        ({"scale": {"FI-Zzz": {"P_F": 2}}}, "scale: no site is named FI-Zzz"),
        ({"scale": 3}, "scale is 3; write a mapping"),
    ],
)
def test_unusable_settings_are_named(tmp_path, settings, words):
    write_tower(tmp_path)
    with pytest.raises(StageError, match=words):
        read(tmp_path, **settings)


def test_days_that_a_file_lacks_are_missing(tmp_path):
    columns = {name: np.delete(np.asarray(values), [5, 6]) for name, values in tower().items()}
    write_tower(tmp_path, columns=columns)
    unit = read(tmp_path)["FI-Sii"]
    assert len(unit.time) == 400
    assert np.isnan(unit.values["air_temperature"][5:7]).all() and np.isnan(unit.values["ch4_filled"][5:7]).all()


def test_an_empty_folder_and_a_file_without_rows_are_named(tmp_path):
    with pytest.raises(StageError, match="no daily file; names look like FLX_FI-Lom"):
        read(tmp_path)
    write_tower(tmp_path, columns={name: [] for name in tower()})
    with pytest.raises(StageError, match="has a header and no row"):
        read(tmp_path)
