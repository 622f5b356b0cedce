"""A simulation over towers' drivers: no label gets in, what is not known is filled or masked as stated, names tell."""

from dataclasses import replace

import numpy as np
import pytest
from landbridge.checks import check
from landbridge.contract import Variable
from landbridge.domains.wetland_methane import process, wetlands
from landbridge.domains.wetland_methane.quantities import Drivers
from landbridge.domains.wetland_methane.simulate import simulate
from landbridge.prepare import ragged
from landbridge.stage import StageError

from tests.unit.domains.wetland_methane import made

BOUNDS = np.concatenate([[0], np.cumsum(made.DAYS)])


@pytest.fixture(scope="module")
def both():
    return simulate(made.towers(), {}, 1)


def rows(values, unit):
    return values[BOUNDS[unit] : BOUNDS[unit + 1]]


def test_the_simulated_file_keeps_the_contract_and_its_size(both):
    simulated, product = both
    check(simulated)
    assert product.shape == (sum(made.DAYS),)
    assert simulated["row_size"].tolist() == 4 * list(made.DAYS)
    assert np.isfinite(product).all() and np.isfinite(simulated["ch4_flux"]).all()
    assert product.min() >= 0


def test_names_groups_and_origin_tell_a_simulation_from_a_tower(both):
    simulated, _ = both
    names = simulated["unit_name"].tolist()
    assert names[:3] == [f"process_model 1 {name}" for name in made.NAMES]
    assert names[-1] == "process_model 4 TW-S01"
    assert simulated["tower_group"].tolist() == 4 * [f"process_model {name}" for name in made.NAMES]
    assert simulated["cell"].tolist() == 4 * made.GROUPS["cell"].tolist()
    assert set(simulated["origin"].tolist()) == {"simulation"}
    assert set(simulated["fold_published"].tolist()) == {""}
    assert "not TEM-MDM" in simulated.attributes["source"]


def test_no_label_of_the_towers_gets_in(both):
    simulated, product = both
    assert set(simulated.with_role("target")) == {"ch4_flux", "ch4_flux_filled"}
    np.testing.assert_array_equal(simulated["ch4_flux"], simulated["ch4_flux_filled"])
    assert not [role for role in ("quality", "truth", "product") if simulated.with_role(role)]
    changed = {name: np.full(sum(made.DAYS), 7.0) for name in (*made.LABELS, "gpp")}
    other, other_product = simulate(made.towers(**changed), {}, 1)
    np.testing.assert_array_equal(other_product, product)
    np.testing.assert_array_equal(other["ch4_flux"], simulated["ch4_flux"])


def test_the_product_is_the_model_after_a_first_year_that_is_discarded(both):
    _, product = both
    air = rows(np.asarray(made.towers()["air_temperature"], float), 0)[None]
    day = np.tile(np.arange(1.0, 366), 2)[None]
    grown = wetlands.growth(day)
    drivers = Drivers(air, wetlands.usual_water_table(["fen"], day), grown, wetlands.npp(["fen"], grown, air))
    first = Drivers(*(values[:, :365] for values in list(vars(drivers).values())[:4]))
    spun = process.run(first, made.parameters("fen"))
    expected = process.run(drivers, made.parameters("fen"), spun.end).flux[0]
    np.testing.assert_allclose(rows(product, 0), expected, rtol=1e-5, atol=1e-5)


def test_draws_differ_and_each_has_a_stream_of_its_own(both):
    simulated, product = both
    fluxes = simulated["ch4_flux"].reshape(4, -1)
    assert len({round(float(flux.mean()), 3) for flux in fluxes}) == 4
    again, _ = simulate(made.towers(), {"draws": 2}, 1)
    np.testing.assert_array_equal(again["ch4_flux"], fluxes[:2].ravel())
    one = ragged.select_units(made.towers(), np.array([1]))
    alone, _ = simulate(one, {"draws": 1}, 1)
    np.testing.assert_allclose(alone["ch4_flux"], rows(fluxes[0], 1), rtol=1e-5)
    other, other_product = simulate(made.towers(), {"draws": 1}, 2)
    assert np.abs(other["ch4_flux"] - fluxes[0]).max() > 1
    np.testing.assert_array_equal(other_product, product)


def test_without_spread_every_draw_is_the_product(both):
    simulated, product = both
    plain, _ = simulate(made.towers(), {"draws": 2, "spread": 0}, 1)
    np.testing.assert_array_equal(plain["ch4_flux"], np.tile(product, 2))


def test_a_known_water_table_counts_and_an_unknown_one_is_the_types():
    dry = np.full(sum(made.DAYS), np.nan)
    dry[: made.DAYS[0]] = -40.0
    _, known = simulate(made.towers(water_table=dry), {"draws": 1}, 1)
    _, unknown = simulate(made.towers(), {"draws": 1}, 1)
    _, absent = simulate(made.towers(water_table=None), {"draws": 1}, 1)
    assert rows(known, 0).mean() < 0.3 * rows(unknown, 0).mean()
    np.testing.assert_array_equal(rows(known, 1), rows(unknown, 1))
    np.testing.assert_array_equal(absent, unknown)


def test_days_without_a_water_table_follow_the_type_at_the_level_of_the_known_ones():
    dates = np.arange(made.DAYS[0]) % 365 + 1.0
    water = np.full(sum(made.DAYS), np.nan)
    water[: made.DAYS[0]] = wetlands.usual_water_table(["fen"], dates[None])[0] - 15
    holes = water.copy()
    holes[100:300] = np.nan
    whole, patched = (simulate(made.towers(water_table=values), {"draws": 1}, 1)[1] for values in (water, holes))
    np.testing.assert_allclose(patched, whole, rtol=1e-4, atol=1e-4)


def test_short_gaps_of_temperature_are_bridged_and_long_ones_masked():
    air = np.array(made.towers()["air_temperature"])
    air[50:60] = np.nan
    air[200:230] = np.nan
    simulated, product = simulate(made.towers(air_temperature=air), {"draws": 1}, 1)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(product)), np.arange(200, 260))
    np.testing.assert_array_equal(np.isnan(simulated["ch4_flux"]), np.isnan(product))


def test_an_absent_day_is_a_short_gap():
    whole = made.towers(days=(800, 400, 500), first="2016-01-01")
    leap = 59
    kept = np.delete(np.arange(1700), leap)
    variables = {
        name: replace(one, values=one.values[kept]) if one.dimensions == ("obs",) else one
        for name, one in whole.variables.items()
    }
    variables["row_size"] = replace(whole.variables["row_size"], values=np.array([799, 400, 500], np.int32))
    _, product = simulate(replace(whole, variables=variables), {"draws": 1}, 1)
    _, expected = simulate(whole, {"draws": 1}, 1)
    np.testing.assert_allclose(product, expected[kept], rtol=0.05, atol=0.5)


def test_a_longer_gap_is_refused_by_name():
    air = np.array(made.towers()["air_temperature"])
    air[750:850] = np.nan
    with pytest.raises(StageError, match="TW-M01 is unknown for 100 days from day 20"):
        simulate(made.towers(air_temperature=air), {}, 1)
    with pytest.raises(StageError, match="TW-F01 is unknown for 730 days"):
        simulate(made.towers(air_temperature=np.full(sum(made.DAYS), np.nan)), {}, 1)


def test_salt_lowers_the_flux_of_a_marsh():
    fresh = made.towers(wetland_class=np.array(["fen", "marsh", "mangrove"]))
    salt = made.towers(wetland_class=np.array(["fen", "salt marsh", "swamp"]))
    (_, marsh), (_, tidal) = (simulate(one, {"draws": 1}, 1) for one in (fresh, salt))
    assert rows(tidal, 1).mean() < rows(marsh, 1).mean()
    assert rows(marsh, 2).mean() < rows(tidal, 2).mean()
    known = np.full(sum(made.DAYS), 0.0)
    _, measured = simulate(
        made.towers(wetland_class=np.array(["fen", "salt marsh", "swamp"]), salinity=known), {"draws": 1}, 1
    )
    np.testing.assert_allclose(rows(measured, 1), rows(marsh, 1), rtol=1e-5)


@pytest.mark.parametrize("label", ["rice", "Upland", "lake", ""])
def test_classes_that_the_model_lacks_are_refused(label):
    with pytest.raises(StageError, match=f"TW-M01 has wetland_class '{label}'"):
        simulate(made.towers(wetland_class=np.array(["fen", label, "swamp"])), {}, 1)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"draw": 2}, "simulate.draw: not known"),
        ({"draws": 0}, "whole number from 1 on"),
        ({"draws": True}, "whole number from 1 on"),
        ({"spread": 1.5}, "write a number 0 to 1"),
        ({"oxidation": "none"}, "water_table or michaelis_menten"),
    ],
)
def test_settings_that_are_wrong(settings, text):
    with pytest.raises(StageError, match=text):
        simulate(made.towers(), settings, 1)


def test_files_that_it_cannot_use():
    whole = made.towers()
    with pytest.raises(StageError, match="no variable air_temperature"):
        simulate(made.towers(air_temperature=None), {}, 1)
    with pytest.raises(StageError, match="daily rows"):
        simulate(replace(whole, attributes={**whole.attributes, "step": "hour"}), {}, 1)
    empty = {**whole.variables, "row_size": Variable(("unit",), np.array([730, 0, 900], np.int32))}
    with pytest.raises(StageError, match="TW-M01 has no rows"):
        simulate(replace(whole, variables=empty), {}, 1)


def test_michaelis_menten_oxidation_is_another_simulation(both):
    _, other = simulate(made.towers(), {"draws": 1, "oxidation": "michaelis_menten"}, 1)
    assert np.abs(other - both[1]).max() > 0.1


def test_the_south_has_its_season_half_a_year_later():
    warm = made.towers(
        days=(1095, 1095, 1095),
        lat=np.array([50.0, -50.0, 50.0]),
        wetland_class=np.array(["fen", "fen", "fen"]),
        air_temperature=np.full(3285, 12.0),
    )
    north, south, again = simulate(warm, {"draws": 1}, 1)[1].reshape(3, 1095)
    np.testing.assert_array_equal(north, again)
    later = (int(south[365:730].argmax()) - int(north[365:730].argmax())) % 365
    assert later == pytest.approx(182.5, abs=1)
