"""Journeys of users who ride their own routes again and again: when, what befalls them, and what the phone saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.domains.gps_traces.cities import City
from landbridge.domains.gps_traces.movement import Ride, Route, draw_cruise, draw_route, positions, ride
from landbridge.domains.gps_traces.nuisance import (
    Fixes,
    Sampling,
    Track,
    apportion,
    apportion_sampling,
    chosen,
    gap,
    move,
    observe,
    sample,
)

SECONDS_OF_A_DAY = 86400
MOST_LEGS = 3  # of a journey that is no own route
OUT, BACK, ANY = (8, 1), (18, 1), (14, 3)  # local hour of a start, mean and standard deviation


@dataclass
class Trip:
    """One leg of a journey: its route, the mode of its label, and what befalls it."""

    route: Route
    label: str
    labelled: bool = True
    has_gap: bool = False
    has_tunnel: bool = False


@dataclass
class Journey:
    """Trips without a pause between them, recorded in one file; `start` is GMT."""

    user: int
    start: np.datetime64
    latitude: float
    longitude: float
    trips: list[Trip]
    sampling: Sampling
    crlf: bool = False


@dataclass
class Recording:
    """A journey as it was ridden and written down.

    Attributes:
        rides: of its trips.
        borders: (trip + 1,) where trips begin and end, seconds since the start of the journey.
        fixes: what stands in its file.
        gaps, tunnels: seconds that each trip lost in a gap and in a tunnel.
    """

    rides: list[Ride]
    borders: np.ndarray
    fixes: Fixes
    gaps: list[int]
    tunnels: list[int]


def plan_journeys(
    city: City,
    layout: Mapping[str, Any],
    users: int,
    trips_per_user: int,
    minutes: float,
    random: np.random.Generator,
) -> list[Journey]:
    """The journeys of all users, each user's in order of time, evenly over the years.

    Own routes are ridden in pairs: the first and the second in the morning, the third and the fourth in the evening.
    Modes have their shares among own routes and among the other trips.
    """
    own = round(layout["own_route_share"] * trips_per_user)
    modes = apportion(city.mode_mix, users * layout["own_routes"], random)
    modes += apportion(city.mode_mix, users * (trips_per_user - own), random)
    routes = iter(
        [
            draw_route(component, city.draw_seconds(minutes, random), random)
            for component in city.draw_components(modes, random)
        ]
    )
    routes_of = [[next(routes) for _ in range(layout["own_routes"])] for _ in range(users)]
    spread = 1000 * layout["home_kilometres"]
    journeys = []
    for user in range(users):
        places = spread * random.normal(size=(2, 2))  # (home and work, north and east)
        latitudes, longitudes = move(np.full(2, city.latitude), np.full(2, city.longitude), places[:, 0], places[:, 1])
        pairs = [routes_of[user][first : first + 2] for first in range(0, layout["own_routes"], 2)]
        kinds: list[tuple[list[Route], tuple[int, int], int]] = []
        left = own
        while left:
            turn = len(kinds) % len(pairs)
            ridden = pairs[turn][:left]
            kinds.append((ridden, BACK if turn % 2 else OUT, turn % 2))
            left -= len(ridden)
        left = trips_per_user - own
        while left:
            ridden = [next(routes) for _ in range(min(left, int(random.integers(1, MOST_LEGS + 1))))]
            kinds.append((ridden, ANY, 0))
            left -= len(ridden)
        step = city.years * 365 / len(kinds)
        for place, index in enumerate(random.permutation(len(kinds))):
            ridden, (hour, deviation), place_number = kinds[index]
            day = int(step * (place + random.uniform(0, 0.5)))
            local = hour + deviation * float(np.clip(random.normal(), -2, 2))
            seconds = SECONDS_OF_A_DAY * day + int(3600 * (local - city.utc_offset_hours))
            journeys.append(
                Journey(
                    user,
                    city.first_day + np.timedelta64(seconds, "s"),
                    float(latitudes[place_number]),
                    float(longitudes[place_number]),
                    [Trip(route, route.component.mode) for route in ridden],
                    city.nuisance.sampling[0],
                )
            )
    return journeys


def draw_nuisance(
    journeys: Sequence[Journey], city: City, layout: Mapping[str, Any], relabel: bool, random: np.random.Generator
) -> None:
    """Settle what befalls which trip and journey, each in its share of the whole."""
    trips = [trip for journey in journeys for trip in journey.trips]
    trains = [trip for trip in trips if trip.route.component.mode == "train"]
    for trip, unlabelled in zip(trips, chosen(layout["unlabelled_share"], len(trips), random), strict=True):
        trip.labelled = not unlabelled
    for trip, has_gap in zip(trips, chosen(city.nuisance.gap_share, len(trips), random), strict=True):
        trip.has_gap = bool(has_gap)
    for trip, has_tunnel in zip(trains, chosen(city.nuisance.tunnel_share, len(trains), random), strict=True):
        trip.has_tunnel = bool(has_tunnel)
    if relabel:
        for trip, mode in zip(trips, apportion(city.mode_mix, len(trips), random), strict=True):
            trip.label = mode
    samplings = apportion_sampling(city.nuisance.sampling, "", len(journeys), random)
    crlf = chosen(layout["crlf_share"], len(journeys), random)
    for journey, sampling, ends in zip(journeys, samplings, crlf, strict=True):
        journey.sampling, journey.crlf = sampling, bool(ends)


def record(journey: Journey, city: City, factor: float, random: np.random.Generator) -> Recording:
    """Ride a journey, and write down what the phone saw; `factor` is the user's speed over that of others."""
    rides = []
    for trip in journey.trips:
        component = trip.route.component
        cruise = factor * float(draw_cruise(component, 1, random)[0])
        spacing = city.spacing_factor(component, journey.start)
        rides.append(ride(trip.route, cruise, city.noise, random, spacing_factor=spacing))
    borders = np.cumsum([0, *(len(part.speed) for part in rides)])
    speed = np.concatenate([part.speed for part in rides])
    headings = np.concatenate([part.heading for part in rides])
    track = Track(*positions(journey.latitude, journey.longitude, speed, headings), speed)
    lost: dict[str, list[tuple[int, int]]] = {"gap": [], "tunnel": []}
    for trip, start, stop in zip(journey.trips, borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        nothing = (start, start)
        seconds = city.nuisance.gap_seconds
        lost["gap"].append(gap(start, stop, seconds, random) if trip.has_gap else nothing)
        seconds = city.nuisance.tunnel_seconds
        lost["tunnel"].append(gap(start, stop, seconds, random) if trip.has_tunnel else nothing)
    times = sample(journey.sampling, track, random, whole=True)
    tunnels = [stretch for stretch in lost["tunnel"] if stretch[1] > stretch[0]]
    fixes = observe(track, times, city.nuisance, random, gaps=lost["gap"], tunnels=tunnels)
    gaps, tunnel_seconds = ([last - first for first, last in lost[kind]] for kind in ("gap", "tunnel"))
    return Recording(rides, borders, fixes, gaps, tunnel_seconds)
