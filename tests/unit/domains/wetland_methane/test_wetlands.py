"""Types and parameters: the brief's table of mean fluxes, ranges, seasons of the south, and the known shift."""

from dataclasses import fields

import numpy as np
import pytest
from landbridge.domains.wetland_methane import process, wetlands
from landbridge.domains.wetland_methane.quantities import Parameters
from landbridge.domains.wetland_methane.units import TO_MILLIGRAMS

from tests.unit.domains.wetland_methane import made

# nmol m-2 s-1: mean, 95 % quantile; shares of diffusion, plants and bubbles; share oxidised.
EXPECTED = {
    "fen": (42, 141, (0.31, 0.69, 0.00), 0.41),
    "bog": (10, 40, (0.48, 0.52, 0.00), 0.62),
    "marsh": (157, 321, (0.49, 0.50, 0.01), 0.25),
    "swamp": (125, 226, (0.49, 0.32, 0.19), 0.29),
    "wet tundra": (10, 39, (0.54, 0.46, 0.00), 0.33),
    "drained": (1.8, 10, (0.01, 0.99, 0.00), 0.61),
}
# R2 of the simulation against these factors on its parameters, on the same drivers, as computed for the design. The
# twin's reality is farther off.
SHIFT = {"q10": 0.75, "vmax": 1.6, "plant_oxidation": 1.3, "oxic_depth": 0.7, "plant_rate": 1.3}
SHIFTED = {"fen": 0.95, "bog": 0.94, "marsh": 0.45, "swamp": 0.78, "wet tundra": 0.86, "drained": 0.94}


@pytest.fixture(scope="module")
def simulated():
    return process.run(made.type_drivers(), wetlands.reference_parameters(made.TYPES))


@pytest.mark.parametrize("name", EXPECTED)
def test_fluxes_and_paths_of_the_types(simulated, name):
    at, days = made.TYPES.index(name), slice(365, None)
    mean, high, paths, oxidised = EXPECTED[name]
    flux = simulated.flux[at, days] / TO_MILLIGRAMS["nmol m-2 s-1"]
    assert flux.mean() == pytest.approx(mean, rel=0.4)
    assert np.quantile(flux, 0.95) == pytest.approx(high, rel=0.4)
    emitted = simulated.emitted[at, days].sum()
    found = [way[at, days].sum() / emitted for way in (simulated.diffusion, simulated.plants, simulated.bubbles)]
    np.testing.assert_allclose(found, paths, atol=0.1)
    lost = simulated.oxidised[at, days].sum()
    assert lost / (lost + emitted) == pytest.approx(oxidised, abs=0.08)


def test_the_parameter_shift_costs_marshes_most(simulated):
    sets = [wetlands.values_of(name) for name in made.TYPES]
    for values in sets:
        for name, factor in SHIFT.items():
            values[name] *= factor
    reality = process.run(made.type_drivers(), wetlands.stacked(sets)).flux[:, 365:]
    error = ((simulated.flux[:, 365:] - reality) ** 2).sum(axis=1)
    r2 = 1 - error / ((reality - reality.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    np.testing.assert_allclose(r2, [SHIFTED[name] for name in made.TYPES], atol=0.15)
    assert made.TYPES[int(np.argmin(r2))] == "marsh"


def test_every_parameter_is_described_and_within_its_range():
    described = wetlands.read_numbers()["parameters"]
    assert list(described) == [field.name for field in fields(Parameters)]
    for name in made.TYPES:
        for key, value in wetlands.values_of(name).items():
            if "range" in described[key]:
                assert described[key]["range"][0] <= value <= described[key]["range"][1]


def test_drawn_parameters_stay_in_their_ranges_around_the_type():
    random = np.random.default_rng(1)
    drawn = [wetlands.draw_values("bog", 1.0, random) for _ in range(300)]
    for name, entry in wetlands.read_numbers()["parameters"].items():
        values = np.array([one[name] for one in drawn])
        if "range" in entry:
            assert entry["range"][0] <= values.min() < values.max() <= entry["range"][1]
        else:
            assert (values == wetlands.values_of("bog")[name]).all()
    assert wetlands.draw_values("bog", 0.0, random) == wetlands.values_of("bog")
    near = [wetlands.draw_values("bog", 0.2, random)["vmax"] for _ in range(300)]
    assert np.std(near) < 0.5 * np.std([one["vmax"] for one in drawn])


def test_the_south_has_the_seasons_of_half_a_year_later():
    day = np.array([1.0, 100.0, 182.0, 183.0, 365.0, 366.0])
    north, south = wetlands.northern_day(day, np.array([50.0, -50.0]))
    np.testing.assert_array_equal(north, day)
    assert ((south >= 1) & (south < 366)).all()
    assert wetlands.growth(south)[0] > 0.9 > 0.1 > wetlands.growth(north)[0]
    assert south[0] == 183.5


def test_the_season_is_that_of_the_design():
    day = np.arange(1.0, 366)
    expected = 1 / (1 + np.exp(-0.08 * (day - 130))) + 1 / (1 + np.exp(0.07 * (day - 275))) - 1
    np.testing.assert_allclose(wetlands.growth(day), expected, atol=1e-12)
