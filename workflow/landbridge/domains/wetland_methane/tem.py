"""Reader of the cells of X-MethaneWet's simulation; see `simulation` for the files and the calendar."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Unit
from landbridge.domains.wetland_methane import sites
from landbridge.domains.wetland_methane.cells import block_name, cell_name
from landbridge.domains.wetland_methane.settings import Given
from landbridge.domains.wetland_methane.simulation import DAILY, GASES, Cells, Simulation
from landbridge.io.daily import season
from landbridge.prepare.streams import stream

LABELS = ("ch4_flux", "ch4_flux_filled")
DEFAULTS = {"years": [], "share": 1.0, "seed": 0, "scale": {}, "npp": "month", "label": LABELS[0]}


def read_tem_mdm(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Cells of the simulation, from the south-west on, all years of a cell end to end.

    Cells without one emission, or without one value of a driver, are skipped and counted; NPP that is missing is 0.

    Args:
        folder: of the files, or the folder above `simulation/`.
        settings: `years`: first and last; all if left out. `share`: of cells that are drawn, `seed`: of the draw, which
            depends on a cell's place alone. `scale`: factor by variable of a file. `npp`: time that NPP is given per,
            month or day. `label`: under which of the towers' names the simulated flux stands; once, for it is large.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a file that can't be used; the text names it and the fix.
    """
    own = Given(settings, DEFAULTS)
    years, share = own.years("years"), own.number("share", 0, 1)
    place = folder / "simulation" if (folder / "simulation").is_dir() else folder
    simulation = Simulation(place, own.factors("scale"), own.word("npp", ("month", "day")), counts)
    wanted = simulation.wanted(years)
    label = own.word("label", LABELS)
    cells = _drawn(simulation, share, own.whole("seed"), counts)
    counts["years"] += len(wanted)
    counts["leap years, whose 29 February is between its neighbours"] += sum(map(calendar.isleap, wanted))
    for part in simulation.batches(cells, len(wanted)):
        time, values = simulation.series(part, wanted)
        common = {name: values.pop(name) for name in GASES} | season(time)
        empty = {name: np.isnan(column).all(axis=1) for name, column in values.items()}
        for number in range(len(part)):
            lacking = [name for name in ("ch4_flux", *DAILY) if empty[name][number]]
            if lacking:
                counts[f"dropped: cells without any {lacking[0]}"] += 1
                continue
            counts["cells"] += 1
            yield _unit(simulation, part, number, time, values, common, label)
    simulation.close()


def _drawn(simulation: Simulation, share: float, seed: int, counts: Counter[str]) -> Cells:
    """Cells of land, each drawn by a hash of the seed and its place."""
    land = simulation.land()
    counts["dropped: cells that no static field knows"] += int((~land).sum())
    rows, columns = np.nonzero(land)
    if share < 1:
        names = [
            cell_name(simulation.grid.lat[row], simulation.grid.lon[column])
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        chosen = np.array([stream("wetland cells", seed, name) < share * 2**63 for name in names], bool)
        counts["cells not drawn"] += int((~chosen).sum())
        rows, columns = rows[chosen], columns[chosen]
    return Cells(rows, columns)


def _unit(
    simulation: Simulation,
    part: Cells,
    number: int,
    time: np.ndarray,
    values: Mapping[str, np.ndarray],
    common: Mapping[str, np.ndarray],
    label: str,
) -> Unit:
    row, column = int(part.rows[number]), int(part.columns[number])
    lat, lon = float(simulation.grid.lat[row]), float(simulation.grid.lon[column])
    own = {name: column_[number] for name, column_ in values.items()}
    # The simulator's flux is the label of its own cells, complete, and stands where towers have theirs.
    own = {label if name == "ch4_flux" else name: series for name, series in own.items()} | dict(common)
    cell, block = cell_name(lat, lon), f"block {block_name(lat, lon)}"
    static: dict[str, float | str] = {
        "lat": lat,
        "lon": lon,
        **{name: float(field[row, column]) for name, field in simulation.statics.items()},
        **dict.fromkeys(("wetland_class", "igbp", "koppen", "koppen_main", "policy", "citation"), ""),
        "origin": "simulation",
        "fold_published": "",
        **dict.fromkeys(("site", *sites.GROUP_KM), block),
        "cell": cell,
        "block": block,
    }
    return Unit(f"cell {cell}", time, own, static)
