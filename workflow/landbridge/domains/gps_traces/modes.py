"""Classes of travel mode, in the order that all files of this domain have, and what published words become."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from landbridge.stage import StageError

CLASSES = ("bike", "bus", "car", "train", "walk")
BIKE, BUS, CAR, TRAIN, WALK = range(5)

# None: a mode that is known and not one of the five; its trips are dropped and counted.
GEOLIFE: Mapping[str, int | None] = {
    "bike": BIKE,
    "bus": BUS,
    "car": CAR,
    "taxi": CAR,
    "train": TRAIN,
    "subway": TRAIN,
    "walk": WALK,
    "airplane": None,
    "boat": None,
    "run": None,
    "motorcycle": None,
}
MOBILITYNET: Mapping[str, int | None] = {
    "BICYCLING": BIKE,
    "E_BIKE": BIKE,
    "BUS": BUS,
    "CAR": CAR,
    "WALKING": WALK,
    "TRAIN": TRAIN,
    "SUBWAY": TRAIN,
    "LIGHT_RAIL": TRAIN,
    "STOPPED": None,
    "ESCOOTER": None,
}
E_BIKE = "E_BIKE"

# Speeds in km/h, lowest and highest, that the published filter keeps of each class: Zhang et al. (2026),
# arXiv 2603.00340, as their code has it. It asks for the true mode of a trip, so it tells the mode to whoever sees the
# speeds that are left.
PAPER_BANDS = np.array([[0.5, 80.0], [1.0, 120.0], [3.0, 180.0], [3.0, 350.0], [0.1, 15.0]])


def class_of(word: str, known: Mapping[str, int | None], where: str) -> int | None:
    """Class of a published mode; None where it is known and none of the five.

    Raises:
        StageError: a mode that nobody knows; the text says where and lists the known ones.
    """
    if word not in known:
        raise StageError(f"{where}: mode '{word}' is not known; write one of {', '.join(known)}")
    return known[word]
