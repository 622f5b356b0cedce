"""A light-use-efficiency and respiration model of a tower's day; the weather that drives it is `prepare/weather.py`.

The temperature response of respiration follows Lloyd and Taylor (1994), the ramps of minimum temperature and vapour
pressure deficit Running et al. (2004). The constants of the biomes are design values of this twin and no published
parameter set. Arrays are (tower, day) unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PAR_SHARE = 0.45  # of shortwave energy
BUCKET_MM = 150.0
BUCKET_START_MM = 80.0
LATENT_HEAT = 2.45  # MJ per mm of evaporated water
REFERENCE_INVERSE = 1 / 56.02  # 1 / (10 degC + 46.02 K), Lloyd and Taylor (1994)


@dataclass(frozen=True)
class Biome:
    """Constants of an IGBP class.

    Attributes:
        efficiency: carbon per absorbed photosynthetic energy, gC MJ-1.
        t_zero, t_full: minimum temperature at which uptake begins and is unhindered, degC.
        vpd_full, vpd_zero: vapour pressure deficit at which uptake begins to fall and ends, Pa.
        fapar_low, fapar_high: absorbed share of light out of and in season.
        start, end: days of the year at which leaves are half grown and half gone (northern hemisphere).
        respiration: at 10 degC, gC m-2 d-1.
        sensitivity: of respiration, K.
        growth_share: share of uptake respired again.
    """

    efficiency: float
    t_zero: float
    t_full: float
    vpd_full: float
    vpd_zero: float
    fapar_low: float
    fapar_high: float
    start: float
    end: float
    respiration: float
    sensitivity: float
    growth_share: float


BIOMES = {
    "ENF": Biome(0.962, -8, 8.31, 650, 4600, 0.55, 0.85, 100, 290, 1.2, 200, 0.40),
    "EBF": Biome(1.268, -8, 9.09, 800, 3100, 0.80, 0.92, 1, 365, 1.8, 150, 0.45),
    "DBF": Biome(1.165, -6, 9.94, 650, 1650, 0.15, 0.90, 120, 285, 1.3, 200, 0.35),
    "MF": Biome(1.051, -7, 9.50, 650, 2400, 0.35, 0.88, 112, 288, 1.3, 200, 0.38),
    "GRA": Biome(0.860, -8, 12.02, 650, 5300, 0.15, 0.75, 100, 280, 1.2, 220, 0.45),
    "CRO": Biome(1.044, -8, 12.02, 650, 4300, 0.08, 0.85, 130, 265, 1.0, 220, 0.35),
    "OSH": Biome(0.841, -8, 8.80, 650, 4800, 0.12, 0.40, 120, 270, 0.5, 180, 0.40),
    "SAV": Biome(1.206, -8, 11.39, 650, 3100, 0.25, 0.65, 300, 120, 0.9, 150, 0.45),
    "WET": Biome(0.90, -8, 10, 650, 4000, 0.20, 0.65, 125, 275, 0.9, 230, 0.35),
}
FORESTS = ("ENF", "EBF", "DBF", "MF")


def temperature_response(temperature: np.ndarray, sensitivity: np.ndarray) -> np.ndarray:
    """Respiration relative to 10 degC (Lloyd and Taylor 1994, equation 11); degC, held at -40 below that."""
    warm = np.maximum(temperature, -40)
    return np.exp(sensitivity * (REFERENCE_INVERSE - 1 / (warm + 46.02)))


def uptake(
    biome: dict[str, np.ndarray],
    fapar: np.ndarray,
    shortwave: np.ndarray,
    minimum_temperature: np.ndarray,
    vpd: np.ndarray,
    water: np.ndarray,
) -> np.ndarray:
    """Gross primary production, gC m-2 d-1.

    Args:
        shortwave: MJ m-2 d-1.
        minimum_temperature: degC.
        vpd: Pa.
        water: factor 0..1.
    """
    cold = np.clip((minimum_temperature - biome["t_zero"]) / (biome["t_full"] - biome["t_zero"]), 0, 1)
    dry = np.clip((biome["vpd_zero"] - vpd) / (biome["vpd_zero"] - biome["vpd_full"]), 0, 1)
    return biome["efficiency"] * fapar * PAR_SHARE * shortwave * cold * dry * water


def respiration(
    biome: dict[str, np.ndarray], temperature: np.ndarray, filling: np.ndarray, production: np.ndarray
) -> np.ndarray:
    """Ecosystem respiration, gC m-2 d-1, from the bucket's filling 0..1 and gross primary production."""
    response = temperature_response(temperature, biome["sensitivity"])
    maintenance = biome["respiration"] * response * np.clip(0.2 + 2 * filling, 0, 1)
    return maintenance + 0.9 * biome["growth_share"] * production * np.minimum(response, 1.5)


def bucket(rain: np.ndarray, temperature: np.ndarray, shortwave: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Filling (0..1) of a soil bucket and actual evaporation (mm d-1), day by day; rain (mm) enters above 0 degC."""
    potential = 1.26 * np.clip(0.4 + 0.02 * temperature, 0, 0.8) * 0.35 * shortwave / LATENT_HEAT
    filling, evaporated = np.empty_like(rain), np.empty_like(rain)
    store = np.full(len(rain), BUCKET_START_MM)
    for day in range(rain.shape[1]):
        store = np.minimum(store + np.where(temperature[:, day] > 0, rain[:, day], 0), BUCKET_MM)
        filling[:, day] = store / BUCKET_MM
        evaporated[:, day] = np.minimum(potential[:, day] * np.minimum(1, filling[:, day] / 0.6), store)
        store = store - evaporated[:, day]
    return filling, evaporated
