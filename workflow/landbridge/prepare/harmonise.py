"""Read one dataset's raw files into a CF file with canonical names and units: the stage `harmonise`.

Units pass one by one from the reader to the file, so memory does not grow with the data.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from landbridge.contract import CONVENTIONS, ContractError
from landbridge.io import netcdf
from landbridge.io.download import verify
from landbridge.stage import Job, StageError

log = logging.getLogger(__name__)

DAY_STEPS = ("day", "month")


def run(job: Job) -> None:
    """Input: `manifest`. Settings: the dataset's description and the domain's variables; `raw` as a place. Output:
    `dataset`.
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
    units = readers[settings["reader"]](raw, settings["reader_settings"], variables=None)
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
            bands = settings["reader_settings"]["bands"]
            netcdf.write_chips(path, units, bands, settings["variables"], attributes)
            return
        time_unit = "days" if settings["step"] in DAY_STEPS else "seconds"
        trajectory = settings["feature_type"] == "trajectory"
        with netcdf.SeriesWriter(
            path, settings["variables"], attributes, time_unit=time_unit, trajectory=trajectory
        ) as writer:
            for unit in units:
                writer.add(unit)
        log.info("%d units, %d observations", len(writer.names), writer.count)
    except ContractError as error:
        raise StageError(f"dataset {settings['dataset']}: {error}") from error
