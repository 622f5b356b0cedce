"""The twin in REFIT's cleaned layout: `CLEAN_House<N>.csv`, whose rows stand where something changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.domains.smart_meters.homes import refit_home
from landbridge.domains.smart_meters.household import Calendar, Home, Random
from landbridge.domains.smart_meters.machines import DAY, HOUR, MINUTE
from landbridge.domains.smart_meters.meters import Block, House, TruthWriter, blocks, noisy

SWAPPED = ("dishwasher", "washing_machine")
OTHER = "television"  # in the first column that no appliance has
ISSUE_FACTOR = 0.9  # mains against the sum of the appliances in rows with an issue
ON = 5  # W


@dataclass
class Rows:
    """Rows of one file.

    Attributes:
        times: (row,) s since the beginning of the record.
        watts: (row, 1 + column) aggregate and appliances, whole W.
        issues: (row,) 0 or 1.
    """

    times: np.ndarray
    watts: np.ndarray
    issues: np.ndarray

    def take(self, index: np.ndarray) -> Rows:
        """Some of the rows, by number or mask."""
        return Rows(self.times[index], self.watts[index], self.issues[index])


def published_columns(house: int) -> dict[str, int]:
    """Column, from 1, of each appliance of a house, as published; of a second washing machine nothing is written."""
    home = refit_home(house)
    return {name: meters[0] for name, meters in home.meters.items()} if home else {}


def columns_of(layout: Mapping[str, Any], house: int) -> dict[str, int]:
    """Column, from 1, of each machine of a house that has a sub-meter."""
    found = published_columns(house)
    free = [column for column in range(1, layout["columns"] + 1) if column not in found.values()]
    return {**found, OTHER: free[0]}


def write_house(
    folder: Path,
    house: House,
    days: Calendar,
    random: Random,
    numbers: Mapping[str, Any],
    defects: bool,
    truth: TruthWriter | None,
) -> Counter[str]:
    """Write `CLEAN_House<N>.csv`; what was planted, by kind.

    Args:
        folder: of the data set.
        house: to be written.
        days: of the record.
        random: gives the stream of this house for a purpose.
        numbers: all of countries.yaml.
        defects: whether anything goes wrong.
        truth: where the truth goes.
    """
    layout = numbers["layouts"]["refit"]
    columns = columns_of(layout, house.number)
    readings, spoils = random("readings"), random("defects")
    counts: Counter[str] = Counter()
    day = _swapped_day(house.metered, days, spoils) if defects and house.swaps else None
    header = ["Time", "Unix", "Aggregate", *(f"Appliance{n}" for n in range(1, layout["columns"] + 1)), "Issues"]
    following = int(readings.integers(layout["every_seconds"][1]))
    with (folder / f"CLEAN_House{house.number}.csv").open("w", newline="\n") as handle:
        handle.write(",".join(header) + "\n")
        for block in blocks(house.own, house.metered, days):
            times, following = _times(block, following, layout["every_seconds"], readings)
            watts = _watts(block, times, following, columns, layout["columns"], numbers["noise"], readings)
            if defects:
                _stale(times, watts, block, columns, layout, spoils, counts)
            if day is not None:
                _swap(times, watts, days, day, columns, counts)
            rows = Rows(times, watts, np.zeros(len(times), np.int64)).take(_changes(watts, layout))
            if defects:
                rows = _spoil(rows, block, layout, spoils, counts)
            counts["rows"] += len(rows.times)
            handle.write(_text(rows, days))
            if truth is not None:
                truth.add(house.number, days.first, block)
    hours = days.first + np.arange(0, days.length + 1, HOUR)
    counts["clock_changes"] = int((np.diff(days.offset(hours)) != 0).sum())
    return counts


def _times(block: Block, begin: int, every: Sequence[int], random: np.random.Generator) -> tuple[np.ndarray, int]:
    """Readings from `begin` to the end of a block, and the first of the next one."""
    least, most = every
    gaps = random.integers(least, most + 1, (block.end - begin) // least + 1)
    times = begin + np.concatenate([[0], np.cumsum(gaps)])
    number = int(np.searchsorted(times, block.end))
    return times[:number], int(times[number])


def _watts(
    block: Block,
    times: np.ndarray,
    following: int,
    columns: Mapping[str, int],
    width: int,
    noise: Mapping[str, Sequence[float]],
    random: np.random.Generator,
) -> np.ndarray:
    """(reading, 1 + width) whole W, the aggregate first."""
    found = np.zeros((len(times), 1 + width))
    whole = np.sum([leg for legs in block.own.values() for leg in legs], axis=0)
    found[:, 0] = noisy(block.means(whole, times, following), noise["mains"], random)
    for name, column in columns.items():
        if name in block.metered:
            power = np.sum(block.metered[name], axis=0)
            found[:, column] = noisy(block.means(power, times, following), noise["appliance"], random)
    return np.round(found).astype(np.int64)


def _changes(watts: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """(reading,) bool: it differs from the one before, or is the last of so many that a row must stand."""
    limits = np.array([layout["change_mains"], *[layout["change_appliance"]] * layout["columns"]])
    larger = np.maximum(watts[1:], watts[:-1])
    changed = (np.abs(np.diff(watts, axis=0)) > limits[:, 0] + limits[:, 1] * larger).any(axis=1)
    due = np.arange(len(watts)) % layout["unchanged_readings"] == 0
    return due | np.concatenate([[True], changed])


def _stale(
    times: np.ndarray,
    watts: np.ndarray,
    block: Block,
    columns: Mapping[str, int],
    layout: Mapping[str, Any],
    random: np.random.Generator,
    counts: Counter[str],
) -> None:
    """Let a meter repeat what it read while its appliance was on, in place."""
    least, most = (MINUTE * minutes for minutes in layout["stale_minutes"])
    used = np.array(sorted(columns.values()))
    for begin in range(block.begin, block.end, DAY // layout["stale_per_day"]):
        seconds = int(random.integers(least, most + 1))
        first, last = np.searchsorted(times, [begin, begin + DAY // layout["stale_per_day"] - most])
        running = np.argwhere(watts[first:last, used] > ON)
        if len(running):
            row, which = running[random.integers(len(running))]
            row += first
            end = np.searchsorted(times, times[row] + seconds)
            watts[row:end, used[which]] = watts[row, used[which]]
            counts["stale_episodes"] += 1


def _swapped_day(metered: Home, days: Calendar, random: np.random.Generator) -> int:
    """Number of a local day on which one of the two machines that will be swapped is used."""
    starts = [leg.start for name in SWAPPED for leg in metered.machines[name].legs]
    used = np.unique(np.searchsorted(days.midnights, np.concatenate(starts), side="right") - 1)
    return int(random.choice(used)) if len(used) else len(days.midnights) // 2


def _swap(
    times: np.ndarray,
    watts: np.ndarray,
    days: Calendar,
    day: int,
    columns: Mapping[str, int],
    counts: Counter[str],
) -> None:
    """Swap two columns on one local day, in place."""
    one, other = (columns[name] for name in SWAPPED)
    end = days.midnights[day + 1] if day + 1 < len(days.midnights) else days.length
    during = (times >= days.midnights[day]) & (times < end)
    watts[during, one], watts[during, other] = watts[during, other], watts[during, one].copy()
    counts["swapped_days"] += int(times[0] <= (days.midnights[day] + end) // 2 <= times[-1])


def _spoil(
    rows: Rows, block: Block, layout: Mapping[str, Any], random: np.random.Generator, counts: Counter[str]
) -> Rows:
    """Rows lost, readings set to zero, issues and repeated rows, in this order."""
    days = (block.end - block.begin) / DAY
    gaps = _gaps(block, layout, random)
    place = np.searchsorted(gaps[:, 0], rows.times, side="right") - 1
    lost = (place >= 0) & (rows.times < gaps[place, 1])
    counts["mains_gaps"] += len(gaps)
    counts["mains_gap_seconds"] += int(np.diff(gaps).sum())
    rows = rows.take(~lost)

    # A reading above 4,000 W, which is no appliance's, was set to 0 by those who cleaned the files.
    running = np.argwhere(rows.watts[:, 1:] > ON)
    zeroed = running[random.choice(len(running), min(round(layout["zeroed_per_day"] * days), len(running)), False)]
    rows.watts[zeroed[:, 0], 1 + zeroed[:, 1]] = 0
    counts["zeroed"] += len(zeroed)

    episode = layout["issue_readings"]
    wanted = round(layout["issue_share"] * len(rows.times) / episode)
    starts = episode * random.choice(len(rows.times) // episode, wanted, replace=False)
    marked = (starts[:, None] + np.arange(episode)).ravel()
    appliances = rows.watts[marked, 1:].sum(axis=1)
    below = np.floor(ISSUE_FACTOR * appliances).astype(np.int64)
    rows.watts[marked, 0] = np.where(appliances > ON, np.minimum(rows.watts[marked, 0], below), rows.watts[marked, 0])
    rows.issues[marked] = 1
    counts["issues"] += len(marked)

    again = np.sort(random.choice(len(rows.times), round(layout["duplicate_share"] * len(rows.times)), replace=False))
    other = rows.take(again)
    other.watts[:, 0] += random.choice([-3, -2, -1, 1, 2, 3], len(again))
    other.watts[:, 0] = np.maximum(other.watts[:, 0], 0)
    counts["duplicates"] += len(again)
    return Rows(
        np.insert(rows.times, again + 1, other.times),
        np.insert(rows.watts, again + 1, other.watts, axis=0),
        np.insert(rows.issues, again + 1, other.issues),
    )


def _gaps(block: Block, layout: Mapping[str, Any], random: np.random.Generator) -> np.ndarray:
    """(gap, 2) s of the record: together the share of the time that is missing, one in each slot."""
    least, most = (MINUTE * minutes for minutes in layout["missing_minutes"])
    total = layout["missing_share"] * (block.end - block.begin)
    number = max(1, round(total / ((least + most) / 2)))
    seconds = random.uniform(least, most, number)
    seconds = np.round(seconds * total / seconds.sum()).astype(np.int64)
    room = (block.end - block.begin) // number
    starts = block.begin + room * np.arange(number) + random.integers(0, room - seconds)
    return np.stack([starts, starts + seconds], axis=1)


def _text(rows: Rows, days: Calendar) -> str:
    """Lines of the file."""
    unix = days.first + rows.times
    local = np.datetime_as_string((unix + days.offset(unix)).astype("datetime64[s]")).tolist()
    line = "%s %s," + ",".join(["%d"] * (rows.watts.shape[1] + 2)) + "\n"
    table = np.column_stack([unix, rows.watts, rows.issues]).tolist()
    return "".join(line % (text[:10], text[11:], *row) for text, row in zip(local, table, strict=True))
