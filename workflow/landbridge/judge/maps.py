"""Write predictions of images back onto the map: the stage `maps`.

Each scene of the test becomes two GeoTIFFs on its own grid, the probability of the last class and the likeliest class.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import IGNORE, PROBABILITY_SCALE, Dataset
from landbridge.io import maps, netcdf
from landbridge.io.grids import Grid
from landbridge.stage import Job, StageError

SCENE = ("scene", "scene_rows", "scene_cols", "scene_x", "scene_y", "georeferenced")  # columns that maps need
COLOURS = ((190, 200, 190, 255), (215, 60, 30, 255), (60, 110, 200, 255), (240, 200, 60, 255))


def run(job: Job) -> None:
    """Inputs: `predictions` and `tests`, one of each fold. Output: `maps`, a folder with `SCENE_probability.tif`,
    `SCENE_class.tif` and `maps.json`, what each of them holds.

    Chips without a place on the Earth are left out, and `maps.json` says how many.
    """
    settings = job.settings
    folder = Path(job.outputs["maps"])
    folder.mkdir(parents=True)
    told: dict[str, Any] = {"scenario": settings["scenario"], "scenes": [], "chips without a place": 0}
    for fold, (prediction, test) in enumerate(zip(job.input_list("predictions"), job.input_list("tests"), strict=True)):
        predicted, inputs = netcdf.read(prediction), netcdf.read(test)
        missing = [name for name in SCENE if name not in inputs]
        if missing:
            raise StageError(f"maps: chips have no {', '.join(missing)}; take the recipes out of `maps:` of the domain")
        usable = [number for number, status in enumerate(predicted["status"].tolist()) if status == "ok"]
        if not usable:
            raise StageError(f"{prediction}: no budget has predictions: {predicted['status'][-1]}")
        chosen = usable[-1]
        tags = {
            "model": str(predicted.attributes["model"]),
            "recipe": str(predicted.attributes["recipe"]),
            "budget": f"{predicted['budget'][chosen]} {predicted.attributes['budget_unit']}",
            "scenario": settings["scenario"],
            "fold": str(fold),
            "seed": job.wildcards["seed"],
            "classes": " ".join(settings["classes"]),
            "code": settings["code"],
        }
        probability = np.asarray(predicted["probability"][chosen])[np.argsort(inputs["row_unit"], kind="stable")]
        told["chips without a place"] += int((np.asarray(inputs["georeferenced"]) == 0).sum())
        for name, rows in scenes_of(inputs):
            told["scenes"].append({**_write(folder, name, rows, inputs, probability, tags), "fold": fold})
    (folder / "maps.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")


def scenes_of(inputs: Dataset) -> list[tuple[str, np.ndarray]]:
    """Name and chips of each scene that has a place on the Earth, in the order of names."""
    scene = np.asarray(inputs["scene"]).astype(str)
    placed = np.asarray(inputs["georeferenced"]) > 0
    return [(name, np.flatnonzero((scene == name) & placed)) for name in np.unique(scene[placed]).tolist()]


def scene_grid(inputs: Dataset, chip: int) -> Grid:
    """Grid of the scene that a chip was cut from."""
    a, b, _, d, e, _ = (float(number) for number in inputs["transform"][chip])
    transform = (a, b, float(inputs["scene_x"][chip]), d, e, float(inputs["scene_y"][chip]))
    return Grid(
        str(inputs["crs_wkt"][chip]), transform, int(inputs["scene_rows"][chip]), int(inputs["scene_cols"][chip])
    )


def _write(
    folder: Path, name: str, rows: np.ndarray, inputs: Dataset, probability: np.ndarray, tags: dict[str, str]
) -> dict[str, Any]:
    """Both files of a scene; returns what they hold."""
    height, width = probability.shape[-2:]
    grids: Sequence[Grid] = [
        Grid(str(inputs["crs_wkt"][row]), tuple(float(number) for number in inputs["transform"][row]), height, width)  # type: ignore[arg-type]
        for row in rows
    ]
    seen = np.asarray(inputs["valid"])[rows] > 0
    share = np.where(seen, probability[rows, -1] / PROBABILITY_SCALE, np.nan)
    likeliest = np.where(seen, probability[rows].argmax(axis=1), IGNORE)
    names = [str(inputs["unit_name"][row]) for row in rows]
    scene, stem = scene_grid(inputs, int(rows[0])), "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
    files = {"probability": f"{stem}_probability.tif", "class": f"{stem}_class.tif"}
    maps.write_probability(folder / files["probability"], scene, zip(names, grids, share, strict=True), tags)
    colours = {number: COLOURS[number % len(COLOURS)] for number in range(probability.shape[1])}
    maps.write_classes(folder / files["class"], scene, zip(names, grids, likeliest, strict=True), tags, colours)
    return {"scene": name, "files": files, "chips": len(rows), "pixels": int(seen.sum())}
