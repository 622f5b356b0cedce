"""Reader of the towers of X-MethaneWet (Sun et al. 2025, arXiv 2505.18355): one table of days and one of sites.

Written from documentation, untried on a published file. The table holds gap-filled fluxes alone, so no label of it is
known to be measured, and it has no shortwave: `drivers: published` takes that and NPP from the grid, as published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landbridge.contract import Unit
from landbridge.domains.wetland_methane.settings import Given
from landbridge.domains.wetland_methane.tables import read_rows, record_of
from landbridge.domains.wetland_methane.towers import DEFAULTS, FILLED, Towers
from landbridge.domains.wetland_methane.units import ACCEPTED_DEVIATIONS
from landbridge.stage import StageError

TABLE = "FLUXNET_T1_DD.csv"
NEEDED = ("TIMESTAMP", "SITE", *FILLED, "TA_F", "VPD_F", "P_F")


def read_x_methanewet(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Towers of FLUXNET_T1_DD.csv, an unbroken axis of days each, in the order of their names.

    Args:
        folder: of the table; FLUXNET_CH4_2024.csv beside it gives places and elevations.
        settings: those of `fluxnet_ch4.read_fluxnet_ch4`, and `conversion` of nmol m-2 s-1: `exact`, or 1.38 or
            100/72.2 to reproduce published numbers.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a table that can't be used; the text names it and what to do.
    """
    own = Given(settings, {**DEFAULTS, "conversion": "exact"})
    conversion = own.word("conversion", ("exact", *ACCEPTED_DEVIATIONS))
    found = Towers(folder, folder, own, counts, conversion=conversion, measured=False)
    path = folder / TABLE
    if not path.is_file():
        raise StageError(f"{path}: not there; put the towers' table of X-MethaneWet into this folder")
    header, rows = read_rows(path, NEEDED, NEEDED)
    stamp, site = header.index("TIMESTAMP"), header.index("SITE")
    by_site: dict[str, list[list[str]]] = {}
    for row in rows:
        row[stamp] = row[stamp].strip().replace("-", "")
        by_site.setdefault(row[site].strip(), []).append(row)
    counts["files"] += 1
    yield from found.units([record_of(path, name, header, own_rows, NEEDED[2:]) for name, own_rows in by_site.items()])
