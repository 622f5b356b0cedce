"""Reader of MobilityNet: phones on scripted trips in the San Francisco Bay Area, with the times of each section.

Shankari, Fuerst, Fadel Argerich, Avramidis, Zhang (2020), MobilityNet; github.com/MobilityNet. Tried on published
files of two phones.
"""

from __future__ import annotations

import zoneinfo
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Unit
from landbridge.domains.gps_traces import fixes
from landbridge.domains.gps_traces.legs import SHARED, Leg, Points, Truth, clean, settings_of_legs, unit_of
from landbridge.domains.gps_traces.modes import E_BIKE, MOBILITYNET, class_of
from landbridge.domains.gps_traces.transitions import (
    LEG_TYPES,
    Message,
    Plan,
    Section,
    messages,
    number_of,
    read_plan,
    records,
    sections,
    value,
)
from landbridge.stage import StageError

SETTINGS = {
    **SHARED,
    "drop_e_bike": False,
    "leg_types": ["TRAVEL", "ACCESS", "TRANSFER"],
    "phones": None,
    "specs": None,
}
LOCATION, TRANSITION = "background~location", "manual~evaluation_transition"


@dataclass(frozen=True)
class Scripted:
    """What holds for all phones: sections in the order of time, their classes (-1: dropped), journeys, and plans."""

    sections: Sequence[Section]
    classes: np.ndarray
    journeys: Sequence[str]
    plans: Mapping[str, Plan]


def read_mobilitynet(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Sections of MobilityNet as each phone saw them, in the order of their names.

    Trips and sections are recorded by one phone alone; their times label the raw fixes (`background/location`) of all
    phones, whose clocks are UTC. A fix belongs to the section whose [start, stop) holds it.

    Args:
        folder: holds `bin/data/` and `spec_creation/`, itself or one folder below.
        settings: `cleaning`: label_free, or paper, which is for reproduction alone (see `legs.clean`); `resample`:
            seconds; `drop_e_bike`: leave e-bikes out instead of counting them as bikes; `leg_types`: of the plans
            (walks are of the first three types); `phones`, `specs`: names, all if None.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a file or record that can't be used; the text names file, record and key.
    """
    own = settings_of_legs(settings, SETTINGS)
    root = next((path for path in (folder, *sorted(folder.glob("*/"))) if (path / "bin" / "data").is_dir()), None)
    if root is None:
        raise StageError(f"{folder}: holds no bin/data/<phone>/<spec>/; put the repository's files into this folder")
    data = root / "bin" / "data"
    phones = _chosen("phones", own["phones"], [path.name for path in sorted(data.iterdir()) if path.is_dir()])
    there = sorted({path.parent.name for path in data.glob(f"*/*/{LOCATION}")})
    specs = _chosen("specs", own["specs"], there)
    plans = {spec: read_plan(root / "spec_creation", spec) for spec in specs}
    scripted = _scripted(data, plans, own, counts)
    truth = Truth(folder)
    for phone in phones:
        yield from _phone(data, phone, scripted, own, truth, counts)


def _chosen(setting: str, wanted: Sequence[str] | None, there: Sequence[str]) -> list[str]:
    if wanted is None:
        return list(there)
    if not isinstance(wanted, list) or not wanted or any(name not in there for name in wanted):
        raise StageError(f"reader_settings: {setting} {wanted}: write a list of {', '.join(there)}")
    return sorted(set(wanted))


def _transition_files(data: Path, phone: str) -> list[Path]:
    return sorted(path for path in (data / phone).glob(f"*/{TRANSITION}/*.json") if not path.name.startswith("._"))


def _scripted(data: Path, plans: Mapping[str, Plan], own: Mapping[str, Any], counts: Counter[str]) -> Scripted:
    """The sections by the transitions of the first phone that records any."""
    if any(kind not in LEG_TYPES for kind in own["leg_types"]):
        raise StageError(f"reader_settings: leg_types {own['leg_types']}; write a list of {', '.join(LEG_TYPES)}")
    found: list[Section] = []
    for phone in sorted(path.name for path in data.iterdir() if path.is_dir()):
        files = _transition_files(data, phone)
        if not any("EVALUATION_SECTION" in message.what for message in messages(files, Counter())):
            continue
        own_messages = messages(files, counts)
        found = sections(own_messages, plans, counts)
        break
    if not found:
        raise StageError(f"{data}: no phone records sections of {', '.join(plans)}; in the origin it is ucb-sdb-ios-1")
    classes = []
    for section in found:
        mode = class_of(section.mode, MOBILITYNET, f"{plans[section.spec].path}, leg {section.leg}")
        counts[f"sections: {section.mode}"] += 1
        if section.mode == E_BIKE and own["drop_e_bike"]:
            mode = None
        if section.kind not in own["leg_types"]:
            counts[f"dropped: section of type {section.kind}"] += 1
            mode = None
        elif mode is None:
            counts[f"dropped: section of mode {section.mode}"] += 1
        classes.append(-1 if mode is None else mode)
    starts, stops = (np.array([getattr(section, end) for section in found], np.int64) for end in ("start", "stop"))
    journeys = [f"journey {number:05d}" for number in fixes.journeys(starts, stops).tolist()]
    return Scripted(found, np.array(classes), journeys, plans)


def _phone(
    data: Path, phone: str, scripted: Scripted, own: Mapping[str, Any], truth: Truth, counts: Counter[str]
) -> Iterator[Unit]:
    """The units of one phone."""
    platform, table = _fixes(data, phone, scripted.plans, counts)
    if not len(table):
        return
    points = _labelled(table, scripted, counts)
    periods = _periods(messages(_transition_files(data, phone), Counter()))
    legs = {}
    for leg in clean(points.where(scripted.classes[points.trip] >= 0), scripted.classes, own, counts):
        section = scripted.sections[leg.trip]
        name = "~".join((phone, section.spec, section.trip, str(section.run), str(section.number)))
        legs[name.replace("/", "~")] = leg
    for name, leg in sorted(legs.items()):
        section = scripted.sections[leg.trip]
        plan = scripted.plans[section.spec]
        about = {
            "run": f"{section.spec}/{section.trip}/{section.run}",
            "route": section.leg,
            "journey": scripted.journeys[leg.trip],
            "phone": phone,
            "platform": platform,
            "setting": _setting(periods, section),
            "region": plan.region,
        }
        mode = int(scripted.classes[leg.trip])
        yield unit_of(name, leg, mode, section.mode, truth, own["cleaning"], _hour(leg, plan), about)


def _fixes(data: Path, phone: str, plans: Mapping[str, Plan], counts: Counter[str]) -> tuple[str, np.ndarray]:
    """Platform, and (fix, 4) ms, latitude, longitude and accuracy (m, NaN if not given), sorted by time.

    A fix stands in the files of several specs if their times overlap; it is taken once.
    """
    rows: dict[tuple[float, float, float], float] = {}
    platforms: set[str] = set()
    for spec in plans:
        for path in sorted((data / phone / spec / LOCATION).glob("*.json")):
            if path.name.startswith("._"):
                counts["hidden files, skipped"] += 1
                continue
            for number, record in enumerate(records(path), start=1):
                platforms.add(str(value(record, ("metadata", "platform"), path, number)))
                keys = (("data", key) for key in ("ts", "latitude", "longitude"))
                time, lat, lon = (number_of(record, key, path, number) for key in keys)
                given = record["data"].get("accuracy") is not None
                accuracy = number_of(record, ("data", "accuracy"), path, number) if given else np.nan
                rows.setdefault((time, lat, lon), accuracy)
                counts["points"] += 1
    if len(platforms) > 1:
        raise StageError(
            f"{data / phone}: its records name the platforms {', '.join(sorted(platforms))}; one is wanted"
        )
    counts["distinct points"] += len(rows)
    table = np.array([(*place, accuracy) for place, accuracy in rows.items()], np.float64).reshape(-1, 4)
    table[:, 0] = np.rint(1000 * table[:, 0])
    counts["points earlier than the one before, sorted"] += int((np.diff(table[:, 0]) < 0).sum())
    return next(iter(platforms), ""), table[np.argsort(table[:, 0], kind="stable")]


def _labelled(table: np.ndarray, scripted: Scripted, counts: Counter[str]) -> Points:
    """The fixes inside sections, sorted by section and time, each time once and none out of range."""
    time = table[:, 0].astype(np.int64)
    starts, stops = (np.array([getattr(part, end) for part in scripted.sections]) for end in ("start", "stop"))
    trip, cover = fixes.first_interval(time, starts, stops - 1)
    inside = trip >= 0
    counts["points in more than one section"] += int((cover > 1).sum())
    counts["dropped: point outside sections"] += int((~inside).sum())
    for number, size in enumerate(np.bincount(trip[inside], minlength=len(starts)).tolist()):
        counts[f"labelled points: {scripted.sections[number].mode}"] += size
    keep = fixes.in_range(table[:, 1], table[:, 2])
    counts["dropped: position out of range"] += int((inside & ~keep).sum())
    keep = np.flatnonzero(inside & keep)
    first = np.ones(len(keep), bool)
    first[1:] = time[keep][1:] != time[keep][:-1]
    counts["dropped: repeated time"] += int((~first).sum())
    keep = keep[first]
    keep = keep[np.argsort(trip[keep], kind="stable")]
    return Points(trip[keep], time[keep], table[keep, 1], table[keep, 2], table[keep, 3])


def _periods(found: Sequence[Message]) -> list[tuple[int, int, str, str]]:
    """Start, stop, spec and setting of the evaluation periods of one phone."""
    done, started = [], {}
    for message in found:
        if message.what == "START_EVALUATION_PERIOD":
            started[message.spec, message.name] = message.time
        elif message.what == "STOP_EVALUATION_PERIOD" and (message.spec, message.name) in started:
            start = started.pop((message.spec, message.name))
            done.append((start, message.time, message.spec, message.name.rsplit(":", 1)[-1]))
    return done


def _setting(periods: Sequence[tuple[int, int, str, str]], section: Section) -> str:
    """Sensing setting of the period that a section starts in; "" where there is none."""
    inside = (
        setting for start, stop, spec, setting in periods if spec == section.spec and start <= section.start < stop
    )
    return next(inside, "")


def _hour(leg: Leg, plan: Plan) -> float:
    """Local hour of the first fix; NaN where the plan names no time zone."""
    if not plan.time_zone:
        return np.nan
    try:
        zone = zoneinfo.ZoneInfo(plan.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise StageError(f"{plan.path}: time zone '{plan.time_zone}' is not known here ({error})") from error
    seconds = float(leg.time[0]) / 1000
    offset = datetime.fromtimestamp(seconds, UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return (seconds + offset.total_seconds()) / 3600 % 24
