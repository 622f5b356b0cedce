"""Reader of REFIT, cleaned: 20 homes in Loughborough, 2013 to 2015 (Murray, Stankovic and Stankovic, Sci Data 4, 2017).

Active power in W about every 8 s, when it changes. `Unix` is the time used, for the zone of the text `Time` is nowhere
verified. Rows with `Issues` are masked: their span is missing, up to the next row, and not filled. Written from the
documentation, and tried on the twin and on files made by hand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landbridge.contract import Unit
from landbridge.domains.smart_meters.appliances import MAINS
from landbridge.domains.smart_meters.homes import REFIT, Home, refit_home
from landbridge.domains.smart_meters.settings import Settings, by_number, chosen, settings_of_meters
from landbridge.domains.smart_meters.streams import Stream
from landbridge.domains.smart_meters.text import Layout, read_batches
from landbridge.domains.smart_meters.truth import Truth, truth_of
from landbridge.domains.smart_meters.units import Wiring, labelled, unit_of
from landbridge.stage import StageError

FILE = re.compile(r"(?:CLEAN_)?House_?(\d+)\.csv")
COLUMNS = ("Time", "Unix", "Aggregate", *(f"Appliance{number}" for number in range(1, 10)), "Issues")


def read_refit(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Homes of REFIT, by number; the published table says which columns are which appliance.

    Args:
        folder: holds `CLEAN_House<N>.csv` or `House_<N>.csv`, itself or one folder below.
        settings: see `settings.Settings`; `prefix` is refit if not given.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a file that can't be used; the text names file and line.
    """
    own = settings_of_meters(settings, "refit")
    truth = truth_of(folder)
    files = _files(folder)
    for number in chosen(files, own.homes, folder):
        counts["homes"] += 1
        home = refit_home(number, own.prefix)
        if home is None:
            raise StageError(
                f"{files[number]}: REFIT has the houses {', '.join(map(str, REFIT))}; number homes as the origin does"
            )
        unit = _read_home(home, files[number], own, truth, counts)
        if unit is not None:
            yield unit


def _files(folder: Path) -> dict[int, Path]:
    for place in (folder, *sorted(folder.glob("*/"))):
        found = by_number(place.iterdir(), FILE)
        if found:
            return found
    raise StageError(f"{folder}: holds no CLEAN_House<N>.csv; unpack CLEAN_REFIT_081116.7z into it")


def _read_home(home: Home, path: Path, own: Settings, truth: Truth | None, counts: Counter[str]) -> Unit | None:
    with path.open("rb") as handle:
        header = handle.readline().decode("utf-8-sig", errors="replace").strip()
        if not header:
            counts["homes without mains, left out"] += 1
            return None
        appliances = {name: [f"Appliance{number}" for number in home.meters[name]] for name in labelled(home, own)}
        layout = _layout(header, [column for columns in appliances.values() for column in columns], path)
        if not layout.mask:
            counts["files without the column Issues"] += 1
        names = {column: name for name, columns in appliances.items() for column in columns}
        rows = [f"{MAINS} of {home.name}", *(names[column] for column in layout.values[1:])]
        stream = Stream(read_batches(handle, str(path), layout, 2, counts), str(path), rows, counts)
        places = {
            name: [(0, layout.values.index(column)) for column in columns] for name, columns in appliances.items()
        }
        return unit_of(home, [stream], Wiring([(0, 0)], places), own, truth, counts)


def _layout(header: str, appliances: list[str], path: Path) -> Layout:
    columns = [column.strip() for column in header.split(",")]
    absent = [column for column in ("Unix", "Aggregate", *appliances) if column not in columns]
    if absent:
        raise StageError(f"{path}, line 1: no column {', '.join(absent)}; the header is {','.join(COLUMNS)}")
    mask = "Issues" if "Issues" in columns else ""
    return Layout(columns, "Unix", ["Aggregate", *appliances], mask, header=header)
