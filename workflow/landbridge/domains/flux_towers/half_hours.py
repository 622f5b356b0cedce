"""Reader of the half-hourly table of tower BE-Vie that pyrealm distributes, as days.

Orme, Marion and others, pyrealm; tower data Pastorello et al. (2020), doi 10.1038/s41597-020-0534-3.
"""

from __future__ import annotations

import csv
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Unit
from landbridge.domains.flux_towers import towers
from landbridge.io.daily import season
from landbridge.stage import StageError

log = logging.getLogger(__name__)

FILE = "merged_BE-Vie_data.csv"
COLUMNS = ("ppfd", "vpd", "tc", "co2", "gpp_fluxnet")
SETTINGS = {"fewest": 40, "par_share": 0.45, "site": {"lat": 50.305, "lon": 5.998, "igbp": "MF"}}
HALF_HOURS = 48
GRAMS_PER_DAY = 12.011 * 86400 * 1e-6  # umol CO2 m-2 s-1 to gC m-2 d-1: 1.0377504
PHOTONS = 4.57  # umol of photons per J of photosynthetically active radiation


def read_half_hours(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """One tower, one row a day.

    The rule: a day is the half-hours that begin on it in the table's own time; drivers and GPP are their means, GPP
    times 1.0377504. A day needs `fewest` (40 of 48) half-hours with a value, variable by variable, else it is missing;
    the share of half-hours with GPP is its quality. Shortwave radiation is photon flux / 4.57 / `par_share`. A missing
    photon flux was stored as 0 by the origin, so dark gaps in daylight can't be told from night.

    Args:
        folder: holds the file.
        settings: `fewest`, `par_share`, and the place `site`, which the file does not name.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: the file is missing or broken.
    """
    own: dict[str, Any] = {**SETTINGS, **settings}
    path = folder / FILE
    if not path.is_file():
        raise StageError(f"{path}: not there; put the table into this folder")
    with path.open(newline="", encoding="utf-8-sig") as handle:
        reader = csv.DictReader(handle)
        absent = [name for name in ("time", *COLUMNS) if name not in (reader.fieldnames or [])]
        if absent:
            raise StageError(f"{path}: no column {', '.join(absent)}; it has {', '.join(reader.fieldnames or [])}")
        rows = list(reader)
    try:
        stamps = np.array([row["time"].replace(" ", "T") for row in rows], "datetime64[m]")
        values = {name: np.array([row[name] or "nan" for row in rows]).astype(float) for name in COLUMNS}
    except ValueError as error:
        raise StageError(f"{path}: {error}; every field is a number, a time or empty") from error
    if len(np.unique(stamps)) != len(stamps) or (stamps.astype(int) % 30 != 0).any():
        raise StageError(f"{path}: its times are not half-hours, each once; fetch it again")
    days = stamps.astype("datetime64[D]")
    time = np.arange(days.min(), days.max() + np.timedelta64(1, "D"))
    index = (days - time[0]).astype(int)

    def mean(name: str) -> tuple[np.ndarray, np.ndarray]:
        known = np.isfinite(values[name])
        count = np.bincount(index, known, minlength=len(time))
        total = np.bincount(index, np.where(known, values[name], 0), minlength=len(time))
        enough = count >= own["fewest"]
        return np.where(enough, total / np.maximum(count, 1), np.nan), count / HALF_HOURS

    gpp, share = mean("gpp_fluxnet")
    found = {
        "gpp": gpp * GRAMS_PER_DAY,
        "qc": np.where(np.isfinite(gpp), share, np.nan),
        "temperature": mean("tc")[0],
        "shortwave": mean("ppfd")[0] / PHOTONS / own["par_share"],
        "vapour_pressure_deficit": mean("vpd")[0] / 100,
        "co2": mean("co2")[0],
        **season(time),
    }
    counts["half-hours"] += len(rows)
    counts["days without enough half-hours of GPP"] += int(np.isnan(gpp).sum())
    log.info("%d of %d days have GPP", int(np.isfinite(gpp).sum()), len(time))
    kept = {name: column.astype(np.float32) for name, column in found.items()}
    site = own["site"]
    place = (float(site["lat"]), float(site["lon"]))
    groups = towers.tower_groups(["BE-Vie"], np.array([place[0]]), np.array([place[1]]), [towers.era5_cell(*place)])
    static: dict[str, float | str] = {
        "lat": place[0],
        "lon": place[1],
        "igbp": str(site["igbp"]),
        "network": "FLX",
        "flux_processing": "GPP_DT_CUT_REF",
        "utc_offset": float(round(place[1] / 15)),
        **{column: members[0] for column, members in groups.items()},
    }
    yield Unit("BE-Vie", time, kept, static)
