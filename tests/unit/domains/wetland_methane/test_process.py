"""Known answers of the methane model, and what must hold whatever its parameters are."""

from dataclasses import replace

import numpy as np
import pytest
from landbridge.domains.wetland_methane import driven, process, wetlands
from landbridge.domains.wetland_methane.quantities import State

from tests.unit.domains.wetland_methane import made


def test_units():
    assert pytest.approx(1000 * 16.043 / 12.011, rel=1e-6) == process.MG_PER_GC


def test_production_at_half_saturation():
    soil = np.array(20.0)
    warmth = process.temperature_factor(soil, made.parameters())
    assert warmth == pytest.approx(3)
    assert process.production(np.array(5.0), warmth, made.parameters()) == pytest.approx(0.18, abs=1e-12)


def test_production_leaves_a_tenth_of_the_substrate():
    assert process.production(np.array(0.01), np.array(1e3), made.parameters()) == pytest.approx(0.009)


def test_frozen_soil_makes_a_tenth():
    factor = process.temperature_factor(np.array([0.0, 1e-9]), made.parameters())
    assert factor[0] / factor[1] == pytest.approx(0.1)


def test_survival_through_two_depths_of_oxic_soil():
    assert process.survival(np.array(-12.0), made.parameters()) == pytest.approx(0.135335, abs=1e-6)
    assert process.survival(np.array(3.0), made.parameters()) == 1


@pytest.mark.parametrize(
    ("ph", "expected"), [(7.5, 1), (6.5, 0.714286), (8.5, 0.6), (5.5, 0), (5.0, 0), (9.0, 0), (12.0, 0)]
)
def test_ph_of_tem(ph, expected):
    assert process.ph_factor(ph, 5.5, 7.5, 9.0) == pytest.approx(expected, abs=1e-6)


def test_bogs_make_methane_at_a_ph_that_stops_fens():
    drivers = replace(made.type_drivers(1, types=("fen", "bog")), soil_ph=np.array([4.5, 4.5]))
    result = process.run(drivers, wetlands.reference_parameters(["fen", "bog"]))
    assert (result.production[0] == 0).all()
    assert result.production[1].sum() > 0


def test_salinity_halves_production_at_ten():
    np.testing.assert_allclose(process.salinity_factor(np.array([0.0, 10.0, 30.0])), [1, 0.5, 0.1])


@pytest.mark.parametrize("oxidation", process.OXIDATIONS)
def test_the_mass_balance_closes_every_day(oxidation):
    drivers = made.type_drivers(3)
    random = np.random.default_rng(1)
    drivers = replace(
        drivers,
        salinity=random.uniform(0, 20, (6, 1)),
        pressure=random.normal(101, 1, drivers.npp.shape),
        soil_ph=np.full(6, 6.8),
    )
    drawn = [wetlands.draw_values(name, 1.0, random) | {"pressure_rate": 0.3} for name in made.TYPES]
    start = process.start_of(drivers)
    result = process.run(drivers, wetlands.stacked(drawn), oxidation=oxidation)
    change = (result.production - result.emitted - result.oxidised).cumsum(axis=1)
    assert np.abs(start.methane[:, None] + change - result.methane).max() < 1e-9
    np.testing.assert_allclose(result.flux, process.MG_PER_GC * result.emitted, rtol=1e-12)
    for values in (result.production, result.oxidised, result.diffusion, result.plants, result.bubbles):
        assert (values >= 0).all()
    assert (result.substrate >= 0).all() and (result.methane >= 0).all()


def test_nothing_comes_out_where_nothing_is():
    nothing = State(np.zeros(1), np.zeros(1), np.ones(1), np.full(1, 20.0))
    result = process.run(made.one_site(50), made.parameters(soil_carbon=0.0), nothing)
    assert (result.flux == 0).all()
    fed = process.run(made.one_site(2, npp=3.0), made.parameters(), nothing)
    assert fed.flux[0, 0] == 0
    assert fed.flux[0, 1] > 0


def test_deep_water_tables_leave_what_plants_let_through():
    result = process.run(made.one_site(30, water=-200.0), made.parameters(bubble_threshold=0.1))
    plants = process.MG_PER_GC * result.plants
    np.testing.assert_allclose(result.flux, plants, rtol=1e-5)
    share = result.plants / (result.plants + result.oxidised)
    whole = process.run(made.one_site(30, water=-200.0), made.parameters(bubble_threshold=0.1, plant_oxidation=0.0))
    np.testing.assert_allclose(result.plants, 0.6 * whole.plants, rtol=1e-12)
    assert (share < 0.6).all()


def test_a_run_in_two_parts_is_one_run():
    drivers = made.type_drivers(2)
    parameters = wetlands.reference_parameters(made.TYPES)

    def part(days):
        return driven.map_series(drivers, lambda values: values[:, days])

    whole = process.run(drivers, parameters)
    first = process.run(part(slice(0, 400)), parameters)
    second = process.run(part(slice(400, None)), parameters, first.end)
    np.testing.assert_allclose(np.hstack([first.flux, second.flux]), whole.flux, rtol=1e-12, atol=1e-12)


def test_sites_know_nothing_of_each_other():
    drivers = made.type_drivers(1)
    together = process.run(drivers, wetlands.reference_parameters(made.TYPES)).flux
    for number, name in enumerate(made.TYPES):
        alone = driven.map_series(drivers, lambda values, at=number: values[at : at + 1])
        np.testing.assert_allclose(process.run(alone, made.parameters(name)).flux[0], together[number], rtol=1e-12)


def test_a_drop_of_pressure_frees_bubbles_that_the_simulator_lacks():
    pressure = np.full((1, 60), 101.0)
    pressure[0, 40:] = 99.0
    drivers = replace(made.one_site(60), pressure=pressure)
    steady = process.run(drivers, made.parameters())
    freed = process.run(drivers, made.parameters(pressure_rate=0.2))
    np.testing.assert_array_equal(steady.flux, process.run(made.one_site(60), made.parameters()).flux)
    np.testing.assert_allclose(freed.flux[0, :40], steady.flux[0, :40], rtol=1e-12)
    assert freed.bubbles[0, 40] - steady.bubbles[0, 40] > 0.1 * freed.methane[0, 40]
    assert freed.flux[0, 41] < steady.flux[0, 41]


def test_michaelis_menten_oxidation_takes_less_than_diffuses_and_nothing_under_water():
    wet = process.run(made.one_site(50, water=1.0), made.parameters(plant_oxidation=0.0), oxidation="michaelis_menten")
    assert (wet.oxidised == 0).all()
    dry = process.run(
        made.one_site(50, water=-12.0), made.parameters(oxidation_vmax=10.0), oxidation="michaelis_menten"
    )
    assert np.abs(dry.diffusion).max() < 1e-12
    mild = process.run(
        made.one_site(1, water=-600.0),
        made.parameters(oxidation_vmax=0.001, oxidation_half_saturation=0.5, plant_oxidation=0.0, plant_rate=0.0),
        oxidation="michaelis_menten",
    )
    kinetics = mild.methane[0, 0] / (0.5 + mild.methane[0, 0])
    assert mild.oxidised[0, 0] == pytest.approx(0.001 * kinetics * 2, rel=1e-9)  # 20 degC: 2 at Q10 2 from 10 degC


def test_redox_is_lost_faster_than_it_builds_up():
    wetting = process.run(made.one_site(30, water=50.0), made.parameters()).redox[0]
    drying = process.run(made.one_site(30, water=-200.0), made.parameters()).redox[0]
    assert wetting[0] - 0.5 == pytest.approx(0.5 / 15, rel=1e-4)
    assert 0.5 - drying[0] == pytest.approx(0.5 / 3, rel=1e-4)


def test_snow_slows_the_soil_and_soil_is_held_at_minus_two():
    cold = State(np.full(1, 5.0), np.full(1, 0.3), np.full(1, 0.5), np.array([0.5]))
    result = process.run(made.one_site(400, air=-20.0), made.parameters(), cold)
    assert result.soil_temperature[0, 0] == pytest.approx(0.5 - 20.5 / 40)
    assert result.soil_temperature.min() == -2
    assert result.end.soil_temperature[0] < -15


def test_faults_of_the_caller():
    drivers = made.one_site(5)
    drivers.npp[0, 2] = np.nan
    with pytest.raises(ValueError, match="npp is not finite at 1 places"):
        process.run(drivers, made.parameters())
    with pytest.raises(ValueError, match="water_table, michaelis_menten"):
        process.run(made.one_site(5), made.parameters(), oxidation="none")
