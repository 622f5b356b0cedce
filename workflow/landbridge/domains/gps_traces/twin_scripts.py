"""The scripted trips of the twin in MobilityNet's layout: specs, their trips and legs, and the files that plan them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.domains.gps_traces.cities import City
from landbridge.domains.gps_traces.movement import Component, Route, draw_route, heading, positions
from landbridge.domains.gps_traces.nuisance import apportion, move

PLANS = "spec_creation/final_sfbayarea_filled_reroutes"
ROLES = ("accuracy_control", "evaluation_0", "evaluation_1", "power_control")  # of a platform's phones 1 to 4
RIDDEN_AFTER_A_WAIT = ("bus", "train")
STATION_METRES = 30  # half the side of a start or an end on the plan
PLAN_STEP = 10.0  # m, of routes on the plan


@dataclass(frozen=True)
class Leg:
    """One leg of a scripted trip.

    Attributes:
        name: its id, which is the `trip_id` of its sections.
        type: TRAVEL, ACCESS, TRANSFER or WAITING.
        word: its mode as the plan has it: WALKING, BUS, STOPPED, ...
        mode: the class, or "" where it is none of the five.
        route: how it is ridden, or None for a wait.
        wait: s, of a wait.
    """

    name: str
    type: str
    word: str
    mode: str
    route: Route | None
    wait: int = 0


@dataclass(frozen=True)
class Script:
    """A trip of a spec; its legs follow each other without a pause."""

    spec: str
    name: str
    latitude: float
    longitude: float
    legs: tuple[Leg, ...]


def plan_scripts(city: City, layout: Mapping[str, Any], minutes: float, random: np.random.Generator) -> list[Script]:
    """The trips of all specs, the specs by turns.

    A trip begins and ends on foot; further walks are transfers. Vehicles have their shares over all trips. There is a
    wait before every bus and train, and one leg on an electric scooter in all, which is none of the five modes.
    """
    count = len(layout["specs"]) * layout["trips_per_spec"]
    walks = max(2, round(layout["legs_per_trip"] * city.mode_mix["walk"]))
    vehicles = layout["legs_per_trip"] - walks
    mix = {mode: share for mode, share in city.mode_mix.items() if mode != "walk"}
    components = city.draw_components(apportion(mix, count * vehicles, random), random)
    numbers: Counter[str] = Counter()
    scripts = []
    for number in range(count):
        legs: list[Leg] = []
        own = components[number * vehicles : (number + 1) * vehicles]
        _walk(legs, "walk_start", "ACCESS", city, minutes, random)
        if number == 0:
            bike = city.components["bike"][0]
            route = draw_route(bike, city.draw_seconds(minutes, random), random)
            legs.append(Leg("e_scooter_1", "TRAVEL", "ESCOOTER", "", route))
        transfers = set(np.linspace(0, vehicles, walks)[1:-1].round().astype(int).tolist())
        previous = ""
        for place, component in enumerate(own):
            numbers[component.name] += 1
            words = component.published["mobilitynet"]
            name = f"{component.name}_{numbers[component.name]}"
            if place in transfers:
                _walk(legs, f"tt_{previous}_{name}", "TRANSFER", city, minutes, random)
            if component.mode in RIDDEN_AFTER_A_WAIT:
                wait = int(random.integers(layout["wait_seconds"][0], layout["wait_seconds"][1] + 1))
                legs.append(Leg(f"wait_for_{name}", "WAITING", "STOPPED", "", None, wait))
            route = draw_route(component, city.draw_seconds(minutes, random), random)
            word = words[numbers[component.name] % len(words)]
            legs.append(Leg(name, "TRAVEL", word, component.mode, route))
            previous = name
        _walk(legs, "walk_end", "ACCESS", city, minutes, random)
        north, east = 3000 * random.normal(size=2)
        latitude, longitude = move(
            np.array([city.latitude]), np.array([city.longitude]), np.array([north]), np.array([east])
        )
        spec = layout["specs"][number % len(layout["specs"])]
        scripts.append(Script(spec, f"trip_{number + 1}", float(latitude[0]), float(longitude[0]), tuple(legs)))
    return scripts


def _walk(legs: list[Leg], name: str, kind: str, city: City, minutes: float, random: np.random.Generator) -> None:
    """Add a leg on foot."""
    component: Component = city.components["walk"][0]
    route = draw_route(component, city.draw_seconds(minutes, random), random)
    legs.append(Leg(name, kind, component.published["mobilitynet"][0], "walk", route))


def write_plans(
    folder: Path, scripts: Sequence[Script], phones: Mapping[str, Sequence[str]], zone: str, start: int, end: int
) -> None:
    """Write `<spec>.filled.reroute.json` of each spec.

    Args:
        folder: root of the raw files.
        scripts: trips of all specs.
        phones: names by platform.
        zone: name of the time zone.
        start, end: of the plan, s since 1970-01-01.
    """
    place = folder / PLANS
    place.mkdir(parents=True)
    valid = {"valid_start_ts": start, "valid_end_ts": end}
    for spec in sorted({script.spec for script in scripts}):
        trips = []
        for script in scripts:
            if script.spec == spec:
                trips.append({"id": script.name, "name": f"Synthetic {script.name}", "legs": _legs(script, valid)})
        plan = {
            "fmt_version": 1,
            "id": spec,
            "name": f"Synthetic trips of {spec}",
            "region": {"name": "Synthetic city", "timezone": zone},
            "start_fmt_date": str(np.datetime64(start, "s").astype("datetime64[D]")),
            "end_fmt_date": str(np.datetime64(end, "s").astype("datetime64[D]")),
            "phones": {
                platform: {name: ROLES[number % len(ROLES)] for number, name in enumerate(names)}
                for platform, names in phones.items()
            },
            "calibration_tests": [],
            "sensing_settings": [],
            "evaluation_trips": trips,
            "setup_notes": {},
            "start_ts": start,
            "end_ts": end,
        }
        (place / f"{spec}.filled.reroute.json").write_text(json.dumps(plan, separators=(",", ":")) + "\n")


def _legs(script: Script, valid: Mapping[str, int]) -> list[dict[str, Any]]:
    """The legs of a trip as a plan has them; where a leg ends the next one begins."""
    latitude, longitude = script.latitude, script.longitude
    found = []
    for leg in script.legs:
        entry: dict[str, Any] = {"id": leg.name, "type": leg.type, "mode": leg.word, "name": f"Synthetic {leg.name}"}
        here = _station(latitude, longitude, valid)
        if leg.route is not None:
            steps = np.full(int(leg.route.length // PLAN_STEP), PLAN_STEP)
            way = positions(latitude, longitude, steps, heading(leg.route, np.cumsum(steps) - PLAN_STEP))
            latitude, longitude = float(way[0][-1]), float(way[1][-1])
        if leg.type == "TRAVEL":
            every = max(1, len(steps) // 50)
            line = [[round(x, 5), round(y, 5)] for y, x in zip(way[0][::every], way[1][::every], strict=True)]
            shape = {"type": "LineString", "coordinates": line}
            entry["start_loc"], entry["end_loc"] = [here], [_station(latitude, longitude, valid)]
            entry["route_coords"] = [{"type": "Feature", "properties": dict(valid), "geometry": shape}]
        else:
            entry["loc"] = [here]
        found.append(entry)
    return found


def _station(latitude: float, longitude: float, valid: Mapping[str, int]) -> dict[str, Any]:
    """A square about a place."""
    corners = STATION_METRES * np.array([[-1, -1], [-1, 1], [1, 1], [1, -1], [-1, -1]])
    north, east = move(np.full(5, latitude), np.full(5, longitude), corners[:, 0], corners[:, 1])
    ring = [[round(x, 6), round(y, 6)] for y, x in zip(north.tolist(), east.tolist(), strict=True)]
    shape = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": dict(valid), "geometry": shape}
