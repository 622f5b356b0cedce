"""Units of methane fluxes: factors to mg CH4 m-2 d-1, derived from molar masses, and vapour pressure."""

from __future__ import annotations

import numpy as np

from landbridge.prepare.weather import saturation_pressure
from landbridge.stage import StageError

CARBON, METHANE = 12.011, 16.043  # molar masses, g mol-1
SECONDS, MINUTES = 86_400, 1_440  # of a day

# Factor of each unit to mg CH4 m-2 d-1.
TO_MILLIGRAMS = {
    "nmol m-2 s-1": METHANE * SECONDS * 1e-9 * 1e3,
    "umol m-2 d-1": METHANE * 1e-6 * 1e3,
    "mol m-2 s-1": METHANE * SECONDS * 1e3,
    "mmol m-2 min-1": METHANE * MINUTES,
    "g m-2 d-1 of carbon": 1e3 * METHANE / CARBON,
    "mg m-2 d-1 of carbon": METHANE / CARBON,
    "mg m-2 d-1": 1.0,
}
CARBON_MILLIGRAMS = CARBON * SECONDS * 1e-9 * 1e3  # mg C m-2 d-1 of 1 nmol CH4 m-2 s-1

# Factors from nmol m-2 s-1 that published work used instead of the exact one. They are for reproducing it, by name.
ACCEPTED_DEVIATIONS = {
    "1.38": 1.38,  # a rounded factor, 0.44 % too small
    "100/72.2": 100 / 72.2,  # the inverse of a rounded one, 0.08 % too small
}


def factor(unit: str, conversion: str = "exact") -> float:
    """What a flux in `unit` is multiplied by to be in mg CH4 m-2 d-1.

    Args:
        unit: one of `TO_MILLIGRAMS`.
        conversion: `exact`, or one of `ACCEPTED_DEVIATIONS`, which are of nmol m-2 s-1 alone.

    Raises:
        StageError: a unit or a conversion that is not known.
    """
    if unit not in TO_MILLIGRAMS:
        raise StageError(f"unit '{unit}' of a methane flux is not known; write {', '.join(TO_MILLIGRAMS)}")
    if conversion == "exact":
        return TO_MILLIGRAMS[unit]
    if conversion not in ACCEPTED_DEVIATIONS or unit != "nmol m-2 s-1":
        raise StageError(
            f"conversion '{conversion}' of {unit} is not known; write exact, or of nmol m-2 s-1 "
            f"{', '.join(ACCEPTED_DEVIATIONS)} to reproduce published numbers"
        )
    return ACCEPTED_DEVIATIONS[conversion]


def vapour_pressure(temperature: np.ndarray, deficit: np.ndarray) -> np.ndarray:
    """Vapour pressure in hPa, not below 0: saturation (Tetens, FAO-56 equation 11) less deficit.

    Args:
        temperature: air temperature in degC.
        deficit: vapour pressure deficit in hPa.
    """
    return np.maximum(10 * saturation_pressure(temperature) - deficit, 0)
