"""What all readers of this domain share: from labelled fixes to units, with settings, truth and counts."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Unit
from landbridge.domains.gps_traces import fixes
from landbridge.domains.gps_traces.modes import CLASSES, PAPER_BANDS
from landbridge.kinds import Kind, number, one_of
from landbridge.reader_settings import own_settings
from landbridge.stage import StageError

LABEL_FREE, PAPER = "label_free", "paper"
LABEL_FILTER = "label_filter"  # what a unit's `leakage` says after the published filter
FEWEST_POINTS, SHORTEST = 10, 60_000  # points with a speed, and ms, that a trip needs
FEWEST_PAPER_POINTS = 3
SHARED = {"cleaning": LABEL_FREE, "resample": None}
KINDS = {
    "cleaning": one_of(LABEL_FREE, PAPER),
    "resample": number("seconds, such as 5, or leave it out", least=0.001),
}
TRUTH = "truth.csv"


@dataclass(frozen=True)
class Points:
    """Labelled fixes, sorted by trip and time, each time once; columns are (n,).

    Attributes:
        trip: number of the trip.
        time: ms since 1970.
        lat, lon: degrees.
        accuracy: m; NaN where it is not given; None where the format has none.
    """

    trip: np.ndarray
    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    accuracy: np.ndarray | None = None

    def where(self, keep: np.ndarray) -> Points:
        """The fixes that a mask or an order of indices picks."""
        accuracy = None if self.accuracy is None else self.accuracy[keep]
        return Points(self.trip[keep], self.time[keep], self.lat[keep], self.lon[keep], accuracy)


@dataclass(frozen=True)
class Leg:
    """One cleaned trip leg: time in ms, speed in km/h (NaN at the first fix of a segment), degrees; (n,) each."""

    trip: int
    time: np.ndarray
    speed: np.ndarray
    lat: np.ndarray
    lon: np.ndarray


def settings_of_legs(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a reader over their defaults.

    Raises:
        StageError: a name or a value that is not known.
    """
    kinds = {
        name: Kind(partial(_alike, default=default), f"something like {default!r}")
        for name, default in defaults.items()
        if default is not None
    }
    own = own_settings(settings, defaults, {**kinds, **KINDS})
    if own.get("resample") is not None and own["cleaning"] == PAPER:
        raise StageError("reader_settings: resample goes with cleaning: label_free only, for the published filter cuts")
    return own


def _alike(value: Any, default: Any) -> bool:
    """Whether a value is of the kind of a default; any number stands for a number, and yes or no is none."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    return isinstance(value, int | float if isinstance(default, int | float) else type(default))


def clean(points: Points, classes: np.ndarray, own: Mapping[str, Any], counts: Counter[str]) -> Iterator[Leg]:
    """Clean trips and yield those that are long enough, in the order of their numbers.

    `label_free` treats all trips alike: fixes whose accuracy is worse than 200 m go, then see `fixes.clean_jumps`; a
    trip needs 10 fixes with a speed and 60 s from its first to its last fix. `paper` is the published filter: fixes
    whose speed is outside the band of the trip's true class go and speeds stay as they were; a trip needs three.

    Args:
        points: of trips that have a class.
        classes: (trip,) class by number of the trip.
        own: `cleaning`, and `resample` in seconds or None.
        counts: gets what is dropped, by reason.
    """
    if own["cleaning"] == LABEL_FREE and points.accuracy is not None:
        inaccurate = points.accuracy > fixes.LEAST_ACCURATE
        counts["dropped: accuracy worse than 200 m"] += int(inaccurate.sum())
        points = points.where(~inaccurate)
    if not len(points.time):
        return
    first = np.ones(len(points.time), bool)
    first[1:] = points.trip[1:] != points.trip[:-1]
    if own["cleaning"] == PAPER:
        speed = fixes.speeds(points.trip, points.time, points.lat, points.lon)
        low, high = PAPER_BANDS[classes[points.trip]].T
        keep = first | ((speed >= low) & (speed <= high))
        counts["dropped: speed outside the band of the true mode"] += int((~keep).sum())
    else:
        keep, speed = fixes.clean_jumps(points.trip, points.time, points.lat, points.lon)
        counts["dropped: reached at more than 350 km/h"] += int((~keep).sum())
        counts["segments that begin inside a trip"] += int((np.isnan(speed) & keep & ~first).sum())
    points, speed = points.where(keep), speed[keep]
    begins = np.flatnonzero(np.concatenate([[True], points.trip[1:] != points.trip[:-1]]))
    stops = np.append(begins[1:], len(speed))
    for place in long_enough(points.time, speed, begins, own["cleaning"], counts).tolist():
        part = slice(begins[place], stops[place])
        leg = Leg(int(points.trip[begins[place]]), points.time[part], speed[part], points.lat[part], points.lon[part])
        yield leg if own["resample"] is None else _resampled(leg, round(1000 * own["resample"]))


def long_enough(
    time: np.ndarray, speed: np.ndarray, begins: np.ndarray, cleaning: str, counts: Counter[str]
) -> np.ndarray:
    """Which trips keep enough fixes with a speed and last long enough; counts those that stay and those that go.

    Args:
        time, speed: (n,) of trips end to end, none of them empty.
        begins: (trip,) place of the first fix of each.

    Returns:
        numbers of the trips that stay.
    """
    usable = np.add.reduceat(np.isfinite(speed), begins, dtype=np.int64)
    few = usable < (FEWEST_PAPER_POINTS if cleaning == PAPER else FEWEST_POINTS)
    counts["dropped: trip with too few points"] += int(few.sum())
    short = np.zeros(len(begins), bool)
    if cleaning == LABEL_FREE:
        short = ~few & (time[np.append(begins[1:], len(time)) - 1] - time[begins] < SHORTEST)
        counts["dropped: trip shorter than 60 s"] += int(short.sum())
    stay = np.flatnonzero(~few & ~short)
    counts["trips"] += len(stay)
    return stay


def _resampled(leg: Leg, step: int) -> Leg:
    time, lat, lon, speed = fixes.resample(leg.time, leg.lat, leg.lon, np.isnan(leg.speed), step)
    return Leg(leg.trip, time, speed, lat, lon)


class Truth:
    """The true modes of a twin, by name of the unit, from `truth.csv` beside the raw files; published data have none.

    Args:
        folder: of the raw files.

    Raises:
        StageError: the file has other columns or a mode that is no class.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / TRUTH
        self.modes: dict[str, int] | None = None
        if not self.path.is_file():
            return
        self.modes = {}
        with self.path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            if not {"unit", "mode"} <= set(reader.fieldnames or []):
                raise StageError(f"{self.path}, line 1: its columns are unit and mode")
            for row in reader:
                if row["mode"] not in [str(number) for number in range(len(CLASSES))]:
                    raise StageError(
                        f"{self.path}, line {reader.line_num}: mode '{row['mode']}' is no class; write 0 to 4 for "
                        f"{', '.join(CLASSES)}"
                    )
                self.modes[row["unit"]] = int(row["mode"])

    def of(self, name: str) -> dict[str, int]:
        """`mode_truth` of a unit; nothing where there is no such file.

        Raises:
            StageError: the file does not name the unit.
        """
        if self.modes is None:
            return {}
        if name not in self.modes:
            raise StageError(f"{self.path}: does not name the unit {name}; add it, or remove the file")
        return {"mode_truth": self.modes[name]}


def unit_of(
    name: str, leg: Leg, mode: int, detail: str, truth: Truth, cleaning: str, hour: float, about: Mapping[str, str]
) -> Unit:
    """The unit of a leg with positions.

    Args:
        mode: class.
        detail: mode as published.
        hour: local hour of the first fix.
        about: `user`, `run`, `journey`, `phone`, `platform`, `setting`, `region` and, where it is not the pair of
            first and last cell, `route`; what is not given is "".
    """
    ends = [fixes.cell(float(leg.lat[place]), float(leg.lon[place])) for place in (0, -1)]
    values = {"speed": leg.speed.astype(np.float32), "latitude": leg.lat, "longitude": leg.lon}
    static = statics(
        mode, detail, truth.of(name), cleaning, hour, {"route": " to ".join(ends), **about}, start=ends[0], end=ends[1]
    )
    return Unit(name, leg.time.astype("datetime64[ms]"), values, static)


def statics(
    mode: int,
    detail: str,
    truth: Mapping[str, int],
    cleaning: str,
    hour: float,
    about: Mapping[str, str],
    *,
    start: str = "",
    end: str = "",
) -> dict[str, float | str]:
    """Variables on `unit` of this domain, the same for every dataset."""
    columns = ("user", "run", "route", "journey", "phone", "platform", "setting", "region")
    return {
        "mode": mode,
        "mode_detail": detail,
        **truth,
        **{column: about.get(column, "") for column in columns},
        "start_cell": start,
        "end_cell": end,
        "start_hour": hour,
        "cleaning": cleaning,
        "leakage": LABEL_FILTER if cleaning == PAPER else "",
    }
