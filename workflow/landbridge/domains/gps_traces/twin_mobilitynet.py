"""The twin in MobilityNet's layout: phones that ride the same scripted trips, one of which notes the sections."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.domains.gps_traces.cities import City, Truth, read_layout, truth_of, write_truth
from landbridge.domains.gps_traces.nuisance import Fixes, Sampling, apportion_sampling, chosen, gap, observe, sample
from landbridge.domains.gps_traces.twin_runs import Run, ride_scripts
from landbridge.domains.gps_traces.twin_scripts import plan_scripts, write_plans
from landbridge.prepare.streams import generator

ZONE = "America/Los_Angeles"  # that of every file in this layout
PLATFORMS = ("ios", "android")
PERIOD, TRIP, SECTION = "EVALUATION_PERIOD", "EVALUATION_TRIP", "EVALUATION_SECTION"
CODES = {
    f"{edge}_{kind}": code for code, (kind, edge) in enumerate(product((PERIOD, TRIP, SECTION), ("START", "STOP")), 2)
}
PRESS_SECONDS = 0.1  # between the messages of a trip and of its first section
LONGEST_DELAY = 20.0  # s, until a phone starts to record
SETTINGS = {1: "HAHFDC", 7: "MAHFDC", 30: "HAMFDC"}  # by the longest interval, s: the settings of phones 2 and 3
FIXED_SETTINGS = {1: "ACCURACY_CONTROL", 4: "POWER_CONTROL"}  # by number of the phone


@dataclass(frozen=True)
class Phone:
    """A phone: `number` counts those of its platform from 1."""

    platform: str
    number: int

    @property
    def name(self) -> str:
        """As folders have it."""
        return f"ucb-sdb-{self.platform}-{self.number}"

    @property
    def notes_sections(self) -> bool:
        """Whether it records trips and sections, too; one phone does."""
        return self.platform == "ios" and self.number == 1

    def setting(self, sampling: Sampling) -> str:
        """The `trip_id` of its period messages."""
        role = (self.number - 1) % 4 + 1
        if role in FIXED_SETTINGS:
            return f"fixed:{FIXED_SETTINGS[role]}"
        own = SETTINGS[
            min((limit for limit in SETTINGS if sampling.seconds and limit >= sampling.seconds[1]), default=1)
        ]
        return f"HAHFDC v/s {own}:{own}"


@dataclass(frozen=True)
class Message:
    """One press of a button."""

    ts: float
    transition: str
    trip_id: str
    spec_id: str


def write(
    folder: Path, dataset: str, seed: int, city: City, *, phones: int, runs: int, minutes: float, relabel: bool
) -> None:
    """Write `spec_creation/...`, `bin/data/<phone>/<spec>/...` and the truth; see `twin.write_twin`."""
    layout = read_layout("mobilitynet")
    random = generator("twin mobilitynet", dataset, seed)
    scripts = plan_scripts(city, layout, minutes, random)
    ridden = ride_scripts(city, layout, scripts, runs, minutes, relabel, random)
    own = [Phone(PLATFORMS[number % 2], number // 2 + 1) for number in range(phones)]
    first, last = int(ridden[0].start) - 3 * 86400, int(ridden[-1].start) + 3 * 86400
    names = {platform: [phone.name for phone in own if phone.platform == platform] for platform in PLATFORMS}
    write_plans(folder, scripts, names, ZONE, first, last)
    truth: list[Truth] = []
    sections = [leg for run in ridden for leg in run.script.legs if leg.mode]
    gaps = iter(chosen(city.nuisance.gap_share, len(sections) * phones, random).tolist())
    samplings = {
        platform: iter(apportion_sampling(city.nuisance.sampling, platform, len(names[platform]) * runs, random))
        for platform in PLATFORMS
    }
    for phone in own:
        messages = _pilot(phone, ridden[0], layout)
        for number, run in enumerate(ridden):
            stream = generator("twin mobilitynet phone", dataset, seed, phone.name, number)
            sampling = next(samplings[phone.platform])
            lost = _gaps(run, gaps, city, stream)
            truth += _truth(phone, run, sampling, lost)
            start, stop = _period(run, stream)
            fixes = _observe(phone, run, sampling, lost, city, layout, stream)
            place = folder / "bin" / "data" / phone.name / run.script.spec / "background~location"
            place.mkdir(parents=True, exist_ok=True)
            text = location_records(phone, run, fixes, (start, stop), layout, stream)
            (place / f"{int(start)}_{int(np.ceil(stop))}.json").write_text(text)
            messages += run_messages(phone, run, phone.setting(sampling), start, stop)
        _write_transitions(folder, phone, messages, layout["specs"], f"{first}_{last}.json")
    write_truth(folder, truth)


def _gaps(run: Run, gaps: Iterator[bool], city: City, random: np.random.Generator) -> list[tuple[int, int]]:
    """A phone's own gaps in the legs of a run; the same second twice for none."""
    found = []
    for leg, first, last in zip(run.script.legs, run.borders[:-1].tolist(), run.borders[1:].tolist(), strict=True):
        has_gap = bool(leg.mode) and next(gaps)
        found.append(gap(first, last, city.nuisance.gap_seconds, random) if has_gap else (first, first))
    return found


def _period(run: Run, random: np.random.Generator) -> tuple[float, float]:
    """From when until when a phone records a run, s since 1970-01-01; it begins before the trip and ends after it."""
    early, late = random.uniform(0, LONGEST_DELAY, 2)
    return round(run.start + early, 3), round(run.start + len(run.track.speed) - late, 3)


def _observe(
    phone: Phone,
    run: Run,
    sampling: Sampling,
    lost: Sequence[tuple[int, int]],
    city: City,
    layout: Mapping[str, Any],
    random: np.random.Generator,
) -> Fixes:
    return observe(
        run.track,
        sample(sampling, run.track, random, whole=False),
        city.nuisance,
        random,
        gaps=lost,
        tunnels=[stretch for stretch in run.tunnels if stretch[1] > stretch[0]],
        noise_factor=layout["noise_factor"][phone.platform],
    )


def location_records(
    phone: Phone,
    run: Run,
    fixes: Fixes,
    period: tuple[float, float],
    layout: Mapping[str, Any],
    random: np.random.Generator,
) -> str:
    """The text of a file of `background/location`: the fixes inside the period."""
    times = np.round(run.start + fixes.seconds, 3)
    count = len(times)
    accuracy = layout["accuracy_metres"][phone.platform] * np.exp(0.3 * random.normal(size=count))
    mean, deviation = layout["altitude_metres"]
    altitude = mean + deviation * np.sin(fixes.seconds / 100 + random.uniform(0, 2 * np.pi))
    # Most iPhones of the published set knew no speed, and wrote -1.
    sensed = np.full(count, -1.0)
    if phone.platform == "android":
        sensed = np.maximum(fixes.speed + 0.3 * random.normal(size=count), 0)
    head = f'{{"metadata":{{"key":"background/location","platform":"{phone.platform}","time_zone":"{ZONE}","write_ts":'
    columns = (times, fixes.latitude, fixes.longitude, altitude, accuracy, sensed)
    inside = (times >= period[0]) & (times <= period[1])
    records = [
        f'{head}{ts + 0.1:.3f}}},"data":{{"accuracy":{metres:.1f},"altitude":{height:.1f},"latitude":{latitude:.7f},'
        f'"longitude":{longitude:.7f},"sensed_speed":{speed:.2f},"ts":{ts:.3f}}}}}'
        for ts, latitude, longitude, height, metres, speed in zip(
            *(column[inside].tolist() for column in columns), strict=True
        )
    ]
    return "[\n" + ",\n".join(records) + "\n]\n"


def run_messages(
    phone: Phone, run: Run, setting: str, start: float, stop: float, *, spec: str | None = None
) -> list[Message]:
    """What a phone notes of a run: its period and, on the one that notes them, the trip and its sections."""
    spec = spec or run.script.spec
    found = [Message(start, f"START_{PERIOD}", setting, spec)]
    if phone.notes_sections:
        found.append(Message(round(run.border(0) - PRESS_SECONDS, 3), f"START_{TRIP}", run.script.name, spec))
        for number, leg in enumerate(run.script.legs):
            found.append(Message(run.border(number), f"START_{SECTION}", leg.name, spec))
            found.append(Message(run.border(number + 1), f"STOP_{SECTION}", leg.name, spec))
        end = round(run.border(len(run.script.legs)) + PRESS_SECONDS, 3)
        found.append(Message(end, f"STOP_{TRIP}", run.script.name, spec))
    return [*found, Message(stop, f"STOP_{PERIOD}", setting, spec)]


def _pilot(phone: Phone, run: Run, layout: Mapping[str, Any]) -> list[Message]:
    """A trial of the first run the day before, under a name of its own; nobody wants it."""
    setting = f"fixed:{FIXED_SETTINGS[1]}"
    stop = run.start + len(run.track.speed)
    found = run_messages(phone, run, setting, run.start, stop, spec=f"{run.script.spec}_pilot")
    return [Message(round(one.ts - 86400, 3), one.transition, one.trip_id, one.spec_id) for one in found]


def _write_transitions(
    folder: Path, phone: Phone, messages: Sequence[Message], specs: Sequence[str], name: str
) -> None:
    """All messages of a phone in the file of every spec; one file of all has whole numbers for words."""
    for spec in specs:
        coded = phone.notes_sections and spec == specs[-1]
        records = []
        for message in messages:
            data = {**vars(message), "write_ts": round(message.ts + 0.05, 3)}
            if coded:
                data["transition"] = CODES[message.transition]
            metadata = {
                "key": "manual/evaluation_transition",
                "platform": phone.platform,
                "time_zone": ZONE,
                "write_ts": data["write_ts"],
            }
            records.append(json.dumps({"metadata": metadata, "data": data}, separators=(",", ":")))
        place = folder / "bin" / "data" / phone.name / spec / "manual~evaluation_transition"
        place.mkdir(parents=True)
        (place / name).write_text("[\n" + ",\n".join(records) + "\n]\n")


def _truth(phone: Phone, run: Run, sampling: Sampling, lost: Sequence[tuple[int, int]]) -> list[Truth]:
    """The truth of the sections of a run that have one of the five modes."""
    found = []
    for number, (leg, one) in enumerate(zip(run.script.legs, run.rides, strict=True)):
        if not leg.mode or one is None:
            continue
        found.append(
            truth_of(
                one,
                unit_name(phone, run, number),
                leg.mode,
                phone.name,
                run.border(number),
                sampling,
                gap_s=lost[number][1] - lost[number][0],
                tunnel_s=run.tunnels[number][1] - run.tunnels[number][0],
            )
        )
    return found


def unit_name(phone: Phone, run: Run, leg: int) -> str:
    """The name that the reader gives to a section: sections and runs are numbered from 1."""
    return f"{phone.name}/{run.script.spec}/{run.script.name}/{run.number}/{leg + 1}".replace("/", "~")
