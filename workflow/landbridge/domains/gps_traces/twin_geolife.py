"""The twin in Geolife's layout: trajectories and label rows of users who label most of their trips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.domains.gps_traces.cities import City, Truth, read_layout, truth_of, write_truth
from landbridge.domains.gps_traces.nuisance import Fixes, chosen
from landbridge.domains.gps_traces.twin_journeys import (
    SECONDS_OF_A_DAY,
    Journey,
    Recording,
    draw_nuisance,
    plan_journeys,
    record,
)
from landbridge.prepare.streams import generator

HEADER = "Geolife trajectory\nWGS 84\nAltitude is in Feet\nReserved 3\n0,2,255,My Track,0,0,2,8421376\n0\n"
LABEL_HEADER = "Start Time\tEnd Time\tTransportation Mode\n"
DAY_ZERO = np.datetime64("1899-12-30", "s")  # of the day numbers
MISSING_ALTITUDE = -777
BAD_LATITUDE = 400.166667  # degrees


@dataclass
class Row:
    """One row of labels.txt; times are GMT, `follows` says that the trip before it is the row before it."""

    start: np.datetime64
    end: np.datetime64
    word: str
    follows: bool
    truth: Truth


def write(
    folder: Path,
    dataset: str,
    seed: int,
    city: City,
    *,
    users: int,
    trips_per_user: int,
    minutes: float,
    relabel: bool,
) -> None:
    """Write `Data/<user>/Trajectory/*.plt`, `Data/<user>/labels.txt` and the truth; see `twin.write_twin`."""
    layout = read_layout("geolife")
    random = generator("twin geolife", dataset, seed)
    journeys = plan_journeys(city, layout, users, trips_per_user, minutes, random)
    draw_nuisance(journeys, city, layout, relabel, random)
    factors = np.exp(layout["speed_factor_log_deviation"] * random.normal(size=users))
    words = words_of(city)
    rows: dict[int, list[Row]] = {user: [] for user in range(users)}
    unlabelled: list[Truth] = []
    spoiled = False
    for number, journey in enumerate(journeys):
        own = generator("twin geolife journey", dataset, seed, number)
        recording = record(journey, city, float(factors[journey.user]), own)
        if not spoiled and any(trip.labelled for trip in journey.trips):
            _spoil(recording, [trip.labelled for trip in journey.trips].index(True))
            spoiled = True
        write_trajectory(folder, journey, recording.fixes, layout, own)
        for row, labelled in label_trips(journey, recording, layout, words, own):
            if labelled:
                rows[journey.user].append(row)
            else:
                unlabelled.append(row.truth)
    _overlap(rows, layout, random)
    crlf = chosen(layout["crlf_share"], users, random)
    truth = [*unlabelled]
    for user, own_rows in rows.items():
        truth += write_labels(folder, user, own_rows, crlf=bool(crlf[user]))
    write_truth(folder, truth)


def _spoil(recording: Recording, number: int) -> None:
    """Put the middle fix of trip `number` out of range."""
    middle = recording.borders[number : number + 2].mean()
    recording.fixes.latitude[np.abs(recording.fixes.seconds - middle).argmin()] = BAD_LATITUDE


def trajectory_rows(
    start: np.datetime64, fixes: Fixes, layout: Mapping[str, Any], random: np.random.Generator
) -> list[str]:
    """The rows of a .plt file, without line ends."""
    times = start + fixes.seconds.astype("timedelta64[s]")
    mean, deviation = layout["altitude_feet"]
    altitude = np.round(mean + deviation * np.sin(np.arange(len(times)) / 50 + random.uniform(0, 2 * np.pi)))
    altitude[random.random(len(times)) < layout["missing_altitude_share"]] = MISSING_ALTITUDE
    days = (times - DAY_ZERO) / np.timedelta64(SECONDS_OF_A_DAY, "s")
    texts = np.datetime_as_string(times, unit="s").tolist()  # 2008-01-07T08:00:00
    columns = (fixes.latitude.tolist(), fixes.longitude.tolist(), altitude.tolist(), days.tolist(), texts)
    return [
        f"{latitude:.6f},{longitude:.6f},0,{feet:.0f},{day:.10f},{text[:10]},{text[11:]}"
        for latitude, longitude, feet, day, text in zip(*columns, strict=True)
    ]


def write_trajectory(
    folder: Path, journey: Journey, fixes: Fixes, layout: Mapping[str, Any], random: np.random.Generator
) -> None:
    """Write the .plt file of one journey, named by its first fix."""
    text = HEADER + "".join(row + "\n" for row in trajectory_rows(journey.start, fixes, layout, random))
    place = folder / "Data" / f"{journey.user:03d}" / "Trajectory"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{file_name(journey.start + fixes.seconds[0].astype('timedelta64[s]'))}.plt").write_text(
        text, newline="\r\n" if journey.crlf else "\n"
    )


def file_name(time: np.datetime64) -> str:
    """YYYYMMDDhhmmss."""
    return "".join(letter for letter in str(time) if letter.isdigit())


def words_of(city: City) -> dict[str, list[str]]:
    """The words of Geolife's users for each mode."""
    return {
        mode: sorted({word for component in components for word in component.published["geolife"]})
        for mode, components in city.components.items()
    }


def label_trips(
    journey: Journey,
    recording: Recording,
    layout: Mapping[str, Any],
    words: Mapping[str, Sequence[str]],
    random: np.random.Generator,
) -> list[tuple[Row, bool]]:
    """A label row for each trip, and whether its user wrote it down; borders are off by some seconds.

    Trips that follow each other have one border, which is off by the same for both; the later row begins 1 s after it.
    """
    borders = recording.borders
    limit = min(3 * layout["border_seconds"], np.diff(borders).min() / 4)
    shifts = np.clip(layout["border_seconds"] * random.normal(size=len(borders)), -limit, limit)
    seconds = np.round(borders + shifts).astype("timedelta64[s]")
    found: list[tuple[Row, bool]] = []
    for number, trip in enumerate(journey.trips):
        truth = truth_of(
            recording.rides[number],
            "",
            trip.label,
            f"{journey.user:03d}",
            float((journey.start + borders[number].astype("timedelta64[s]")).astype(int)),
            journey.sampling,
            gap_s=recording.gaps[number],
            tunnel_s=recording.tunnels[number],
        )
        start = journey.start + seconds[number] + np.timedelta64(int(number > 0), "s")
        follows = number > 0 and journey.trips[number - 1].labelled
        word = words[trip.label][int(random.integers(len(words[trip.label])))]
        found.append((Row(start, journey.start + seconds[number + 1], word, follows, truth), trip.labelled))
    return found


def _overlap(rows: Mapping[int, list[Row]], layout: Mapping[str, Any], random: np.random.Generator) -> None:
    """Let some rows begin before the row before them has ended: at least one, if any row follows another."""
    every = sum(len(own) for own in rows.values())
    offered = [(own[place - 1], row) for own in rows.values() for place, row in enumerate(own) if row.follows]
    wanted = min(max(1, round(layout["overlap_share"] * every)), len(offered))
    for index in np.sort(random.choice(len(offered), wanted, replace=False)) if wanted else ():
        before, row = offered[index]
        half = (before.end - before.start) // 2
        row.start = before.end - min(np.timedelta64(int(random.uniform(*layout["overlap_seconds"])), "s"), half)


def write_labels(folder: Path, user: int, rows: Sequence[Row], *, crlf: bool) -> list[Truth]:
    """Write a user's labels.txt; the truth of its rows, named by their place in it.

    A user who labelled nothing has no such file.
    """
    if not rows:
        return []
    lines, truth = [LABEL_HEADER], []
    for number, row in enumerate(rows, start=1):
        start, end = (str(time).replace("-", "/").replace("T", " ") for time in (row.start, row.end))
        lines.append(f"{start}\t{end}\t{row.word}\n")
        truth.append(replace(row.truth, unit=f"{user:03d}_{number:05d}"))
    (folder / "Data" / f"{user:03d}" / "labels.txt").write_text("".join(lines), newline="\r\n" if crlf else "\n")
    return truth
