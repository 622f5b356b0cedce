"""Rides of the scripted trips: one true track for a run, whatever the number of phones on board."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.domains.gps_traces.cities import City
from landbridge.domains.gps_traces.movement import Ride, Route, draw_cruise, draw_route, positions, ride
from landbridge.domains.gps_traces.nuisance import Track, apportion, chosen, gap
from landbridge.domains.gps_traces.twin_scripts import Script

START_HOUR = (8, 10)  # local, of a run


@dataclass(frozen=True)
class Run:
    """One ride of a script.

    Attributes:
        script: which.
        number: of its repeats, from 1.
        start: of the track, s since 1970-01-01.
        borders: (leg + 1,) seconds after `start` at which legs begin and end.
        rides: of its legs, None for a wait.
        track: true positions, with the idle time before and after.
        tunnels: of its legs, first and last second after `start`; the same second twice for none.
    """

    script: Script
    number: int
    start: float
    borders: np.ndarray
    rides: tuple[Ride | None, ...]
    track: Track
    tunnels: tuple[tuple[int, int], ...]

    def border(self, leg: int) -> float:
        """When a leg begins, s since 1970-01-01; the end of the trip for the number after the last leg."""
        return round(self.start + float(self.borders[leg]), 3)


def ride_scripts(
    city: City,
    layout: Mapping[str, Any],
    scripts: Sequence[Script],
    runs: int,
    minutes: float,
    relabel: bool,
    random: np.random.Generator,
) -> list[Run]:
    """The runs, some days apart, scripts by turns; with `relabel` legs are ridden by modes drawn anew on each run."""
    turns = [scripts[number % len(scripts)] for number in range(runs)]
    ridden = [[leg.route for leg in script.legs] for script in turns]
    if relabel:
        labelled = sum(bool(leg.mode) for script in turns for leg in script.legs)
        drawn = iter(city.draw_components(apportion(city.mode_mix, labelled, random), random))
        for script, routes in zip(turns, ridden, strict=True):
            for place, leg in enumerate(script.legs):
                if leg.mode:
                    routes[place] = draw_route(next(drawn), city.draw_seconds(minutes, random), random)
    numbers: Counter[str] = Counter()
    found = []
    trains = [route for routes in ridden for route in routes if route and route.component.mode == "train"]
    tunnels = iter(chosen(city.nuisance.tunnel_share, len(trains), random).tolist())
    for number, (script, routes) in enumerate(zip(turns, ridden, strict=True)):
        numbers[script.name] += 1
        hours = random.uniform(*START_HOUR) - city.utc_offset_hours
        midnight = city.first_day.astype(int) + 86400 * layout["days_between_runs"] * number
        start = round(float(midnight + 3600 * hours), 3)
        found.append(_ride(script, numbers[script.name], start, routes, tunnels, city, layout, random))
    return found


def _ride(
    script: Script,
    number: int,
    start: float,
    routes: Sequence[Route | None],
    tunnels: Iterator[bool],
    city: City,
    layout: Mapping[str, Any],
    random: np.random.Generator,
) -> Run:
    """Ride a script once."""
    day = np.datetime64(int(start), "s")
    rides: list[Ride | None] = []
    for route in routes:
        if route is None:
            rides.append(None)
            continue
        cruise = float(draw_cruise(route.component, 1, random)[0])
        spacing = city.spacing_factor(route.component, day)
        rides.append(ride(route, cruise, city.noise, random, spacing_factor=spacing))
    still = [np.zeros(leg.wait) for leg in script.legs]
    idle = np.zeros(layout["idle_seconds"])
    speeds = [one.speed if one else rest for one, rest in zip(rides, still, strict=True)]
    headings = [one.heading if one else rest for one, rest in zip(rides, still, strict=True)]
    speed, ahead = np.concatenate([idle, *speeds, idle]), np.concatenate([idle, *headings, idle])
    track = Track(*positions(script.latitude, script.longitude, speed, ahead), speed)
    borders = len(idle) + np.cumsum([0, *(len(part) for part in speeds)])
    lost = []
    for one, first, last in zip(rides, borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        is_train = one is not None and one.route.component.mode == "train"
        has_tunnel = is_train and next(tunnels)
        lost.append(gap(first, last, city.nuisance.tunnel_seconds, random) if has_tunnel else (first, first))
    return Run(script, number, start, borders, tuple(rides), track, tuple(lost))
