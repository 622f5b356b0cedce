"""The synthetic cities of cities.yaml, and the truth that is written beside what their phones record."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from landbridge.domains.gps_traces.modes import CLASSES
from landbridge.domains.gps_traces.movement import KM_H, Component, Noise, Ride
from landbridge.domains.gps_traces.nuisance import Nuisance, Sampling, apportion

CITIES = ("a", "b")
LAYOUTS = ("geolife", "mobilitynet")
DAYS_OF_A_YEAR = 365.25


@dataclass(frozen=True)
class City:
    """An invented city; units as in cities.yaml.

    Attributes:
        drift: yearly growth of the distance between bus stops, 0.05 for 5 %.
        mode_mix: share of each mode among the trips.
        components: of each mode.
        noise: of rides.
        duration_log_deviation, duration_range: of legs, about a median of the caller's.
    """

    latitude: float
    longitude: float
    utc_offset_hours: float
    first_day: np.datetime64
    years: float
    drift: float
    mode_mix: Mapping[str, float]
    components: Mapping[str, tuple[Component, ...]]
    nuisance: Nuisance
    noise: Noise
    duration_log_deviation: float
    duration_range: tuple[float, float]

    def draw_seconds(self, minutes: float, random: np.random.Generator) -> float:
        """Duration of a leg, s, lognormal about `minutes` and cut at both ends."""
        factor = np.exp(self.duration_log_deviation * random.normal())
        return float(60 * minutes * np.clip(factor, *self.duration_range))

    def draw_components(self, modes: Sequence[str], random: np.random.Generator) -> list[Component]:
        """A component for each of `modes`, so that a mode's components have their shares."""
        waiting = {}
        for mode, offered in self.components.items():
            shares = {str(number): component.share for number, component in enumerate(offered)}
            waiting[mode] = [offered[int(number)] for number in apportion(shares, modes.count(mode), random)]
        return [waiting[mode].pop() for mode in modes]

    def spacing_factor(self, component: Component, day: np.datetime64) -> float:
        """By how much the stops of `component` have moved apart until `day`."""
        if component.mode != "bus":
            return 1.0
        years = float((day - self.first_day) / np.timedelta64(1, "D")) / DAYS_OF_A_YEAR
        return float((1 + self.drift) ** years)


def _read() -> dict[str, Any]:
    return yaml.safe_load(Path(__file__).with_name("cities.yaml").read_text())


def read_city(name: str, drift: float | None = None) -> City:
    """City `name` of cities.yaml, its drift replaced where one is given."""
    every = _read()
    own = dict(every["cities"][name])
    modes = {
        mode: tuple(Component.read(mode, entry) for entry in entries) for mode, entries in own.pop("modes").items()
    }
    own |= {
        "first_day": np.datetime64(str(own["first_day"]), "s"),
        "drift": own["drift"] if drift is None else drift,
        "nuisance": Nuisance.read(own["nuisance"]),
        "duration_range": tuple(every["duration_range"]),
    }
    noise = Noise(every["dwell_log_deviation"], every["jitter_seconds"])
    return City(**own, components=modes, noise=noise, duration_log_deviation=every["duration_log_deviation"])


def read_layout(name: str) -> Mapping[str, Any]:
    """What cities.yaml says of a layout: the people who carry the phones, and how labels come about."""
    return _read()["layouts"][name]


@dataclass(frozen=True)
class Truth:
    """What is known of one trip leg, as it stands in the two files of the truth.

    Attributes:
        unit: name that the reader gives it; "" for a leg without a label.
        mode: class number of the label.
        moved_as: class number of the mode whose speeds it has; differs from `mode` in a relabelled city alone.
        component: kind of movement.
        traveller: user, or phone.
        started: seconds since 1970-01-01.
        cruise_km_h: drawn cruise speed.
        length_m, duration_s: of the leg.
        standing_share: of its seconds.
        moving_median_km_h: median of the noise-free speed while it moves.
        sampling: of the phone.
        gap_s, tunnel_s: seconds without fixes, 0 for none.
    """

    unit: str
    mode: int
    moved_as: int
    component: str
    traveller: str
    started: float
    cruise_km_h: float
    length_m: float
    duration_s: int
    standing_share: float
    moving_median_km_h: float
    sampling: str
    gap_s: int
    tunnel_s: int


def truth_of(
    ride: Ride, unit: str, mode: str, traveller: str, started: float, sampling: Sampling, *, gap_s: int, tunnel_s: int
) -> Truth:
    """The truth of one ride under the label `mode`."""
    component = ride.route.component
    return Truth(
        unit=unit,
        mode=CLASSES.index(mode),
        moved_as=CLASSES.index(component.mode),
        component=component.name,
        traveller=traveller,
        started=started,
        cruise_km_h=round(ride.cruise, 4),
        length_m=round(ride.route.length, 2),
        duration_s=len(ride.speed),
        standing_share=round(float(1 - ride.moving.mean()), 4),
        moving_median_km_h=round(float(KM_H * np.median(ride.speed[ride.moving])), 4),
        sampling=sampling.name,
        gap_s=gap_s,
        tunnel_s=tunnel_s,
    )


def write_truth(folder: Path, rows: Iterable[Truth]) -> None:
    """Write `truth.csv` (unit, mode) of the labelled legs and `truth_parameters.csv` of all, sorted by unit."""
    ordered = sorted(rows, key=lambda row: (row.unit, row.traveller, row.started))
    names = [field.name for field in fields(Truth)]
    labelled = [[row.unit, row.mode] for row in ordered if row.unit]
    _write_table(folder / "truth.csv", ["unit", "mode"], labelled)
    _write_table(folder / "truth_parameters.csv", names, [[getattr(row, name) for name in names] for row in ordered])


def _write_table(path: Path, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
