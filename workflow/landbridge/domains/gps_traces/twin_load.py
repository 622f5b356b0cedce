"""A tree of Geolife's size, made fast: blocks of the twin repeated at other dates, to try how fast a reader is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from landbridge.domains.gps_traces.cities import City, Truth, read_layout, truth_of, write_truth
from landbridge.domains.gps_traces.movement import draw_route
from landbridge.domains.gps_traces.nuisance import Fixes, Sampling, apportion, chosen
from landbridge.domains.gps_traces.twin_geolife import (
    DAY_ZERO,
    HEADER,
    Row,
    file_name,
    trajectory_rows,
    words_of,
    write_labels,
)
from landbridge.domains.gps_traces.twin_journeys import Journey, Recording, Trip, record
from landbridge.prepare.streams import generator

# Geolife has 24,876,978 fixes in 18,670 files of 182 users, 69 of whom have labels.
POINTS_PER_FILE = 1332
FILES_PER_USER = 102.6
LABELLED_USERS = 69 / 182
BLOCKS = 24
EVERY_SECONDS = 2
LEG_SECONDS = 2 * EVERY_SECONDS * POINTS_PER_FILE  # long enough for half of a file, however fast it is ridden
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Block:
    """A journey of two trips, of which the file holds the end of the first and the beginning of the second.

    Attributes:
        journey: whose start is on the city's first day.
        texts: the file's bytes without and with one more row.
        borders: where the first trip begins, where the second does, and where it ends.
    """

    journey: Journey
    recording: Recording
    texts: tuple[bytes, bytes]
    borders: np.ndarray


def write(folder: Path, dataset: str, seed: int, city: City, points: int, *, relabel: bool) -> None:
    """Write exactly `points` fixes in files of about 1,332, with two label rows a file for 38 % of the users.

    All rows of a block lie on one day, so another date is two replacements in its bytes.
    """
    random = generator("twin load", dataset, seed)
    modes = apportion(city.mode_mix, 2 * BLOCKS, random)
    crlf = chosen(0.5, BLOCKS, random)
    blocks = [_block(city, modes[2 * n : 2 * n + 2], points, bool(crlf[n]), random) for n in range(BLOCKS)]
    files = max(1, round(points / POINTS_PER_FILE))
    users = max(1, round(files / FILES_PER_USER))
    labelled = max(1, round(LABELLED_USERS * users))
    words = words_of(city)
    labels = iter(apportion(city.mode_mix, 2 * files, random))
    truth: list[Truth] = []
    for user in range(users):
        place = folder / "Data" / f"{user:03d}" / "Trajectory"
        place.mkdir(parents=True)
        rows: list[Row] = []
        for turn, number in enumerate(range(user, files, users)):
            block = blocks[(user + turn) % BLOCKS]
            later = turn * DAY
            start = block.journey.start + later
            text = block.texts[number < points % files]
            for old, new in zip(_dates(block.journey.start), _dates(start), strict=True):
                text = text.replace(old, new)
            (place / f"{file_name(block.borders[0] + later)}.plt").write_bytes(text)
            if user < labelled:
                drawn = [next(labels) if relabel else trip.label for trip in block.journey.trips]
                rows += _rows(block, later, drawn, [words[mode][turn % len(words[mode])] for mode in drawn], user)
        truth += write_labels(folder, user, rows, crlf=False)
    write_truth(folder, truth)


def _dates(time: np.datetime64) -> tuple[bytes, bytes]:
    """The day of `time` as it stands in a row: `,39454.` and `,2008-01-07,`."""
    day = time.astype("datetime64[D]")
    return f",{(day - DAY_ZERO) // DAY}.".encode(), f",{day},".encode()


def _block(city: City, modes: list[str], points: int, crlf: bool, random: np.random.Generator) -> Block:
    routes = [draw_route(component, LEG_SECONDS, random) for component in city.draw_components(modes, random)]
    start = city.first_day + np.timedelta64(int(random.integers(1, 8)), "h")
    sampling = Sampling({"share": 1}, (EVERY_SECONDS, EVERY_SECONDS), None)
    trips = [Trip(route, route.component.mode) for route in routes]
    journey = Journey(0, start, city.latitude, city.longitude, trips, sampling)
    recording = record(journey, city, 1.0, random)
    seconds = recording.fixes.seconds
    rows = points // max(1, round(points / POINTS_PER_FILE)) + 1
    middle = int(np.searchsorted(seconds, recording.borders[1]))
    part = slice(middle - rows // 2, middle - rows // 2 + rows)
    fixes = Fixes(*(column[part] for column in vars(recording.fixes).values()))
    lines = [*HEADER.splitlines(), *trajectory_rows(start, fixes, read_layout("geolife"), random)]
    ending = "\r\n" if crlf else "\n"
    texts = tuple("".join(line + ending for line in part).encode() for part in (lines[:-1], lines))
    borders = start + np.array([fixes.seconds[0], recording.borders[1], fixes.seconds[-1]]).astype("timedelta64[s]")
    return Block(journey, recording, (texts[0], texts[1]), borders)


def _rows(block: Block, later: np.timedelta64, modes: list[str], words: list[str], user: int) -> list[Row]:
    """The two label rows of one file."""
    found = []
    for number, (mode, word) in enumerate(zip(modes, words, strict=True)):
        start = block.borders[number] + later + np.timedelta64(number, "s")
        truth = truth_of(
            block.recording.rides[number],
            "",
            mode,
            f"{user:03d}",
            float(start.astype(int)),
            block.journey.sampling,
            gap_s=0,
            tunnel_s=0,
        )
        found.append(Row(start, block.borders[number + 1] + later, word, False, truth))
    return found
