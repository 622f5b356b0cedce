"""Read one dataset's raw files into a CF file with canonical names and units: the stage `harmonise`.

Units pass one by one from the reader to the file, so memory does not grow with the data. What the reader read and what
it dropped, by reason, is written beside the dataset.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import CONVENTIONS, ContractError, Unit
from landbridge.io import netcdf, series
from landbridge.io.download import verify
from landbridge.stage import Job, StageError

log = logging.getLogger(__name__)

# Unit of the time axis by the dataset's step; finer steps count in seconds. Fixes of a phone have fractions of one.
TIME_UNITS = {"day": "days", "month": "days", "irregular": "milliseconds"}


def run(job: Job) -> None:
    """Input: `manifest`. Settings: the dataset's description and the domain's variables; `raw` as a place. Outputs:
    `dataset`, and `counts`, what was read and dropped as JSON.
    """
    settings = job.settings
    text = job.input("manifest").read_text()
    manifest = json.loads(text)
    raw = Path(settings["raw"])
    verify(manifest, raw)
    readers = job.load("readers").READERS
    if settings["reader"] not in readers:
        raise StageError(
            f"datasets.{settings['dataset']}.reader: no reader '{settings['reader']}'; write {', '.join(readers)}"
        )
    counts: Counter[str] = Counter()
    totals: Counter[str] = Counter(units=0, observations=0)
    units = _counted(readers[settings["reader"]](raw, settings["reader_settings"], counts=counts), totals)
    attributes: dict[str, Any] = {
        "Conventions": CONVENTIONS,
        "title": settings["title"],
        "institution": "see references",
        "source": f"{settings['dataset']} {manifest['version']}".strip(),
        "history": "harmonised by Landbridge from the raw files of the manifest",
        "references": manifest["citation"] or "synthetic data, made by Landbridge",
        "comment": "missing is NaN; nothing is filled unless a variable says so",
        "license": manifest["license"],
        "dataset": settings["dataset"],
        "step": settings["step"],
        "data_checksum": hashlib.sha256(text.encode()).hexdigest(),
        "code": settings["code"],
    }
    path = job.outputs["dataset"]
    try:
        if settings["kind"] == "chips":
            bands = settings["reader_settings"].get("bands", ())
            netcdf.write_chips(path, units, bands, settings["variables"], attributes)
        else:
            time_unit = TIME_UNITS.get(settings["step"], "seconds")
            trajectory = settings["feature_type"] == "trajectory"
            with series.SeriesWriter(
                path, settings["variables"], attributes, time_unit=time_unit, trajectory=trajectory
            ) as writer:
                for unit in units:
                    writer.add(unit)
    except ContractError as error:
        raise StageError(f"dataset {settings['dataset']}: {error}") from error
    found = {**totals, "counts": dict(counts)}
    job.outputs["counts"].write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    log.info("%s", json.dumps(found, sort_keys=True))


def _counted(units: Iterable[Any], totals: Counter[str]) -> Iterator[Any]:
    """The units, counted as they pass: observations are times of a series and labels of a chip."""
    for unit in units:
        totals["units"] += 1
        totals["observations"] += len(unit.time) if isinstance(unit, Unit) else np.size(unit.label)
        yield unit
