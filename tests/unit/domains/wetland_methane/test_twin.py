"""The twin keeps its promises: equal bytes, switches that change what they say alone, an unrelated control."""

import csv
import hashlib

import numpy as np
import pytest
from landbridge.domains.wetland_methane import twin, twin_landscape
from landbridge.prepare.groups import pairwise_km
from landbridge.prepare.streams import generator
from landbridge.stage import StageError

from tests.unit.domains.wetland_methane.files import SMALL, field, folders, site_table, table, truth, write


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("twin") / "related")


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_equal_arguments_give_equal_bytes_and_another_seed_does_not(written, tmp_path):
    assert digest(write(tmp_path / "again")) == digest(written)
    other = digest(write(tmp_path / "other", seed=2))
    assert not set(other.values()) & {value for name, value in digest(written).items() if name.endswith("_1-1.csv")}


def test_the_default_twin_is_small(tmp_path):
    folder = tmp_path / "whole"
    folder.mkdir()
    twin.write_twin(folder, "twin_wetlands", 1)
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 20e6
    sites = site_table(folder)
    assert len(sites) == 38
    km = pairwise_km([float(row["LAT"]) for row in sites], [float(row["LON"]) for row in sites])
    km[np.diag_indices(38)] = np.inf
    planted = {frozenset((sites[i]["SITE_ID"], sites[j]["SITE_ID"])) for i, j in zip(*np.nonzero(km < 1), strict=True)}
    assert planted == {frozenset(("TW-F01", "TW-N01")), frozenset(("TW-B01", "TW-N02"))}
    assert np.sort(km[km < 1]) == pytest.approx(0.5, abs=0.01)
    assert km[km > 1].min() > 500
    flux = field(folder, "CH4_emission_intensity_2017")["CH4_emission"]
    assert np.isfinite(flux[..., 5, 5]).sum() == 60


def test_neighbours_share_drivers_and_make_more(written):
    first, near = table(written, "TW-F01"), table(written, "TW-N01")
    np.testing.assert_array_equal(first["TA_F"], near["TA_F"])
    ratio = np.sum(truth(written)["TW-N01"]) / np.sum(truth(written)["TW-F01"])
    assert 1 < ratio < 1.15


def test_noise_and_gaps_are_switches(written, tmp_path):
    clean = write(tmp_path / "clean", noise=False, gaps=False)
    for name, values in truth(clean).items():
        np.testing.assert_allclose(table(clean, name)["FCH4"] * 1.3861152, values, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(values, truth(written)[name])
    noisy = write(tmp_path / "noisy", gaps=False)
    errors = np.concatenate([table(noisy, name)["FCH4"] - table(clean, name)["FCH4"] for name in truth(clean)])
    spread = np.concatenate([2 + 0.25 * np.abs(table(clean, name)["FCH4"]) for name in truth(clean)])
    assert np.std(errors / spread) == pytest.approx(1, abs=0.08)


def test_grid_drivers_are_off_and_same_where_told_so(written, tmp_path):
    def offsets(folder):
        grid = field(folder, "daily_ecmwf_TAIR_2016")
        found = []
        for row in site_table(folder):
            at = np.abs(grid["lat"] - float(row["LAT"])).argmin(), np.abs(grid["lon"] - float(row["LON"])).argmin()
            assert abs(grid["lat"][at[0]] - float(row["LAT"])) < 0.25
            found.append(table(folder, row["SITE_ID"])["TA_F"][:31] - grid["TAIR"][at][0])
        return np.array(found)

    own = offsets(written)
    assert own.std(axis=1).max() < 0.01
    assert 0.5 < own.mean(axis=1).std() < 3
    assert np.abs(offsets(write(tmp_path / "same", grid_drivers=False))).max() < 0.01


def test_water_tables_are_hidden_known_or_both(written, tmp_path):
    def known(folder):
        return sum("WTD" in table(folder, row["SITE_ID"]) for row in site_table(folder))

    assert known(written) == round(0.5 * (SMALL["towers"] + 1))
    assert known(write(tmp_path / "hidden", water_table_known=0)) == 0
    assert known(write(tmp_path / "all", water_table_known=1)) == SMALL["towers"] + 1


@pytest.mark.parametrize("change", [{"pressure_bubbles": False}, {"site_spread": 0}, {"shift": "none"}])
def test_switches_of_reality_leave_the_simulation_as_it_is(written, tmp_path, change):
    other = digest(write(tmp_path / "other", **change))
    changed = {name for name, value in digest(written).items() if other[name] != value}
    assert changed
    assert {name.split("/")[0] for name in changed} == {"towers"}
    assert not {"towers/wetland_classification.txt"} & changed


def test_an_unrelated_simulation_leaves_reality_as_it_is(written, tmp_path):
    other = digest(write(tmp_path / "unrelated", shift="unrelated"))
    changed = {name for name, value in digest(written).items() if other[name] != value}
    assert changed == {"simulation/CH4_emission_intensity_2016.nc"}


def test_an_unrelated_simulation_does_not_follow_reality():
    """Correlation in time at the towers' cells, over ten seeds: strong for a related, none for an unrelated one."""
    found = {"related": [], "unrelated": []}
    for seed in range(10):
        days = twin_landscape.days_of(1)
        grid = twin_landscape.draw_grid(12, 24, 60, generator("grid", seed))
        air = twin_landscape.cell_weather(grid, days, generator("weather", seed))
        water = twin_landscape.water_departures(grid, days, generator("water", seed))
        sites = twin_landscape.draw_sites(grid, 24, 0, generator("sites", seed))
        _, flux = twin.simulated(grid, days, air, 0 * water)
        parameters = twin.true_parameters(sites, "related", 0.5, True, generator("parameters", seed))
        pressure = twin_landscape.cell_pressure(grid, days, generator("pressure", seed))[sites.cell]
        here = twin.tower_weather(air, sites, np.zeros(24))
        real = twin.true_fluxes(sites, days, here, water[sites.cell], pressure, parameters).flux
        for shift, values in (("related", flux), ("unrelated", twin.unrelated(flux, grid, generator("u", seed)))):
            pairs = zip(values[sites.cell][:, days.record], real[:, days.record], strict=True)
            found[shift].append(np.mean([np.corrcoef(one, other)[0, 1] for one, other in pairs]))
    assert min(found["related"]) > 0.55
    assert abs(np.mean(found["unrelated"])) < 0.1
    assert max(found["unrelated"]) < 0.3


def test_unrelated_fluxes_are_the_same_ones_at_other_cells():
    grid = twin_landscape.draw_grid(6, 12, 15, np.random.default_rng(1))
    flux = np.where(grid.is_wetland[:, None], np.random.default_rng(2).random((len(grid.types), 400)), np.nan)
    other = twin.unrelated(flux, grid, np.random.default_rng(3))
    wet = np.flatnonzero(grid.is_wetland)
    sums = {cell: round(float(flux[cell].sum()), 6) for cell in wet}
    assert sorted(round(float(other[cell].sum()), 6) for cell in wet) == sorted(sums.values())
    assert all(round(float(other[cell].sum()), 6) != total for cell, total in sums.items())
    assert np.isnan(other[~grid.is_wetland]).all()


def test_grids_stand_on_centres_of_half_degree_cells_and_types_in_their_belts():
    for shape in ((12, 24), (7, 25), (40, 100)):
        grid = twin_landscape.draw_grid(*shape, 20, np.random.default_rng(1))
        for axis, edge in ((grid.lat, -90), (grid.lon, -180)):
            np.testing.assert_allclose((axis - edge) % 0.5, 0.25)
            assert len(axis) == 1 or np.allclose(np.diff(axis), np.diff(axis)[0])
        assert grid.lat.max() < 90 and grid.lon.min() > -180 and grid.lon.max() < 180
        for kind, row in zip(grid.types, grid.row, strict=True):
            assert not kind or kind in twin_landscape.types_at(grid.lat[row])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"towers": 5}, "twin.towers: 5; write a whole number 6 to 99"),
        ({"towers": True}, "twin.towers: True"),
        ({"years": 0}, "twin.years"),
        ({"neighbours": 13}, "13 of 12 towers; write at most 12"),
        ({"shift": "some"}, "write none, related, unrelated"),
        ({"site_spread": 3}, "number 0 to 2"),
        ({"water_table_known": -0.1}, "number 0 to 1"),
        ({"noise": 1}, "twin.noise: 1 is not known; write true or false"),
        ({"wetland_cells": 2000}, "has no room for 2000"),
        ({"towers": 60}, "no cell is left for a"),
    ],
)
def test_settings_that_are_wrong(tmp_path, options, text):
    with pytest.raises(StageError, match=text):
        write(tmp_path / "bad", **options)


def test_nothing_else_is_written(written):
    assert folders(written) == ["simulation", "towers"]
    with (written / "towers" / "truth.csv").open() as handle:
        assert next(csv.reader(handle)) == ["SITE_ID", "TIMESTAMP", "CH4"]
