"""Reader of the daily files of FLUXNET-CH4 v1.0 (Delwiche et al. 2021, doi 10.5194/essd-13-3607-2021).

Tried on published files of ten towers. FCH4 is the mean of the measured half-hours of a day, FCH4_F and FCH4_F_ANNOPTLM
are gap-filled; the two are not one label, also where a day has both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landbridge.contract import Unit
from landbridge.domains.wetland_methane.settings import Given
from landbridge.domains.wetland_methane.tables import read_rows, record_of
from landbridge.domains.wetland_methane.towers import DEFAULTS, GRID, Towers
from landbridge.stage import StageError

DAILY = re.compile(r"FLX_([A-Za-z]{2}[-._]\w{3})_FLUXNET-CH4_DD_\d{4}-\d{4}_.*\.csv", re.IGNORECASE)
LABELS = ("FCH4", "FCH4_F", "FCH4_F_ANNOPTLM")
WEATHER = ("TA_F", "P_F", "VPD_F", "SW_IN_F")
OPTIONAL = ("TS_1", "WTD")


def read_fluxnet_ch4(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Towers of all daily files of a folder, an unbroken axis of days each, in the order of their names.

    Args:
        folder: of the files, or the folder above `towers/`.
        settings: see `towers.DEFAULTS`. `drivers`: `tower` (air temperature, precipitation, shortwave and vapour
            pressure of the tower; no NPP, no gases), `grid` (all drivers, static fields and the simulated flux of the
            tower's cell in the simulation at `grid`, a path below the folder; `grid_scale` and `grid_npp` are its
            `scale` and `npp`), or `published` (the grid's with the tower's temperature, precipitation and vapour
            pressure). `scale`: by id and column a factor. `water_table_units`: m or cm of WTD, for all or by id.
            `leap_days`: keep or drop. `sites`: by id what no site table says.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a file that can't be used; the text names it and what to do.
    """
    place = folder / "towers" if (folder / "towers").is_dir() else folder
    found = Towers(folder, place, Given(settings, DEFAULTS), counts)
    columns = (*LABELS, *WEATHER, *OPTIONAL)
    needed = ("TIMESTAMP", "FCH4", *(WEATHER if found.drivers != GRID else ()))
    records = []
    for path in sorted(place.iterdir()):
        match = DAILY.fullmatch(path.name)
        if match:
            header, rows = read_rows(path, columns, needed)
            records.append(record_of(path, match.group(1), header, rows, columns))
    if not records:
        raise StageError(f"{place}: no daily file; names look like FLX_FI-Lom_FLUXNET-CH4_DD_2006-2010_1-1.csv")
    counts["files"] += len(records)
    yield from found.units(records)
