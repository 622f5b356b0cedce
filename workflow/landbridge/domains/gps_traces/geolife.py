"""Reader of Geolife 1.3: GPS tracks of 182 users, mostly in Beijing, and the trips that 69 of them labelled.

Zheng et al., WWW 2009, UbiComp 2008, IEEE Data Eng. Bull. 2010. Written from the documentation of the published
layout, and tried on the twin and on files made by hand. The library trackintel reads the same files through geopandas,
which makes a Python object of every fix; for 25 million of them `plt.py` parses whole columns instead.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Unit
from landbridge.domains.gps_traces import fixes
from landbridge.domains.gps_traces.legs import SHARED, Points, Truth, clean, settings_of_legs, unit_of
from landbridge.domains.gps_traces.modes import GEOLIFE, class_of
from landbridge.domains.gps_traces.plt import Track, read_plt
from landbridge.stage import StageError

SETTINGS = {**SHARED, "region": "Beijing", "utc_offset": 8}
MEMBER = re.compile(r"(?:.*/)?Data/(\d{3})/(?:labels\.txt|Trajectory/[^/]+\.plt)")
STAMP = r"(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d)"
LABEL = re.compile(rf"\s*{STAMP}\t{STAMP}\t(\S+)\s*")


@dataclass
class User:
    """Files of one user, by their names in the tree."""

    labels: str = ""
    tracks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Labels:
    """Rows of a `labels.txt`: (row,) ms GMT, both inside the trip; mode and line of each."""

    start: np.ndarray
    end: np.ndarray
    modes: list[str]
    lines: list[int]


def read_geolife(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Labelled trips of Geolife, by user and row of `labels.txt`; a fix belongs to the first row that holds it.

    Args:
        folder: holds `Data/<user>/Trajectory/*.plt` and `Data/<user>/labels.txt`, itself or one folder below, or a
            zip archive of them. The tracks of users without labels are counted and not opened.
        settings: `cleaning`: label_free, or paper, which is for reproduction alone (see `legs.clean`); `resample`:
            seconds; `region` and `utc_offset` (hours): of all trips.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a file that can't be used; the text names file and line.
    """
    own = settings_of_legs(settings, SETTINGS)
    truth = Truth(folder)
    with Tree(folder, counts) as tree:
        for name, user in sorted(tree.users.items()):
            counts["users"] += 1
            if not user.tracks:
                counts["users without a track"] += 1
            if not user.labels:
                counts["users without labels, not opened"] += 1
                counts["tracks of users without labels, not opened"] += len(user.tracks)
                continue
            yield from _trips(name, user, tree, own, truth, counts)


class Tree:
    """Files of a folder or of the one zip archive in it.

    Raises:
        StageError: none, or several.
    """

    def __init__(self, folder: Path, counts: Counter[str]) -> None:
        places = [path for path in (folder / "Data", *sorted(folder.glob("*/Data"))) if path.is_dir()]
        places = [path for path in places if path.parent.name != "__MACOSX"]
        archives = sorted(path for path in folder.glob("*.zip") if not path.name.startswith("._"))
        if len(places) > 1 or (not places and len(archives) != 1):
            listed = ", ".join(str(path) for path in (*places, *archives)) or "nothing of the kind"
            raise StageError(
                f"{folder}: holds {listed}; one folder Data/<user>/Trajectory/*.plt is wanted, or one zip archive of it"
            )
        self.archive: zipfile.ZipFile | None = None
        self.place = places[0].parent if places else archives[0]
        if places:
            names = [path.relative_to(self.place).as_posix() for path in places[0].rglob("*")]
            folders = [path.name for path in places[0].iterdir() if path.is_dir()]
        else:
            try:
                self.archive = zipfile.ZipFile(self.place)
            except (zipfile.BadZipFile, OSError) as error:
                raise StageError(f"{self.place}: not a whole zip archive ({error}); fetch it again") from error
            names, folders = self.archive.namelist(), []
        self.users = {name: User() for name in folders if re.fullmatch(r"\d{3}", name)}
        for name in sorted(names):
            found = MEMBER.fullmatch(name)
            if name.endswith(".plt") and (name.rsplit("/", 1)[-1].startswith("._") or name.startswith("__MACOSX/")):
                counts["hidden files, skipped"] += 1
            elif found and name.endswith(".plt"):
                self.users.setdefault(found.group(1), User()).tracks.append(name)
            elif found:
                self.users.setdefault(found.group(1), User()).labels = name
        if not self.users:
            raise StageError(f"{self.place}: no Data/<three digits>/ in it; unpack the archive that Geolife comes in")

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, *error: object) -> None:
        if self.archive is not None:
            self.archive.close()

    def read(self, name: str) -> bytes:
        """Bytes of a file.

        Raises:
            StageError: the archive is damaged.
        """
        if self.archive is None:
            return (self.place / name).read_bytes()
        try:
            return self.archive.read(name)
        except (zipfile.BadZipFile, EOFError, OSError) as error:
            raise StageError(f"{self.place}: {name} can't be unpacked ({error}); fetch the archive again") from error

    def where(self, name: str) -> str:
        """The file as an error names it."""
        return f"{self.place / name}" if self.archive is None else f"{self.place}:{name}"


def _trips(
    name: str, user: User, tree: Tree, own: Mapping[str, Any], truth: Truth, counts: Counter[str]
) -> Iterator[Unit]:
    where = tree.where(user.labels)
    labels = read_labels(tree.read(user.labels), where)
    found = [
        class_of(mode, GEOLIFE, f"{where}, line {line}") for mode, line in zip(labels.modes, labels.lines, strict=True)
    ]
    classes = np.array([-1 if number is None else number for number in found], np.int64)
    counts["label rows"] += len(classes)
    counts["label rows that end before they start"] += int((labels.end < labels.start).sum())
    points = _labelled(_track(user, tree, counts), labels, counts)
    rows, first, sizes = np.unique(points.trip, return_index=True, return_counts=True)
    counts["label rows without a fix"] += len(classes) - len(rows)
    for row, size in zip(rows.tolist(), sizes.tolist(), strict=True):
        counts[f"labelled points: {labels.modes[row]}"] += size
        if classes[row] < 0:
            counts[f"dropped: mode {labels.modes[row]}"] += 1
    journey = np.zeros(len(classes), np.int64)
    if len(rows):  # of dropped modes too: they may join two others
        journey[rows] = fixes.journeys(points.time[first], points.time[first + sizes - 1])
    for leg in clean(points.where(classes[points.trip] >= 0), classes, own, counts):
        hour = (float(leg.time[0]) / 3.6e6 + own["utc_offset"]) % 24
        about = {"user": name, "journey": f"{name}_{journey[leg.trip]:05d}", "region": own["region"]}
        mode, detail = int(classes[leg.trip]), labels.modes[leg.trip]
        yield unit_of(f"{name}_{leg.trip + 1:05d}", leg, mode, detail, truth, own["cleaning"], hour, about)


def _track(user: User, tree: Tree, counts: Counter[str]) -> Track:
    """All fixes of a user, sorted by time, each time once; of repeated times the first in the order of files stays."""
    counts["tracks"] += len(user.tracks)
    parts = [read_plt(tree.read(name), tree.where(name), counts) for name in user.tracks]
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    time, lat, lon = (np.concatenate(column) for column in zip(*parts, strict=True))
    counts["points"] += len(time)
    keep = fixes.in_range(lat, lon)
    if not keep.all():
        counts["dropped: position out of range"] += int((~keep).sum())
        time, lat, lon = time[keep], lat[keep], lon[keep]
    backwards = int((time[1:] < time[:-1]).sum())
    if backwards:
        counts["points earlier than the one before, sorted"] += backwards
        order = np.argsort(time, kind="stable")
        time, lat, lon = time[order], lat[order], lon[order]
    repeated = np.zeros(len(time), bool)
    repeated[1:] = time[1:] == time[:-1]
    counts["dropped: repeated time"] += int(repeated.sum())
    return time[~repeated], lat[~repeated], lon[~repeated]


def _labelled(track: Track, labels: Labels, counts: Counter[str]) -> Points:
    """The fixes inside label rows, sorted by row and time."""
    time, lat, lon = track
    row, cover = fixes.first_interval(time, labels.start, labels.end)
    counts["points in more than one label row"] += int((cover > 1).sum())
    inside = np.flatnonzero(row >= 0)
    counts["dropped: point without a label"] += len(time) - len(inside)
    inside = inside[np.argsort(row[inside], kind="stable")]
    return Points(row[inside], time[inside], lat[inside], lon[inside])


def read_labels(data: bytes, where: str) -> Labels:
    """Rows of a `labels.txt`; blank lines are skipped.

    Raises:
        StageError: no header, or a row that is not start, end and mode with tabs between; the text names the line.
    """
    lines = data.decode("utf-8-sig", errors="replace").splitlines()
    if not lines or not lines[0].lower().startswith("start time"):
        raise StageError(f"{where}, line 1: is no header; write 'Start Time', 'End Time', 'Transportation Mode'")
    stamps: list[tuple[str, str]] = []
    modes, numbers = [], []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        match = LABEL.fullmatch(line)
        if match is None:
            raise StageError(
                f"{where}, line {number}: '{line.strip()}' is no label; write YYYY/MM/DD hh:mm:ss twice and a mode, "
                f"with tabs between"
            )
        part = match.groups()
        stamps.append((f"{part[0]}-{part[1]}-{part[2]}T{part[3]}", f"{part[4]}-{part[5]}-{part[6]}T{part[7]}"))
        modes.append(part[8])
        numbers.append(number)
    return Labels(*_label_times(stamps, numbers, where), modes, numbers)


def _label_times(stamps: list[tuple[str, str]], numbers: list[int], where: str) -> tuple[np.ndarray, np.ndarray]:
    for pair, number in zip(stamps, numbers, strict=True):
        try:
            np.array(pair, "datetime64[ms]")
        except ValueError as error:
            raise StageError(f"{where}, line {number}: {error}; no such date or time") from error
    table = np.array(stamps, "datetime64[ms]").astype(np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
