"""Reader of REDD `low_freq`: six homes in Massachusetts, spring 2011 (Kolter and Johnson, SustKDD 2011).

Two channels are the phases of the mains, about every second; circuits follow about every 3 s. Loads of 240 V, and the
washer dryer of house 1, are several channels, which are summed. Written from the documentation, and tried on the twin
and on files made by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landbridge.contract import Unit
from landbridge.domains.smart_meters.appliances import MAINS, meaning_of
from landbridge.domains.smart_meters.channels import LABELS, channels, houses, read_home, read_labels
from landbridge.domains.smart_meters.homes import redd_home
from landbridge.domains.smart_meters.settings import chosen, settings_of_meters
from landbridge.domains.smart_meters.truth import truth_of
from landbridge.stage import StageError


def read_redd(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Homes of REDD, by number; `labels.dat` says which channels are mains and appliances.

    Args:
        folder: holds `house_<N>/channel_<M>.dat` and `house_<N>/labels.dat`, itself or one folder below.
        settings: see `settings.Settings`; `prefix` is redd if not given.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a file that can't be used; the text names file and line.
    """
    own = settings_of_meters(settings, "redd")
    truth = truth_of(folder)
    found = houses(folder)
    for number in chosen(found, own.homes, folder):
        counts["homes"] += 1
        house = found[number]
        files = channels(house)
        if not files:
            counts["homes without a file, left out"] += 1
            continue
        loads: dict[str, tuple[int, ...]] = {}
        for channel, label in sorted(read_labels(house / LABELS).items()):
            meaning = meaning_of(label)
            if meaning is None:
                counts[f"channels not opened: {label}"] += 1
            else:
                loads[meaning] = (*loads.get(meaning, ()), channel)
        if MAINS not in loads:
            raise StageError(f"{house / LABELS}: names no channel mains; write '1 mains' and '2 mains'")
        mains = loads.pop(MAINS)
        unit = read_home(redd_home(number, own.prefix, loads), mains, files, own, truth, counts)
        if unit is not None:
            yield unit
