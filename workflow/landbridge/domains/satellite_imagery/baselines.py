"""The index that mappers of burned area threshold: dNBR where there are bands from before the fire, else NBR."""

from __future__ import annotations

import numpy as np

from landbridge.contract import Dataset
from landbridge.domains.satellite_imagery.indices import bands_of, indices_of
from landbridge.methods.given import NotApplicable


def index(dataset: Dataset, chips: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(chip, y, x) dNBR, or NBR with its sign turned: the higher the likelier burned; NaN where it is not defined.

    Args:
        dataset: with `reflectance`, `valid` and `band_name`; bands from before a fire end with `_pre`.
        chips: (chip,) index of each.
        sizes: as every function of windows takes them; a chip has none.

    Raises:
        NotApplicable: the chips lack the bands.
    """
    found = indices_of(bands_of(dataset, chips))
    if "dnbr" in found:
        return found["dnbr"]
    if "nbr" in found:
        return -found["nbr"]
    raise NotApplicable(f"NBR takes nir and swir2, and the bands are {', '.join(map(str, dataset['band_name']))}")
