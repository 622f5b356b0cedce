"""Known answers of the process model: Lloyd and Taylor (1994), and the twin's own table."""

import numpy as np
import pytest
from landbridge.domains.flux_towers import process
from landbridge.domains.flux_towers.process import BIOMES
from landbridge.prepare import weather as climates
from landbridge.prepare.weather import CLIMATES, columns


@pytest.mark.parametrize(("temperature", "expected"), [(20, 2.30320), (10, 1), (0, 0.302136), (-5, 0.133434)])
def test_respiration_by_temperature(temperature, expected):
    found = process.temperature_response(np.array(float(temperature)), np.array(308.56))
    assert found == pytest.approx(expected, abs=1e-5)


def test_respiration_with_a_low_sensitivity():
    assert process.temperature_response(np.array(20.0), np.array(150.0)) == pytest.approx(1.50017, abs=1e-5)


@pytest.mark.parametrize(("igbp", "expected"), [("DBF", 5.13068), ("ENF", 6.31267)])
def test_uptake(igbp, expected):
    one = np.ones((1, 1))
    found = process.uptake(columns([BIOMES[igbp]]), 0.8 * one, 20 * one, 9 * one, 1000 * one, one)
    assert found.item() == pytest.approx(expected, abs=1e-5)


def test_the_bucket_closes_its_water_balance():
    random = np.random.default_rng(1)
    rain, warm, light = random.gamma(1, 3, (4, 300)), random.normal(10, 8, (4, 300)), random.uniform(1, 25, (4, 300))
    filling, evaporated = process.bucket(rain, warm, light)
    assert (filling >= 0).all()
    assert (filling <= 1).all()
    assert (evaporated >= 0).all()
    entered = np.where(warm > 0, rain, 0).cumsum(1)
    stored = filling * process.BUCKET_MM - evaporated
    assert (stored <= process.BUCKET_START_MM + entered - evaporated.cumsum(1) + 1e-9).all()


@pytest.mark.parametrize(
    ("igbp", "koppen", "lat", "gpp", "reco"),
    [
        ("ENF", "D", 60, 900, 720),
        ("DBF", "C", 40, 1280, 1110),
        ("EBF", "A", 2, 3270, 3180),
        ("GRA", "C", 40, 840, 1000),
        ("GRA", "B", 35, 355, 550),
        ("OSH", "E", 69, 130, 95),
        ("CRO", "D", 50, 790, 590),
    ],
)
def test_annual_sums_stay_in_their_bands(igbp, koppen, lat, gpp, reco):
    day = (np.arange(4 * 365) % 365 + 1).astype(float)
    biome, climate = columns([BIOMES[igbp]]), columns([CLIMATES[koppen]])
    sums = []
    for seed in range(6):
        weather = climates.weather(climate, np.array([[float(lat)]]), day, np.random.default_rng(seed))
        fapar = climates.season(day[None], biome["fapar_low"], biome["fapar_high"], biome["start"], biome["end"])
        filling, _ = process.bucket(weather.rain, weather.temperature, weather.shortwave)
        water = np.clip(filling / 0.4, 0.1, 1)
        uptake = process.uptake(biome, fapar, weather.shortwave, weather.minimum, 100 * weather.vpd, water)
        sums.append(
            (uptake.mean() * 365, process.respiration(biome, weather.temperature, filling, uptake).mean() * 365)
        )
    found = np.mean(sums, axis=0)
    assert found[0] == pytest.approx(gpp, rel=0.35)
    assert found[1] == pytest.approx(reco, rel=0.35)
