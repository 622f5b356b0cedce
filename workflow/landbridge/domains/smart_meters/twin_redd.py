"""The twin in REDD's layout `low_freq`: a folder for each house, a file for each of two phases and of some circuits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from landbridge.domains.smart_meters.household import Calendar, Home, Random
from landbridge.domains.smart_meters.machines import DAY, HOUR
from landbridge.domains.smart_meters.meters import Block, House, TruthWriter, blocks, noisy

LOGGERS = ("mains", "circuits")
JITTER_FROM = 3  # s; shorter steps have none
PHASES = 2
JUMP_PART = (0.4, 0.9)  # of the record, in which the clock is put right


@dataclass(frozen=True)
class Defects:
    """What goes wrong in one house; s since the beginning of the record.

    Attributes:
        gaps: (gap, 2) beginning and end of each time without readings, by logger; both have the outages.
        jump: when the clock, too fast by then, is put right.
        fast_from: when it began to gain.
        gained: s that it is ahead just before.
        duplicate_share: of the rows of each file.
    """

    gaps: Mapping[str, np.ndarray]
    jump: int
    fast_from: int
    gained: int
    duplicate_share: float

    def stamps(self, times: np.ndarray) -> np.ndarray:
        """What the logger's clock shows at true `times`."""
        share = (times - self.fast_from) / (self.jump - self.fast_from)
        ahead = np.ceil(self.gained * share).astype(np.int64)
        return times + np.where((times >= self.fast_from) & (times < self.jump), ahead, 0)

    def recorded(self, logger: str, times: np.ndarray) -> np.ndarray:
        """(reading,) bool, what lies in no gap."""
        place = np.searchsorted(self.gaps[logger][:, 0], times, side="right") - 1
        return (place < 0) | (times >= self.gaps[logger][place, 1])


def plan_defects(layout: Mapping[str, Any], days: int, random: np.random.Generator, counts: Counter[str]) -> Defects:
    """Draw the defects of one house and count them.

    Dropouts lie in slots of equal length, one in each, so that none touch; outages likewise. The clock is put right
    between two slots outside any outage.
    """
    slot = DAY // layout["dropouts_per_day"]
    least, most = layout["dropout_seconds"]
    outages = _outages(layout, days, random)
    gaps = {}
    for logger in LOGGERS:
        starts = slot * np.arange(days * layout["dropouts_per_day"])
        starts += random.integers(most, slot - 2 * most, len(starts))
        dropouts = np.stack([starts, starts + random.integers(least, most + 1, len(starts))], axis=1)
        dropouts = dropouts[~_meets(dropouts, outages)]
        counts[f"dropouts_{logger}"] = len(dropouts)
        both = np.concatenate([dropouts, outages])
        gaps[logger] = both[np.argsort(both[:, 0])]
    counts["outages"] = len(outages)
    offered = slot * np.arange(round(JUMP_PART[0] * days * DAY / slot), round(JUMP_PART[1] * days * DAY / slot))
    around = np.stack([offered - slot, offered + slot], axis=1)
    jump = int(random.choice(offered[~_meets(around, outages)]))
    counts["backward_jumps"] = 1
    fast_from = jump - HOUR * layout["jump_hours"]
    return Defects(gaps, jump, fast_from, layout["jump_seconds"], layout["duplicate_share"])


def _outages(layout: Mapping[str, Any], days: int, random: np.random.Generator) -> np.ndarray:
    """(outage, 2) s; short records have fewer and shorter ones: the least length in each `outage_days`."""
    number = min(layout["outages"], days // layout["outage_days"])
    if not number:
        return np.zeros((0, 2), np.int64)
    least, most = layout["outage_hours"]
    longest = float(np.clip(least * days / layout["outage_days"] / number, least, most))
    seconds = np.round(HOUR * random.uniform(least, longest, number)).astype(np.int64)
    room = days * DAY // number
    starts = room * np.arange(number) + random.integers(HOUR, room - seconds - HOUR)
    return np.stack([starts, starts + seconds], axis=1)


def _meets(spans: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(span,) bool: it meets one of the others."""
    return np.any((spans[:, None, 0] <= others[:, 1]) & (spans[:, None, 1] >= others[:, 0]), axis=1)


def house_without_microwave(layout: Mapping[str, Any], homes: int) -> int:
    """Number of the house that has no microwave; 0 where one house is all."""
    return min(layout["without_microwave"], homes) if homes > 1 else 0


def circuits_of(layout: Mapping[str, Any], house: int, metered: Home) -> list[tuple[str, str, int]]:
    """Label, machine and leg of each circuit of a house, in the order of its channels."""
    found = []
    used: Counter[str] = Counter()
    for label, machine in [*layout["circuits"], *layout["more_circuits"].get(house, [])]:
        if machine in metered.machines:
            found.append((label, machine, used[machine]))
            used[machine] += 1
    return found


def write_house(
    folder: Path,
    house: House,
    days: Calendar,
    random: Random,
    numbers: Mapping[str, Any],
    defects: bool,
    truth: TruthWriter | None,
    steps: tuple[int, int],
) -> Counter[str]:
    """Write `house_<N>/labels.dat` and `channel_<M>.dat`; what was planted, by kind.

    Args:
        folder: of the data set.
        house: to be written.
        days: of the record.
        random: gives the stream of this house for a purpose.
        numbers: all of countries.yaml.
        defects: whether anything goes wrong.
        truth: where the truth goes.
        steps: s between readings of the mains and of circuits.
    """
    layout, own = numbers["layouts"]["redd"], house.own
    counts: Counter[str] = Counter()
    planned = plan_defects(layout, len(days.midnights), random("defects"), counts) if defects else None
    place = folder / f"house_{house.number}"
    place.mkdir()
    circuits = circuits_of(layout, house.number, house.metered)
    labels = [*["mains"] * PHASES, *(label for label, _, _ in circuits)]
    if defects:
        wrong = layout["misspelt"] if house.number % 2 else {}
        labels = [wrong.get(label, label) for label in labels]
        counts["misspelt_labels"] = sum(label in wrong.values() for label in labels)
        counts["homes_without_microwave"] = int("microwave" not in own.machines)
    (place / "labels.dat").write_text("".join(f"{number} {label}\n" for number, label in enumerate(labels, start=1)))
    streams = {logger: random(logger) for logger in LOGGERS}
    spoils = random("duplicates")
    offsets = {logger: int(streams[logger].integers(step)) for logger, step in zip(LOGGERS, steps, strict=True)}
    phases = dict(zip(own.machines, random("phases").integers(PHASES, size=len(own.machines)).tolist(), strict=True))
    with ExitStack() as stack:
        names = [place / f"channel_{number}.dat" for number in range(1, len(labels) + 1)]
        handles = [stack.enter_context(name.open("w", newline="\n")) for name in names]
        for block in blocks(own, house.metered, days):
            for logger, step in zip(LOGGERS, steps, strict=True):
                times = _times(block, step, offsets[logger], streams[logger])
                if logger == "mains":
                    values = _mains(block, times, step, own, phases, numbers["noise"]["mains"], streams[logger])
                else:
                    values = _circuits(block, times, step, circuits, numbers["noise"]["appliance"], streams[logger])
                files = handles[:PHASES] if logger == "mains" else handles[PHASES:]
                for handle, column in zip(files, values, strict=True):
                    _write_rows(handle, days.first, logger, times, column, planned, spoils, counts)
            if truth is not None:
                truth.add(house.number, days.first, block)
    return counts


def _times(block: Block, step: int, offset: int, random: np.random.Generator) -> np.ndarray:
    """Readings of a logger in a block, s since the beginning of the record."""
    number = np.arange(-(-(block.begin - offset) // step), -(-(block.end - offset) // step))
    times = offset + step * number
    if step >= JITTER_FROM:
        times = np.maximum(times + random.integers(-1, 2, len(times)), block.begin)
    return times


def _mains(
    block: Block,
    times: np.ndarray,
    step: int,
    own: Home,
    phases: Mapping[str, int],
    noise: Sequence[float],
    random: np.random.Generator,
) -> list[np.ndarray]:
    """Apparent power of each phase, VA; its constant noise is such that the sum has that of countries.yaml."""
    found = []
    for phase in range(PHASES):
        power = np.zeros(len(next(iter(block.own.values()))[0]))
        for name, legs in block.own.items():
            if len(legs) > 1:
                power += legs[phase]
            elif phases[name] == phase:
                power += legs[0]
        apparent = block.means(power, times, times[-1] + step) / own.power_factor
        found.append(noisy(apparent, [noise[0], noise[1] / np.sqrt(PHASES)], random))
    return found


def _circuits(
    block: Block,
    times: np.ndarray,
    step: int,
    circuits: Sequence[tuple[str, str, int]],
    noise: Sequence[float],
    random: np.random.Generator,
) -> list[np.ndarray]:
    """Active power of each circuit in whole W."""
    return [
        np.round(noisy(block.means(block.metered[machine][leg], times, times[-1] + step), noise, random))
        for _, machine, leg in circuits
    ]


def _write_rows(
    handle: TextIO,
    first: int,
    logger: str,
    times: np.ndarray,
    values: np.ndarray,
    defects: Defects | None,
    random: np.random.Generator,
    counts: Counter[str],
) -> None:
    """Append the rows of a block to one file, after its defects."""
    if defects is not None:
        kept = defects.recorded(logger, times)
        times, values = defects.stamps(times[kept]), values[kept]
        again = np.sort(random.choice(len(times), round(defects.duplicate_share * len(times)), replace=False))
        times, values = np.insert(times, again, times[again]), np.insert(values, again, values[again])
        counts["duplicate_seconds"] += len(again)
        counts["rows_lost"] += int((~kept).sum())
    counts["rows"] += len(times)
    rows = np.stack([first + times, values], axis=1)
    handle.write("%d %.2f\n" * len(rows) % tuple(rows.ravel().tolist()))
