"""The twin of fires as users keep such data: a folder for each event with images, label, masks, and a table."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.domains.satellite_imagery.regions import Region, read_region
from landbridge.domains.satellite_imagery.spectra import positions
from landbridge.domains.satellite_imagery.twin_products import ENVI, PRODUCTS, Product, write_raster
from landbridge.domains.satellite_imagery.twin_scene import Random, Scene, draw_scene
from landbridge.prepare.streams import generator

TARGET = "peat"
IMAGES = ("pre", "post")  # names of the images, before and after
DAYS_BETWEEN = (20, 60)  # from the image before to the one after
SWATH_LOST = (0.02, 0.08)  # share of a scene outside of a swath
SWATH_TILT = (10, 25)  # degrees from north, as orbits run


def write(
    folder: Path, dataset: str, seed: int, *, events: Mapping[str, int], side: int, envi: bool, shift: str
) -> None:
    """Write `scenes.csv`, `truth_parameters.csv` and `<event>/...`; see `twin.write_twin`."""
    rows, parameters = [], []
    for name, count in events.items():
        region = read_region(name)
        planned = [PRODUCTS[name][number % len(PRODUCTS[name])] for number in range(count)]
        for number, product in enumerate([*planned, ENVI] if envi and name == "north" else planned):
            event = f"{name}_{number + 1:02d}"
            random = _streams(dataset, seed, event)
            unrelated = shift == "unrelated" and name == TARGET
            scene = draw_scene(region, product.side(side), random, unrelated=unrelated)
            dates = draw_dates(region, random("dates"))
            rows.append(_write_event(folder, event, region, number, product, scene, dates, random("swath")))
            parameters.append(_parameters(event, product, scene, dates))
    write_table(folder / "scenes.csv", rows)
    write_table(folder / "truth_parameters.csv", parameters)


def _streams(dataset: str, seed: int, event: str) -> Random:
    def of(purpose: str) -> np.random.Generator:
        return generator("twin", dataset, seed, event, purpose)

    return of


def draw_dates(region: Region, random: np.random.Generator) -> tuple[date, date]:
    """Days of the images before and after a fire."""
    year, day = (int(random.integers(least, most + 1)) for least, most in region.dates.values())
    after = date(year, 1, 1) + timedelta(days=day - 1)
    return after - timedelta(days=int(random.integers(DAYS_BETWEEN[0], DAYS_BETWEEN[1] + 1))), after


def _write_event(
    folder: Path,
    event: str,
    region: Region,
    number: int,
    product: Product,
    scene: Scene,
    dates: tuple[date, date],
    random: np.random.Generator,
) -> dict[str, Any]:
    """Write the files of one event on one grid; its row of the table."""
    (folder / event).mkdir()
    transform = product.transform(number)
    for role, image, taken in zip(IMAGES, (scene.before, scene.after), dates, strict=True):
        values = product.numbers(image[positions(list(product.bands.values()))])
        if product.fill is not None:
            values[:, _outside(values.shape[1], random)] = product.fill
        path = folder / event / f"{role}{product.suffix}"
        write_raster(path, values, product, transform, _descriptions(product, role, taken), product.nodata)
    layers = {
        "label": (scene.burn.label, "uint8", 255),
        "severity": (np.round(scene.burn.severity, 3), "float32", None),
        "clouds_pre": (scene.flagged_before, "uint8", None),
        "clouds": (scene.flagged_after, "uint8", None),
    }
    for name, (values, dtype, nodata) in layers.items():
        path = folder / event / f"{name}{product.suffix}"
        # As published beside the composite: an outline is a float32 raster without nodata.
        kind, nothing = ("float32", None) if product.driver == "ENVI" else (dtype, nodata)
        write_raster(path, values.astype(kind)[None], product, transform, (name,), nothing)
    # The label has no errors, so that it is the truth as well.
    files = {"image": "post", "before": "pre", "label": "label", "clouds": "clouds", "truth": "label"}
    return {
        "scene": event,
        **{role: f"{event}/{name}{product.suffix}" for role, name in files.items()},
        "event": event,
        "region": region.name,
        "date": dates[1].isoformat(),
        "sensor": product.sensor,
        "level": "surface",
        "product": product.name,
    }


def _descriptions(product: Product, role: str, taken: date) -> tuple[str, ...]:
    """Names of the bands in the file."""
    if product.driver == "ENVI":
        short = "pst" if role == "post" else role
        return tuple(f"{short} {taken:%Y%m%d} {product.metres:.0f}m: {name}" for name in product.bands)
    return tuple(product.bands)


def _outside(side: int, random: np.random.Generator) -> np.ndarray:
    """(y, x) bool: what lies east or west of a swath that runs aslant."""
    tilt = np.radians(random.uniform(*SWATH_TILT))
    rows, columns = np.mgrid[:side, :side]
    across = random.choice([-1, 1]) * (columns * np.cos(tilt) + rows * np.sin(tilt))
    return across > np.quantile(across, 1 - random.uniform(*SWATH_LOST))


def _parameters(event: str, product: Product, scene: Scene, dates: tuple[date, date]) -> dict[str, Any]:
    """What was drawn for an event, and how well it could be mapped at best."""
    label, clear = scene.burn.label, ~scene.air_after.clouded
    either = (scene.ceiling | label) & clear
    return {
        "event": event,
        "date_pre": dates[0].isoformat(),
        "crs": product.crs,
        "pixel_metres": product.metres,
        "patches": scene.burn.patches,
        "burned_share": round(float(label.mean()), 4),
        "regrown": round(scene.burn.regrown, 4),
        "smoke_depth": round(float(scene.air_after.depth.max()), 4),
        "cloud_share": round(float((scene.air_after.opacity > 0).mean()), 4),
        "dryness_pre": round(scene.dryness[0], 4),
        "dryness_post": round(scene.dryness[1], 4),
        "ceiling_iou": round(float((scene.ceiling & label & clear).sum() / max(either.sum(), 1)), 4),
    }


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows of equal keys as CSV."""
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
