"""Ground of the twin: noise of a known slope, shares of surfaces, mixtures that sum to one, light on slopes."""

import numpy as np
import pytest
from landbridge.domains.satellite_imagery.landscape import draw_landscape, fractal, mixed, painted, ranks
from landbridge.domains.satellite_imagery.regions import read_numbers, read_region, seasonal
from landbridge.domains.satellite_imagery.spectra import spectrum

REGIONS = tuple(read_numbers()["regions"])


def random(seed=1):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("beta", [1.0, 1.6, 2.2])
def test_amplitude_of_noise_falls_with_frequency_as_told(beta):
    spectra = []
    for seed in range(20):
        # A window keeps the cut from the middle of a periodic field from adding a slope of its own.
        field = fractal(128, random(seed), beta) * np.outer(np.hanning(128), np.hanning(128))
        spectra.append(np.abs(np.fft.fft2(field)) ** 2)
    frequency = np.hypot(np.fft.fftfreq(128)[:, None], np.fft.fftfreq(128)[None, :])
    inside = (frequency > 0.04) & (frequency < 0.4)
    power = np.mean(spectra, axis=0)[inside]
    slope = np.polyfit(np.log(frequency[inside]), np.log(power), 1)[0]
    assert slope == pytest.approx(-2 * beta, abs=0.15)


def test_noise_has_mean_0_and_deviation_1():
    field = fractal(64, random())
    assert (field.mean(), field.std()) == pytest.approx((0, 1))
    assert np.allclose(np.sort(ranks(field).ravel()), (np.arange(4096) + 0.5) / 4096)


@pytest.mark.parametrize("name", REGIONS)
def test_a_region_has_its_surfaces_in_their_shares(name):
    region = read_region(name)
    lands = [draw_landscape(region, 64, random(seed)) for seed in range(8)]
    for land in lands:
        assert np.allclose(land.before.sum(axis=0), 1) and np.allclose(land.after.sum(axis=0), 1)
    dry = np.mean([land.burnable.mean() for land in lands])
    total = sum(region.surfaces.values())
    for surface, share in region.surfaces.items():
        found = np.mean([land.before[land.surfaces.index(surface)].mean() for land in lands])
        assert found == pytest.approx(dry * share / total, abs=0.05)


def test_fields_are_harvested_and_lakes_fall_dry_between_the_images():
    med = [draw_landscape(read_region("med"), 128, random(seed)) for seed in range(6)]
    crop, soil = (np.array([place.surfaces.index(name) for place in med]) for name in ("crop", "mineral_soil"))
    lost = sum(land.before[place].sum() - land.after[place].sum() for land, place in zip(med, crop, strict=True))
    had = sum(land.before[place].sum() for land, place in zip(med, crop, strict=True))
    assert lost / had == pytest.approx(read_region("med").harvest, abs=0.1)
    assert all(land.after[place].sum() > land.before[place].sum() for land, place in zip(med, soil, strict=True))
    peat = [draw_landscape(read_region("peat"), 128, random(seed)) for seed in range(4)]
    water = [land.surfaces.index("turbid_water") for land in peat]
    assert all(land.after[place].sum() < land.before[place].sum() for land, place in zip(peat, water, strict=True))


def test_a_pixel_at_an_edge_is_mixed_over_three():
    surface = np.zeros((6, 6), int)
    surface[:, 3:] = 1
    assert mixed(surface, 2)[1][2] == pytest.approx([0, 0, 1 / 3, 2 / 3, 1, 1])


def test_layers_cover_what_lies_under_them():
    names, shares = painted([("crop", np.full((2, 2), 1.0)), ("ash", np.full((2, 2), 0.25)), ("crop", np.eye(2))])
    assert names == ("crop", "ash")
    assert shares[0] == pytest.approx(np.array([[1, 0.75], [0.75, 1]])) and shares.sum(axis=0) == pytest.approx(1)


def test_slopes_that_face_the_sun_are_brighter():
    region = read_region("north")  # its sun stands in the south-south-east
    flat = region.illumination(np.zeros((8, 8)))
    assert flat == pytest.approx(1)
    rows, columns = np.mgrid[:8, :8].astype(float)
    north_facing, south_facing = region.illumination(rows), region.illumination(-rows)
    assert north_facing.max() < 1 < south_facing.min()
    assert region.illumination(-columns).min() > region.illumination(columns).max()  # a slope down to the east


def test_season_dries_green_surfaces_alone():
    half = seasonal("conifer", 0.5)
    assert half == pytest.approx((spectrum("conifer") + spectrum("dry_grass")) / 2)
    assert seasonal("mineral_soil", 0.5) == pytest.approx(spectrum("mineral_soil"))


def test_gain_and_offset_of_a_sensor_stay_small_and_differ_between_regions():
    ends = {}
    for name in REGIONS:
        region = read_region(name)
        dark, bright = region.sensed(np.zeros((13, 1, 1))).ravel(), region.sensed(np.ones((13, 1, 1))).ravel()
        assert np.abs(dark).max() <= 0.01 and np.abs(bright - dark - 1).max() <= 0.08 + 1e-9
        ends[name] = tuple(np.round(bright, 6))
    assert len(set(ends.values())) == len(REGIONS)
