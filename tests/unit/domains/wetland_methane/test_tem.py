"""The simulation on a grid: its calendar, its axes, what is skipped and what is refused."""

import itertools
from collections import Counter

import numpy as np
import pytest
from landbridge.domains.wetland_methane import simulation
from landbridge.domains.wetland_methane.cells import cell_of
from landbridge.domains.wetland_methane.grids import FULL_LAT, FULL_LON, Field, Grid, check_direction, check_elevation
from landbridge.domains.wetland_methane.tem import read_tem_mdm
from landbridge.stage import StageError

from tests.unit.domains.wetland_methane.written import (
    AXES,
    LAT,
    LON,
    STATIC_VALUES,
    field,
    write_grid,
    write_simulation,
)


def read(folder, counts=None, **settings):
    counts = Counter() if counts is None else counts
    return {unit.name: unit for unit in read_tem_mdm(folder, settings, counts=counts)}


def same(found, expected):
    assert list(found) == list(expected)
    for name, unit in found.items():
        np.testing.assert_array_equal(unit.time, expected[name].time)
        for variable, values in unit.values.items():
            np.testing.assert_array_equal(values, expected[name].values[variable], err_msg=f"{name} {variable}")
        assert unit.static == expected[name].static


def test_a_cell_holds_its_own_days(tmp_path):
    write_simulation(tmp_path, years=(2001,))
    counts = Counter()
    found = read(tmp_path, counts)
    assert len(found) == counts["cells"] == 35
    unit = found["cell 283,384"]  # of 51.75 N, 12.25 E: row 3, column 4
    np.testing.assert_array_equal(unit.time, np.arange("2001-01-01", "2002-01-01", dtype="datetime64[D]"))
    days = np.arange(1, 366) * 0.001
    np.testing.assert_allclose(unit.values["air_temperature"], 5.34 + days, rtol=1e-6)
    np.testing.assert_allclose(unit.values["ch4_flux"], 30.34 + days, rtol=1e-6)
    np.testing.assert_allclose(unit.values["precipitation"], 2.34 + days, rtol=1e-6)
    lengths = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    np.testing.assert_allclose(unit.values["npp"], np.repeat(31 / lengths, lengths), rtol=1e-6)
    np.testing.assert_array_equal(unit.values["ch4_air"], np.full(365, 1622))
    assert [name for name in unit.values if name.startswith("ch4")] == ["ch4_flux", "ch4_air"]
    assert (unit.static["lat"], unit.static["cell"], unit.static["origin"]) == (51.75, "283,384", "simulation")
    assert unit.static["tower_group"] == unit.static["block"] == "block 50,10"
    assert unit.static["soil_ph"] == pytest.approx(6.5)


def test_the_flux_stands_under_the_name_of_the_filled_label_where_asked(tmp_path):
    write_simulation(tmp_path, years=(2001,))
    measured = read(tmp_path, Counter())["cell 283,384"].values["ch4_flux"]
    (filled,) = [
        unit
        for unit in read_tem_mdm(tmp_path, {"label": "ch4_flux_filled"}, counts=Counter())
        if unit.name == "cell 283,384"
    ]
    np.testing.assert_array_equal(filled.values["ch4_flux_filled"], measured)
    assert "ch4_flux" not in filled.values
    with pytest.raises(StageError, match="label is 'flux'; write ch4_flux or ch4_flux_filled"):
        list(read_tem_mdm(tmp_path, {"label": "flux"}, counts=Counter()))


def test_years_lie_end_to_end_and_29_february_lies_between_its_neighbours(tmp_path):
    write_simulation(tmp_path, years=(2003, 2004))
    counts = Counter()
    unit = read(tmp_path, counts)["cell 280,380"]
    assert (np.diff(unit.time).astype(int) == 1).all() and len(unit.time) == 365 + 366
    leap = 365 + 59
    assert str(unit.time[leap]) == "2004-02-29"
    assert np.isnan(unit.values["ch4_flux"][leap]) and np.isfinite(np.delete(unit.values["ch4_flux"], leap)).all()
    for name in ("air_temperature", "precipitation", "shortwave", "vapour_pressure"):
        values = unit.values[name]
        assert np.isfinite(values).all()
        assert values[leap] == pytest.approx((values[leap - 1] + values[leap + 1]) / 2)
    np.testing.assert_allclose(unit.values["air_temperature"][leap + 1], 5 + 0.060, rtol=1e-6)  # 1 March is day 60
    assert counts["leap years, whose 29 February is between its neighbours"] == 1
    assert counts["years"] == 2
    np.testing.assert_allclose(unit.values["npp"][365 + 31 : 365 + 60], 31 / 28, rtol=1e-6)


def test_values_on_impossible_dates_are_dropped_and_counted(tmp_path):
    write_simulation(tmp_path / "whole", years=(2003, 2004))
    emission = field("CH4_emission", LAT, LON)
    emission[1, 2, 1, 29] = 99.0  # 30 February
    emission[3, 4, 3, 30] = 99.0  # 31 April
    emission[0, 0, 1, 28] = 99.0  # 29 February, which 2003 does not have
    leap = field("TAIR", LAT, LON)
    leap[0, 0, 1, 28] = 40.0  # a date of 2004, dropped all the same
    changed = {("CH4_emission", 2003): emission, ("TAIR", 2004): leap}
    write_simulation(tmp_path / "odd", years=(2003, 2004), changed=changed)
    counts = Counter()
    same(read(tmp_path / "odd", counts), read(tmp_path / "whole"))
    assert counts["dropped: values on dates that no month has"] == 3


def test_cells_without_data_are_skipped_and_counted(tmp_path):
    emission, temperature = field("CH4_emission", LAT, LON), field("TAIR", LAT, LON)
    emission[0, 0] = np.nan
    emission[0, 1, :6] = np.nan  # half a year: kept
    temperature[0, 2] = np.nan
    elevation = {name: np.full((5, 7), value, np.float32) for name, value in STATIC_VALUES.items()}
    for values in elevation.values():
        values[4, 6] = np.nan
    npp = np.full((5, 7, 12), np.nan, np.float32)
    changed = {("CH4_emission", 2001): emission, ("TAIR", 2001): temperature, ("NPP", 2001): npp, **elevation}
    write_simulation(tmp_path, changed=changed)
    counts = Counter()
    found = read(tmp_path, counts)
    assert len(found) == 32
    assert counts["dropped: cells without any ch4_flux"] == 1
    assert counts["dropped: cells without any air_temperature"] == 1
    assert counts["dropped: cells that no static field knows"] == 1
    assert np.isnan(found["cell 280,381"].values["ch4_flux"]).sum() == 181
    assert not found["cell 280,381"].values["npp"].any()  # NaN is read as 0


# -- axes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axes", [("lon", "lat", "month", "day"), ("day", "month", "lat", "lon")])
def test_transposed_axes_are_put_right(tmp_path, axes):
    write_simulation(tmp_path / "a")
    write_simulation(tmp_path / "b", axes=axes)
    same(read(tmp_path / "b"), read(tmp_path / "a"))


def flipped(folder):
    """The same fields, rows from the north."""
    changed = {name: np.full((5, 7), value, np.float32) for name, value in STATIC_VALUES.items()}
    for name, _ in simulation.DAILY.values():
        changed[name, 2001] = field(name, LAT, LON)[::-1]
    write_simulation(folder, changed=changed, lat=LAT[::-1])


def test_rows_from_the_north_are_put_right(tmp_path):
    write_simulation(tmp_path / "a")
    flipped(tmp_path / "b")
    same(read(tmp_path / "b"), read(tmp_path / "a"))


def test_columns_from_greenwich_are_put_right(tmp_path):
    lon = np.array([-1.25, -0.75, -0.25, 0.25, 0.75])
    order = np.array([3, 4, 0, 1, 2])
    changed = {(name, 2001): field(name, LAT, lon)[:, order] for name, _ in simulation.DAILY.values()}
    write_simulation(tmp_path / "a", lon=lon)
    write_simulation(tmp_path / "b", lon=lon[order] % 360, changed=changed)
    same(read(tmp_path / "b"), read(tmp_path / "a"))


def test_axes_that_can_not_be_told_are_refused(tmp_path):
    write_simulation(tmp_path / "a", coordinates=False)
    with pytest.raises(StageError, match=r"clelev.nc: has no lat and 5 cells along it, not 360; give it coordinate"):
        read(tmp_path / "a")
    write_simulation(tmp_path / "b", names=("a", "b", "c", "d"))
    with pytest.raises(StageError, match=r"which can't be told to be lat, lon, month, day: transposed\? give it"):
        read(tmp_path / "b")
    write_simulation(tmp_path / "c")
    values = field("TAIR", LAT, LON).transpose(0, 1, 3, 2)  # (lat, lon, day, month) under the names of the others
    write_grid(tmp_path / "c" / "daily_ecmwf_TAIR_2001.nc", "TAIR", values)
    with pytest.raises(StageError, match="has 31 along month, not 12"):
        read(tmp_path / "c")


def test_another_grid_than_the_first_is_refused(tmp_path):
    write_simulation(tmp_path)
    write_grid(tmp_path / "daily_ecmwf_TAIR_2001.nc", "TAIR", field("TAIR", LAT, LON), LAT + 1, LON)
    with pytest.raises(StageError, match=r"TAIR_2001.nc: is on another grid than clelev.nc"):
        read(tmp_path)


def full(value=np.nan):
    return np.full((360, 720), value, np.float32)


def test_a_full_grid_without_coordinates_is_told_by_tibet(tmp_path):
    row, column = cell_of(33.25, 88.25)
    for name, place, words in (
        ("right", (row, column), None),
        ("north", (359 - row, column), "if the grid ran from the north"),
        ("east", (row, column - 360), "if the grid ran from Greenwich"),
        ("none", None, "Tibet is not at 33 N, 88 E"),
    ):
        values = full(100.0)
        if place is not None:
            values[place] = 4800.0
        write_grid(tmp_path / f"{name}.nc", "clelev", values, coordinates=False)
        found = Field(tmp_path / f"{name}.nc", "clelev", ("lat", "lon"))
        if words is None:
            check_elevation(found)
        else:
            with pytest.raises(StageError, match=words):
                check_elevation(found)
        found.close()


def test_a_full_grid_without_coordinates_is_told_by_land(tmp_path):
    for name, rows, told in (
        ("right", slice(180, 360), True),
        ("north", slice(0, 180), None),
        ("sea", slice(0, 360), False),
    ):
        values = full()
        values[rows] = 1.0
        write_grid(tmp_path / f"{name}.nc", "phh2o", values, coordinates=False)
        found = Field(tmp_path / f"{name}.nc", "phh2o", ("lat", "lon"))
        if told is None:
            with pytest.raises(StageError, match="has land at 60 S and none at 60 N, so its rows run from the north"):
                check_direction(found)
        else:
            assert check_direction(found) is told
        found.close()


def test_the_cell_of_a_place_is_that_of_the_floor():
    grid = Grid(FULL_LAT, FULL_LON)
    random = np.random.default_rng(1)
    for lat, lon in zip(random.uniform(-90, 90, 200), random.uniform(-180, 180, 200), strict=True):
        assert grid.index(lat, lon) == cell_of(lat, lon)
    assert grid.index(90, 180) == (359, 719)
    assert Grid(LAT, LON).index(49.9, 11) is None and Grid(LAT, LON).index(50.1, 13.6) is None


# -- draws, years, memory -----------------------------------------------------------------------------------------


def test_a_draw_depends_on_the_cell_and_the_seed_alone(tmp_path):
    write_simulation(tmp_path / "a", years=(2001, 2002))
    whole, counts = read(tmp_path / "a"), Counter()
    half = read(tmp_path / "a", counts, share=0.5, years=[2001, 2001])
    assert 8 < len(half) < 27 and counts["cells not drawn"] == 35 - len(half)
    assert set(half) < set(whole)
    assert set(half) == set(read(tmp_path / "a", share=0.5))
    assert set(half) != set(read(tmp_path / "a", share=0.5, seed=1))
    quarter = read(tmp_path / "a", share=0.25)
    assert set(quarter) < set(half)
    write_simulation(tmp_path / "b", years=(2001,), lat=LAT[1:4], lon=LON[2:])
    assert set(read(tmp_path / "b", share=0.5)) == set(half) & set(read(tmp_path / "b"))


@pytest.mark.parametrize(("kept", "read_bytes"), [(1, 1), (20_000, 5_000), (1 << 30, 1 << 30)])
def test_small_memory_changes_no_value(tmp_path, monkeypatch, kept, read_bytes):
    write_simulation(tmp_path, years=(2003, 2004), lat=LAT[:2], lon=LON[:3])
    expected = read(tmp_path)
    monkeypatch.setattr(simulation, "KEPT_BYTES", kept)
    monkeypatch.setattr(simulation, "READ_BYTES", read_bytes)
    same(read(tmp_path), expected)


def test_what_waits_for_its_years_does_not_grow_with_them(tmp_path):
    write_simulation(tmp_path)
    found = simulation.Simulation(tmp_path, {}, "month", Counter())
    rows, columns = np.nonzero(np.ones((5, 7)))
    for years in (1, 40, 4000):
        parts = list(found.batches(simulation.Cells(rows, columns), years))
        assert sum(map(len, parts)) == 35
        for part in parts:
            assert len(part) == 1 or len(part) * years * 366 * 4 * 6 <= simulation.KEPT_BYTES


def test_packed_chunks_are_read_whole(tmp_path):
    write_simulation(tmp_path / "a", years=(2001,))
    write_simulation(tmp_path / "b", years=(2001,))
    for name, pattern in simulation.DAILY.values():
        values = field(name, LAT, LON)
        path = tmp_path / "b" / pattern.format(2001)
        write_grid(path, name, values, zlib=True, chunksizes=(2, 7, 12, 31))
    same(read(tmp_path / "b"), read(tmp_path / "a"))


def test_missing_years_are_stated(tmp_path, caplog):
    write_simulation(tmp_path, years=(2001, 2003))
    counts = Counter()
    unit = read(tmp_path, counts)["cell 280,380"]
    assert len(unit.time) == 730
    assert counts["years without a file, between the first and the last"] == 1
    assert "no files of 2002; series break there" in caplog.text
    with pytest.raises(StageError, match=r"years: no CH4_emission_intensity_2002.nc .*there are 2001 to 2003, 2 years"):
        read(tmp_path, years=[2001, 2003])
    (tmp_path / "daily_ecmwf_TAIR_2003.nc").unlink()
    with pytest.raises(StageError, match=r"TAIR_2003.nc: not there; fetch it, or leave its year out"):
        read(tmp_path)
    assert len(read(tmp_path, years=[2001, 2001])) == 35


# -- units and broken files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("TAIR", lambda x: x + 273.15, "TAIR has the value .* degC: a mistake of the unit .*scale: {TAIR: FACTOR}"),
        ("PREC", lambda x: x / 1000, "PREC has the mean .* mm d-1"),
        ("VAPR", lambda x: x / 10, "VAPR has the mean"),
        ("VAPR", lambda x: x * 100, "VAPR has the value"),
        ("SOLR", lambda x: x * 0.0864, "SOLR has the mean"),
        ("CH4_emission", lambda x: x * 1e4, "CH4_emission has the value"),
        ("NPP", lambda x: x * 1000, "NPP has the value"),
    ],
)
def test_a_driver_out_of_its_range_is_refused_by_name(tmp_path, name, change, words):
    usual = np.full((5, 7, 12), 31.0) if name == "NPP" else field(name, LAT, LON)
    write_simulation(tmp_path, changed={(name, 2001): change(usual)})
    with pytest.raises(StageError, match=words):
        read(tmp_path)


def test_ph_times_ten_is_refused_until_it_is_scaled(tmp_path):
    write_simulation(tmp_path, changed={"phh2o": np.full((5, 7), 65.0, np.float32)})
    with pytest.raises(StageError, match=r"phh2o has the value 65, outside 2 to 11 .*pH times 10"):
        read(tmp_path)
    unit = next(iter(read(tmp_path, scale={"phh2o": 0.1}).values()))
    assert unit.static["soil_ph"] == pytest.approx(6.5)


def test_scale_and_npp_per_day(tmp_path):
    write_simulation(tmp_path, changed={("NPP", 2001): np.full((5, 7, 12), 2.0, np.float32)})
    unit = read(tmp_path, npp="day", scale={"PREC": 2.0})["cell 280,380"]
    np.testing.assert_allclose(unit.values["npp"], 2.0)
    np.testing.assert_allclose(unit.values["precipitation"], 2 * (2 + np.arange(1, 366) * 0.001), rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"colour": 1}, "colour is not known; write years"),
        ({"share": 0}, "share is 0; write a number above 0 and up to 1"),
        ({"share": "all"}, "share is 'all'"),
        ({"seed": -1}, "seed is -1; write a whole number"),
        ({"years": [2003]}, r"years is \[2003\]; write the first and the last"),
        ({"years": [2003, 2001]}, "years is"),
        ({"npp": "year"}, "npp is 'year'; write month or day"),
        ({"scale": {"PH": 0.1}}, "scale: PH is not known; write clelev"),
        ({"scale": {"PREC": 0}}, "scale: PREC is 0; write a factor above 0"),
    ],
)
def test_unusable_settings_are_named(tmp_path, settings, words):
    write_simulation(tmp_path)
    with pytest.raises(StageError, match=words):
        read(tmp_path, **settings)


def test_broken_files_are_named(tmp_path):
    with pytest.raises(StageError, match=r"no file CH4_emission_intensity_YYYY.nc"):
        read(tmp_path)
    write_simulation(tmp_path)
    (tmp_path / "clelev.nc").write_bytes(b"no netcdf")
    with pytest.raises(StageError, match=r"clelev.nc: not a readable NetCDF file .*fetch it again"):
        read(tmp_path)
    write_simulation(tmp_path)
    (tmp_path / "ch4-1979-2018.txt").write_text("1979 1600\n1980\n")
    with pytest.raises(StageError, match=r"line 2: '1980'; write a year and a value"):
        read(tmp_path)
    (tmp_path / "ch4-1979-2018.txt").write_text("1979 1600\n")
    with pytest.raises(StageError, match=r"ch4-\*.txt has no line of 2001; add it"):
        read(tmp_path)
    (tmp_path / "ch4-1979-2018.txt").write_text("2001 1.7\n")
    with pytest.raises(StageError, match=r"ch4-1979-2018.txt has the value 1.7, outside 600 to 3000 ppb"):
        read(tmp_path)
    (tmp_path / "ch4-1979-2018.txt").unlink()
    with pytest.raises(StageError, match=r"0 files ch4-\*.txt, and one is wanted"):
        read(tmp_path)


def test_every_order_of_axes_is_one_array(tmp_path):
    values = field("TAIR", LAT, LON)
    for number, axes in enumerate(itertools.permutations(AXES)):
        path = tmp_path / f"{number}.nc"
        write_grid(path, "TAIR", values, axes=axes)
        found = Field(path, "TAIR", AXES)
        np.testing.assert_array_equal(found.read(1, 3), values[1:3])
        found.close()
