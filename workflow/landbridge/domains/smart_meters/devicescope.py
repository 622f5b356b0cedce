"""Reader of the excerpts of DeviceScope (Petralia et al. 2025): minutes of homes of UK-DALE, REFIT and IDEAL.

Means of a minute, in W, with the mains cut at 6,000 W. Nothing is missing in the files, for gaps were filled with 0:
minutes in which the mains are 0 for 10 min or longer are masked in all columns. Times name no zone. Those of UK-DALE
were made from UTC seconds; those of REFIT from a text column of unverified zone, and are taken for UTC all the same.
Tried on the published files of three homes.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Unit
from landbridge.domains.smart_meters.appliances import APPLIANCES, LEAST_POWER, MAINS, meaning_of
from landbridge.domains.smart_meters.grid import bin_means, merge_repeats
from landbridge.domains.smart_meters.homes import Home, ideal_home, refit_home, ukdale_home
from landbridge.domains.smart_meters.status import minute_status
from landbridge.domains.smart_meters.streams import FAR, Stream
from landbridge.domains.smart_meters.text import Layout, read_batches
from landbridge.domains.smart_meters.units import finished
from landbridge.stage import StageError

FILE = re.compile(r"([A-Za-z]+)_House(\d+)_(\d{4}-\d{2})\.gzip")
SETS: dict[str, Callable[[int], Home | None]] = {"UKDALE": ukdale_home, "REFIT": refit_home, "IDEAL": ideal_home}
STEP = 60  # s
LONGEST_ZERO = 10  # minutes of no mains at all from which on they are a gap
DELIVERED_CUT = 6000.0  # W at which the origin cut the mains


def read_devicescope(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Homes of the excerpts, in the order of their names; all months of a home are one unit.

    The unclipped mains are missing where they were delivered cut. An appliance without a column is missing, and only
    absent if the published table of the home says so.

    Args:
        folder: holds `<SET>_House<N>_<YYYY-MM>.gzip`.
        settings: none; the excerpts come in minutes.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a file that can't be used; the text names file and line.
    """
    if settings:
        raise StageError(f"reader_settings: {', '.join(settings)} is not known; the reader devicescope has no settings")
    for home, paths in sorted(_homes(folder), key=lambda pair: pair[0].name):
        counts["homes"] += 1
        unit = _unit(home, paths, counts)
        if unit is not None:
            yield unit


def _homes(folder: Path) -> list[tuple[Home, list[Path]]]:
    found: dict[tuple[str, int], list[Path]] = {}
    for path in sorted(folder.glob("*.gzip")):
        match = FILE.fullmatch(path.name)
        if match is None or match.group(1) not in SETS:
            raise StageError(f"{path}: is not named <SET>_House<N>_<YYYY-MM>.gzip, SET being {', '.join(SETS)}")
        found.setdefault((match.group(1), int(match.group(2))), []).append(path)
    if not found:
        raise StageError(f"{folder}: holds no <SET>_House<N>_<YYYY-MM>.gzip; put the files of DeviceScope's Data there")
    pairs = []
    for (origin, number), paths in found.items():
        home = SETS[origin](number)
        if home is None:
            raise StageError(f"{paths[0]}: {origin} has no house {number}; number homes as the origin does")
        pairs.append((home, paths))
    return pairs


def _unit(home: Home, paths: list[Path], counts: Counter[str]) -> Unit | None:
    months = [month for path in paths if (month := _month(home, path, counts)) is not None]
    if not months:
        counts["homes without mains, left out"] += 1
        return None
    names = list(dict.fromkeys(name for _, columns in months for name in columns))
    time = np.concatenate([stamps for stamps, _ in months])
    rows = [[columns.get(name, np.full(len(stamps), np.nan)) for name in names] for stamps, columns in months]
    table = np.concatenate([np.array(part, np.float64) for part in rows], axis=1)
    order = np.argsort(time, kind="stable")
    before = len(time)
    time, table, _ = merge_repeats(time[order], table[:, order], np.zeros(before, bool))
    counts["averaged: readings of a time that repeats"] += before - len(time)
    first = int(time[0]) // STEP
    place = time // STEP - first
    power = {name: bin_means(place, row, int(place[-1]) + 1) for name, row in zip(names, table, strict=True)}
    known = ~np.isnan(power[MAINS])
    gaps = zero_runs(power[MAINS], LONGEST_ZERO)
    counts["masked: minutes in which the mains are 0 for 10 min or longer"] += int(gaps.sum())
    keep = known & ~gaps
    if not keep.any():
        counts["homes without mains, left out"] += 1
        return None
    columns = _columns(home, {name: row[keep] for name, row in power.items()}, counts)
    columns["time"] = (np.flatnonzero(keep) + first) * STEP
    return finished(home, columns, STEP, "minute", None, counts)


def _columns(home: Home, power: Mapping[str, np.ndarray], counts: Counter[str]) -> dict[str, np.ndarray]:
    mains = np.where(power[MAINS] < LEAST_POWER, 0, power[MAINS])
    cut = mains >= DELIVERED_CUT
    counts["minutes of mains that were delivered cut"] += int(cut.sum())
    found = {"mains": np.minimum(mains, DELIVERED_CUT), "mains_unclipped": np.where(cut, np.nan, mains)}
    for name, appliance in APPLIANCES.items():
        if name in power and name not in home.shared:
            own = np.where(power[name] < LEAST_POWER, 0, power[name])
            found[name] = np.minimum(own, appliance.clip[home.country])
            found[f"{name}_on"] = minute_status(found[name], appliance)
    return {name: values.astype(np.float32) for name, values in found.items()}


def zero_runs(power: np.ndarray, least: int) -> np.ndarray:
    """Which samples lie in a run of at least `least` zeros, bool (n,); a missing sample ends a run."""
    edges = np.flatnonzero(np.diff(power == 0, prepend=False, append=False))
    found = np.zeros(len(power), bool)
    for start, stop in edges.reshape(-1, 2).tolist():
        found[start:stop] = stop - start >= least
    return found


def _month(home: Home, path: Path, counts: Counter[str]) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
    """Times (s) and columns of a file by what they measure; None for a file without rows, which is counted."""
    with gzip.open(path, "rb") as handle:
        try:
            header = handle.readline().decode("utf-8-sig", errors="replace").strip()
        except (OSError, EOFError) as error:
            raise StageError(f"{path}: can't be unpacked ({error}); fetch it again") from error
        columns = [column.strip() for column in header.split(",")]
        ours = {column: meaning for column in columns if (meaning := meaning_of(column)) is not None}
        if not header:
            counts["files without rows"] += 1
            return None
        if "Time" not in columns or MAINS not in ours.values():
            raise StageError(f"{path}, line 1: '{header[:100]}' has no Time or no Aggregate; they are wanted")
        if len(set(columns)) < len(columns) or len(set(ours.values())) < len(ours):
            raise StageError(f"{path}, line 1: two of {', '.join(columns)} measure the same; keep one of them")
        for column in columns:
            if column != "Time" and column not in ours:
                counts[f"columns not used: {column}"] += 1
        layout = Layout(columns, "Time", list(ours), clock=True, header=header)
        names = [f"{MAINS} of {home.name}" if name == MAINS else name for name in ours.values()]
        stream = Stream(read_batches(handle, str(path), layout, 2, counts), str(path), names, counts)
        time, values, _ = stream.window(-FAR, FAR)
    if not len(time):
        counts["files without rows"] += 1
        return None
    return time, dict(zip(ours.values(), values, strict=True))
