"""From the readings of a home to its unit, in blocks of days, so that memory holds its steps and never its readings.

A block is worked out with two hours more on either side. That makes it exact: a bin is filled from a few bins before,
and a run of an appliance reaches its least length, or ends in a pause that is too long, within the least times on and
off together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from landbridge.contract import Unit
from landbridge.domains.smart_meters.appliances import APPLIANCES, LEAST_POWER
from landbridge.domains.smart_meters.grid import (
    any_on,
    bin_means,
    fill_forward,
    local_hour,
    step_means,
    sum_of_meters,
)
from landbridge.domains.smart_meters.homes import Home
from landbridge.domains.smart_meters.settings import DAY, Settings
from landbridge.domains.smart_meters.status import fine_status
from landbridge.domains.smart_meters.streams import FAR, Readings, Stream
from landbridge.domains.smart_meters.truth import Truth

BLOCK_DAYS = 8
OVERLAP = 7200  # s
Meter = tuple[int, int]  # place of a stream, and the row of its values


@dataclass(frozen=True)
class Wiring:
    """Where the meters of a home are among its streams; those of one load are summed."""

    mains: Sequence[Meter]
    appliances: Mapping[str, Sequence[Meter]]


def unit_of(
    home: Home, streams: Sequence[Stream], wiring: Wiring, own: Settings, truth: Truth | None, counts: Counter[str]
) -> Unit | None:
    """The unit of a home; None where it has no step with mains, which is counted.

    Raises:
        StageError: a file that can't be used.
    """
    parts: dict[str, list[np.ndarray]] = {}
    for block in _blocks(home, streams, wiring, own):
        for name, values in block.items():
            parts.setdefault(name, []).append(values)
    if not parts:
        counts["homes without mains, left out"] += 1
        return None
    columns = {name: np.concatenate(parts.pop(name)) for name in list(parts)}
    return finished(home, columns, own.step, "fine", truth, counts)


def finished(
    home: Home, columns: dict[str, np.ndarray], step: int, policy: str, truth: Truth | None, counts: Counter[str]
) -> Unit:
    """A unit of `columns`: time (UTC s), mains and appliances; with hours, truth and what is known of the home.

    Args:
        home: of the unit.
        columns: `time`, `mains`, `mains_unclipped` and, where the home has them, appliances and their status.
        step: s.
        policy: rule of on and off, `fine` or `minute`.
        truth: of twin data.
        counts: gets steps that are there, and those left out between the first and the last.
    """
    time = columns.pop("time")
    nothing = np.full(len(time), np.nan, np.float32)
    angle = 2 * np.pi * local_hour(time, home.zone) / 24
    values = {
        "mains": columns.pop("mains"),
        "mains_unclipped": columns.pop("mains_unclipped"),
        "hour_sine": np.sin(angle).astype(np.float32),
        "hour_cosine": np.cos(angle).astype(np.float32),
        **{name: columns.pop(name, nothing) for name in APPLIANCES},
        **{f"{name}_on": columns.pop(f"{name}_on", nothing) for name in APPLIANCES},
    }
    if truth is not None:
        values |= {f"{name}_truth": power for name, power in truth.of(home.name, time, step).items()}
    counts["steps"] += len(time)
    counts["left out: steps without mains"] += int((time[-1] - time[0]) // step + 1 - len(time))
    return Unit(home.name, time.astype("datetime64[s]"), values, home.static(policy))


def _blocks(home: Home, streams: Sequence[Stream], wiring: Wiring, own: Settings) -> Iterator[dict[str, np.ndarray]]:
    """Steps with mains of each block of days that has readings."""
    lead = -(-(OVERLAP + own.fill) // own.fine) * own.fine
    lag = -(-OVERLAP // own.fine) * own.fine
    start = -FAR
    while True:
        # A reading shortly before the block may fill bins of it.
        upcoming = min(stream.next_time(start - own.fill if start > -FAR else start) for stream in streams)
        if upcoming == FAR:
            return
        start = max(start, upcoming // DAY * DAY)
        stop = start + BLOCK_DAYS * DAY
        read = [stream.window(start - lead, stop + lag) for stream in streams]
        first, count = (start - lead) // own.fine, (lead + stop - start + lag) // own.fine
        binned = [_binned(readings, first, count, own) for readings in read]
        inside = slice(lead // own.fine, (lead + stop - start) // own.fine)
        block = _block(home, binned, wiring, own, inside)
        block["time"] = np.arange(start, stop, own.step)
        known = ~np.isnan(block["mains"])
        if known.any():
            yield {name: values[known] for name, values in block.items()}
        start = stop


def _binned(readings: Readings, first: int, count: int, own: Settings) -> np.ndarray:
    """Readings of a stream on the fine grid, filled, float64 (k, count)."""
    time, values, masked = readings
    place = time // own.fine - first
    hidden = None
    if masked.any():
        hidden = np.zeros(count, bool)
        hidden[place[masked]] = True
    found = np.empty((len(values), count))
    for row, power in enumerate(values):
        found[row] = fill_forward(bin_means(place, power, count), own.fill // own.fine, hidden)
    return found


def _block(
    home: Home, binned: Sequence[np.ndarray], wiring: Wiring, own: Settings, inside: slice
) -> dict[str, np.ndarray]:
    """Columns of the steps of a block, float32."""

    def load(meters: Sequence[Meter]) -> np.ndarray:
        total = sum_of_meters([binned[stream][row] for stream, row in meters])
        return np.where(total < LEAST_POWER, 0.0, total)

    def steps(power: np.ndarray) -> np.ndarray:
        return step_means(power[inside], bins).astype(np.float32)

    bins = own.step // own.fine
    mains = load(wiring.mains)
    found = {"mains": steps(np.minimum(mains, own.clip_mains)), "mains_unclipped": steps(mains)}
    for name, meters in wiring.appliances.items():
        appliance = APPLIANCES[name]
        power = np.minimum(load(meters), appliance.clip[home.country])
        found[name] = steps(power)
        on = any_on(fine_status(power, appliance, own.fine)[inside], bins)
        found[f"{name}_on"] = np.where(np.isnan(found[name]), np.float32(np.nan), on)
    return found


def labelled(home: Home, own: Settings) -> list[str]:
    """Appliances of a home that get labels: those on meters of their own, and on shared ones if settings say so."""
    return [name for name in APPLIANCES if name in home.meters and (own.keep_shared or name not in home.shared)]
