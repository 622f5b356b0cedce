"""Reader of UK-DALE: five homes in and near London, 2012 to 2017 (Kelly and Knottenbelt, Sci Data 2:150007, 2015).

Every 6 s. `channel_1` is the aggregate, active or apparent power by home. The finer `mains.dat` of three homes is not
used, so that all homes have mains of one kind; HDF5 is not read. Written from the documentation, and tried on files
made by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landbridge.contract import Unit
from landbridge.domains.smart_meters.appliances import APPLIANCES, meaning_of
from landbridge.domains.smart_meters.channels import LABELS, channels, houses, read_home, read_labels
from landbridge.domains.smart_meters.homes import UKDALE, Home, ukdale_home
from landbridge.domains.smart_meters.settings import chosen, settings_of_meters
from landbridge.domains.smart_meters.truth import truth_of
from landbridge.stage import StageError

AGGREGATE = 1


def read_ukdale(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Homes of UK-DALE, by number; the published table says which channels are appliances, and `labels.dat` must agree.

    Args:
        folder: holds `house_<N>/channel_<M>.dat` (or `House<N>`) and `labels.dat`, itself or one folder below.
        settings: see `settings.Settings`; `prefix` is ukdale if not given.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a file that can't be used; the text names file and line.
    """
    own = settings_of_meters(settings, "ukdale")
    truth = truth_of(folder)
    found = houses(folder)
    for number in chosen(found, own.homes, folder):
        counts["homes"] += 1
        home = ukdale_home(number, own.prefix)
        if home is None:
            raise StageError(f"{found[number]}: UK-DALE has the houses {', '.join(map(str, UKDALE))}; remove this one")
        files = channels(found[number])
        if not files:
            counts["homes without a file, left out"] += 1
            continue
        _refuse_other_labels(home, found[number] / LABELS)
        unit = read_home(home, (AGGREGATE,), files, own, truth, counts)
        if unit is not None:
            yield unit


def _refuse_other_labels(home: Home, path: Path) -> None:
    """Compare `labels.dat` with the published table; labels that mean none of the appliances tell nothing."""
    labels = read_labels(path)
    for name, numbers in home.meters.items():
        for number in numbers:
            meaning = meaning_of(labels.get(number, ""))
            if meaning in APPLIANCES and meaning != name:
                raise StageError(
                    f"{path}: channel {number} is '{labels[number]}', in the published home it is {name}; the folder "
                    f"is not that of {home.name}"
                )
