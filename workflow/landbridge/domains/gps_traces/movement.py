"""How the travellers of the synthetic cities move: pure functions from a route to speeds and positions at 1 s.

Between two stops a vehicle accelerates to its cruise speed, keeps it and brakes; where a link is too short for that, it
brakes as soon as it must. Noise of speed is an Ornstein-Uhlenbeck process. A route is fixed: its length, its stops and
its turns are the same on every ride, the cruise speed, the noise and the dwell times are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.domains.gps_traces.fixes import EARTH_RADIUS

KM_H = 3.6  # km/h in 1 m/s
CRUISE_LIMIT = 2.0  # standard deviations; clipped on both sides alike, which keeps the mean and every speed above 0
SHORTEST_LINK = 1.0  # m
CURVES = 3  # waves of which a smooth route is the sum
CURVE_HEIGHT = 0.5  # rad, of each wave


@dataclass(frozen=True)
class Component:
    """One kind of movement of one mode: a bus, an express bus; units as in cities.yaml."""

    mode: str
    name: str
    share: float
    cruise: tuple[float, float]
    acceleration: float
    braking: float
    spacing: float
    dwell: float
    jitter: float
    heading: str
    turning: float
    published: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, mode: str, entry: Mapping[str, Any]) -> Component:
        """A component of `mode` from its entry in cities.yaml."""
        own = {key: value for key, value in entry.items() if key not in ("cruise", "geolife", "mobilitynet")}
        published = {layout: tuple(entry[layout]) for layout in ("geolife", "mobilitynet")}
        return cls(mode=mode, cruise=(entry["cruise"][0], entry["cruise"][1]), published=published, **own)


@dataclass(frozen=True)
class Noise:
    """What rides vary by: log standard deviation of dwell times, time constant of the noise of speed (s)."""

    dwell_log_deviation: float
    jitter_seconds: float


@dataclass(frozen=True)
class Route:
    """A way that is ridden once or often.

    Attributes:
        component: how it is ridden.
        length: m.
        gaps: (stop,) distances between stops in units of the component's spacing.
        base: heading at its start, rad, clockwise from north.
        turns: grid: (turn,) distances of the turns, m. Smooth: (wave, 3) height rad, length m, phase rad.
    """

    component: Component
    length: float
    gaps: np.ndarray
    base: float
    turns: np.ndarray


@dataclass(frozen=True)
class Ride:
    """One ride on a route, at 1 s.

    Attributes:
        cruise: drawn cruise speed, km/h.
        speed: (step,) m/s, noise of movement included, noise of measurement not.
        heading: (step,) rad, clockwise from north.
        moving: (step,) bool, false while it stands at a stop.
    """

    route: Route
    cruise: float
    speed: np.ndarray
    heading: np.ndarray
    moving: np.ndarray


def draw_cruise(component: Component, count: int, random: np.random.Generator) -> np.ndarray:
    """(count,) cruise speeds, km/h."""
    mean, deviation = component.cruise
    return mean + deviation * np.clip(random.normal(size=count), -CRUISE_LIMIT, CRUISE_LIMIT)


def mean_speed(component: Component) -> float:
    """Mean speed with stops, m/s, of a ride at the mean cruise speed whose stops stand at their mean distance."""
    cruise = component.cruise[0] / KM_H
    lost = cruise / 2 * (1 / component.acceleration + 1 / component.braking) + component.dwell
    return component.spacing / (component.spacing / cruise + lost)


def draw_route(component: Component, seconds: float, random: np.random.Generator) -> Route:
    """A route that takes about `seconds` to ride."""
    length = mean_speed(component) * seconds
    gaps = random.exponential(size=20 + int(3 * length / component.spacing))
    quarter = np.pi / 2
    if component.heading == "grid":
        steps = random.exponential(component.turning, 20 + int(3 * length / component.turning))
        return Route(component, length, gaps, float(quarter * random.integers(4)), np.cumsum(steps))
    height = CURVE_HEIGHT * random.normal(size=CURVES)
    waves = component.turning * random.uniform(1, 4, CURVES)
    turns = np.column_stack([height, waves, random.uniform(0, 2 * np.pi, CURVES)])
    return Route(component, length, gaps, float(random.uniform(0, 2 * np.pi)), turns)


def heading(route: Route, distance: np.ndarray) -> np.ndarray:
    """Heading (rad, clockwise from north) at `distance` (m) along a route, of the same shape.

    On a grid, turns to the right and to the left take turns, so that a route leads somewhere.
    """
    if route.component.heading == "grid":
        return route.base + np.pi / 2 * (np.searchsorted(route.turns, distance, side="right") % 2)
    height, length, phase = route.turns.T  # each (wave,)
    return route.base + (height * np.sin(2 * np.pi * distance[..., None] / length + phase)).sum(axis=-1)


def links(route: Route, spacing_factor: float) -> np.ndarray:
    """(link,) distances between the stops of a route, m, its two ends among them; their sum is its length."""
    stops = np.cumsum(route.gaps) * route.component.spacing * spacing_factor
    inside = stops[(stops > SHORTEST_LINK) & (stops < route.length - SHORTEST_LINK)]
    return np.diff(np.concatenate([[0.0], inside, [route.length]]))


def ornstein_uhlenbeck(steps: int, deviation: float, time_constant: float, random: np.random.Generator) -> np.ndarray:
    """(steps,) a stationary Ornstein-Uhlenbeck process at 1 s, exact at its steps.

    Args:
        steps: how many.
        deviation: standard deviation.
        time_constant: s, after which the correlation is 1/e.
        random: where draws come from.
    """
    memory = np.exp(-1 / time_constant)
    values = random.normal(size=steps)
    values[1:] *= np.sqrt(1 - memory**2)
    reach = 1
    # After each pass a value holds the innovations of twice as many steps.
    while reach < steps and memory**reach > 1e-12:
        values = np.concatenate([values[:reach], values[reach:] + memory**reach * values[:-reach]])
        reach *= 2
    return deviation * values


def speed_profile(
    lengths: np.ndarray, cruise: float, acceleration: float, braking: float, dwell: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Speed from stop to stop, without noise, at the middle of each second.

    Args:
        lengths: (link,) m.
        cruise: m/s.
        acceleration, braking: m s-2, both positive.
        dwell: (link,) s, stood at the end of each link.

    Returns:
        speed (step,) m/s and moving (step,) bool.
    """
    lengths = np.maximum(lengths, SHORTEST_LINK)
    pull = 1 / acceleration + 1 / braking
    peak = np.minimum(cruise, np.sqrt(2 * lengths / pull))
    steady = np.maximum(lengths / peak - peak / 2 * pull, 0)
    still = np.zeros_like(peak)
    ends = np.cumsum(np.column_stack([peak / acceleration, steady, peak / braking, dwell]).ravel())  # (4 link,)
    knots = np.concatenate([[0.0], np.column_stack([peak, peak, still, still]).ravel()])  # (4 link + 1,)
    middle = np.arange(int(np.ceil(ends[-1]))) + 0.5
    phase = np.searchsorted(ends, middle, side="right")
    moving = (phase % 4 != 3) & (middle < ends[-1])
    return np.where(moving, np.interp(middle, np.concatenate([[0.0], ends]), knots), 0.0), moving


def ride(
    route: Route, cruise: float, noise: Noise, random: np.random.Generator, *, spacing_factor: float = 1.0
) -> Ride:
    """Ride a route once. Distances are exact: the speeds, noise included, sum to the route's length.

    Args:
        route: where.
        cruise: km/h.
        noise: of speed and dwell times.
        random: where draws come from.
        spacing_factor: by which stops stand further apart than when the route was laid.
    """
    component = route.component
    distances = links(route, spacing_factor)
    dwell = component.dwell * np.exp(noise.dwell_log_deviation * random.normal(size=len(distances)))
    dwell[-1] = 0  # a ride ends where it arrives
    speed, moving = speed_profile(distances, cruise / KM_H, component.acceleration, component.braking, dwell)
    jitter = ornstein_uhlenbeck(len(speed), component.jitter / KM_H, noise.jitter_seconds, random)
    speed = np.where(moving, np.maximum(speed + jitter, 0), 0)
    # Noise that is cut at 0 would carry a ride beyond its end.
    speed *= route.length / speed.sum()
    return Ride(route, cruise, speed, heading(route, np.cumsum(speed) - speed), moving)


def positions(
    latitude: float, longitude: float, speed: np.ndarray, headings: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude (degrees), each (step + 1,), of a traveller who starts at the given place.

    Args:
        latitude, longitude: of the start, degrees.
        speed: (step,) m/s over 1 s.
        headings: (step,) rad, clockwise from north.
    """
    north = np.concatenate([[0.0], np.cumsum(speed * np.cos(headings))])
    latitudes = latitude + np.degrees(north / EARTH_RADIUS)
    middle = np.radians((latitudes[1:] + latitudes[:-1]) / 2)
    east = np.cumsum(speed * np.sin(headings) / np.cos(middle))
    return latitudes, longitude + np.degrees(np.concatenate([[0.0], east]) / EARTH_RADIUS)
