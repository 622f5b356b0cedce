"""Ground truth of MobilityNet: scripted plans, and the transitions of the one phone that records trips and sections."""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landbridge.stage import StageError

log = logging.getLogger(__name__)

CODES = (
    *("START_CALIBRATION_PERIOD", "STOP_CALIBRATION_PERIOD", "START_EVALUATION_PERIOD", "STOP_EVALUATION_PERIOD"),
    *("START_EVALUATION_TRIP", "STOP_EVALUATION_TRIP", "START_EVALUATION_SECTION", "STOP_EVALUATION_SECTION"),
)  # by number, which some files have in place of the text
FILLED, WRITTEN = "final_sfbayarea_filled_reroutes", "final_sfbayarea"  # folders of plans below spec_creation/
# Order of messages of one time: what ends comes before what begins, what is inside before what is around it.
ORDER = ("STOP_EVALUATION_SECTION", "STOP_EVALUATION_TRIP", "START_EVALUATION_TRIP", "START_EVALUATION_SECTION")
LEG_TYPES = ("TRAVEL", "ACCESS", "TRANSFER", "WAITING")


@dataclass(frozen=True)
class Message:
    """A transition: `time` in ms since 1970, `what` one of `CODES`, `name` of the trip, the section or the setting."""

    time: int
    what: str
    name: str
    spec: str


@dataclass(frozen=True)
class Plan:
    """A spec: by trip and leg the type and the mode, the region's name and its time zone ("" where unknown)."""

    path: Path
    legs: Mapping[tuple[str, str], tuple[str, str]]
    region: str
    time_zone: str


@dataclass(frozen=True)
class Section:
    """One leg as it was travelled; `start` is inside, `stop` outside, ms since 1970.

    Attributes:
        run: number of the repeat of its trip, from 1.
        number: of the section in its run, from 1.
        kind, mode: of the leg, by the plan.
    """

    spec: str
    trip: str
    run: int
    number: int
    leg: str
    kind: str
    mode: str
    start: int
    stop: int


def records(path: Path) -> list[dict[str, Any]]:
    """The records of a file.

    Raises:
        StageError: not JSON, or no list of records.
    """
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise StageError(f"{path}: is no whole JSON file ({error}); fetch it again") from error
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise StageError(f"{path}: holds no list of records; each is {{metadata: ..., data: ...}}")
    return found


def value(record: Mapping[str, Any], keys: Sequence[str], path: Path, number: int) -> Any:
    """What stands under nested keys of a record.

    Raises:
        StageError: it is not there; the text names file, record (from 1) and key.
    """
    found: Any = record
    for key in keys:
        if not isinstance(found, Mapping) or found.get(key) is None:
            raise StageError(f"{path}, record {number}: no key {'.'.join(keys)}; the record can't be used without it")
        found = found[key]
    return found


def number_of(record: Mapping[str, Any], keys: Sequence[str], path: Path, number: int) -> float:
    """The same, which must be a number."""
    found = value(record, keys, path, number)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise StageError(f"{path}, record {number}: {'.'.join(keys)} is {found!r}; a number is wanted")
    return float(found)


def messages(paths: Iterable[Path], counts: Counter[str]) -> list[Message]:
    """The transitions of some files, each once, in the order of time; calibration is left out.

    Raises:
        StageError: a broken file or record, or a transition that is not known.
    """
    found: dict[Message, None] = {}
    for path in paths:
        for number, record in enumerate(records(path), start=1):
            what = value(record, ("data", "transition"), path, number)
            if isinstance(what, int) and 0 <= what < len(CODES):
                what = CODES[what]
            if what not in CODES:
                listed = ", ".join(CODES)
                raise StageError(f"{path}, record {number}: transition {what!r} is not known; known are {listed}")
            name, spec = (str(value(record, ("data", key), path, number)) for key in ("trip_id", "spec_id"))
            time = round(1000 * number_of(record, ("data", "ts"), path, number))
            counts["messages"] += 1
            message = Message(time, what, name, spec)
            counts["dropped: repeated message"] += message in found
            found[message] = None
    kept = [message for message in found if "CALIBRATION" not in message.what]
    return sorted(kept, key=lambda message: (message.time, _rank(message.what), message.name, message.spec))


def _rank(what: str) -> int:
    return ORDER.index(what) if what in ORDER else len(ORDER)


def read_plan(folder: Path, spec: str) -> Plan:
    """The plan of a spec: the one with walks and waits filled in, else the one written by hand.

    Raises:
        StageError: there is none, or it is broken.
    """
    candidates = [folder / FILLED / f"{spec}.filled.reroute.json", folder / WRITTEN / f"{spec}.json"]
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        raise StageError(f"{candidates[0]}: not there; it gives the modes of spec {spec}")
    try:
        plan = json.loads(path.read_bytes())
        legs = {}
        for trip in plan["evaluation_trips"]:
            for leg in trip.get("legs") or [{**trip, "type": "TRAVEL"}]:  # trips of one mode may stand without legs
                legs[trip["id"], leg["id"]] = (leg.get("type", "TRAVEL"), leg["mode"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StageError(
            f"{path}: is no plan ({error!r}); it needs evaluation_trips with id and legs, and legs with id and mode"
        ) from error
    region = plan.get("region") or {}
    return Plan(path, legs, region.get("name", ""), region.get("timezone", ""))


def leg_of(plan: Plan, trip: str, leg: str) -> tuple[str, str] | None:
    """Type and mode of a leg; walks and waits that only filled plans list are known by their names."""
    if (trip, leg) in plan.legs:
        return plan.legs[trip, leg]
    if leg in ("walk_start", "walk_end"):
        return "ACCESS", "WALKING"
    if leg.startswith("tt_"):
        return "TRANSFER", "WALKING"
    return ("WAITING", "STOPPED") if leg.startswith("wait_for_") else None


def sections(found: Sequence[Message], plans: Mapping[str, Plan], counts: Counter[str]) -> list[Section]:
    """The sections of all runs, in the order of time.

    A section that starts is ended by the next stop of its name, and belongs to the trip that is open when it starts;
    trips are numbered by name as they start. What has no partner, and sections outside trips or of legs that no plan
    lists, are counted and left out. Only messages whose spec is that of a plan, letter by letter, count: trials and
    repeats have endings such as _pilot.

    Args:
        found: messages of one phone, sorted.
        plans: by spec.
    """
    done = []
    for spec, plan in sorted(plans.items()):
        runs: Counter[str] = Counter()
        trip, number = "", 0
        open_sections: dict[str, tuple[int, str, int, int]] = {}  # by leg: start, trip, run, number
        for message in found:
            name = message.name
            if message.spec != spec:
                continue
            if message.what == "START_EVALUATION_TRIP":
                counts["dropped: trip without an end"] += bool(trip)
                runs[name] += 1
                trip, number = name, 0
            elif message.what == "STOP_EVALUATION_TRIP":
                counts["dropped: end of a trip that did not start"] += name != trip
                trip = "" if name == trip else trip
            elif message.what == "START_EVALUATION_SECTION" and not trip:
                counts["dropped: section outside a trip"] += 1
            elif message.what == "START_EVALUATION_SECTION":
                counts["dropped: section without an end"] += name in open_sections
                number += 1
                open_sections[name] = (message.time, trip, runs[trip], number)
            elif message.what == "STOP_EVALUATION_SECTION":
                if name not in open_sections:
                    counts["dropped: end of a section that did not start"] += 1
                    continue
                start, of_trip, run, place = open_sections.pop(name)
                leg = leg_of(plan, of_trip, name)
                if leg is None:
                    counts["dropped: section that no plan lists"] += 1
                    log.warning("%s: no leg %s in trip %s; its section is left out", plan.path, name, of_trip)
                    continue
                done.append(Section(spec, of_trip, run, place, name, *leg, start, message.time))
        counts["dropped: section without an end"] += len(open_sections)
        counts["dropped: trip without an end"] += bool(trip)
        counts["runs"] += sum(runs.values())
    counts["sections"] += len(done)
    return sorted(done, key=lambda section: (section.start, section.spec, section.trip, section.number))
