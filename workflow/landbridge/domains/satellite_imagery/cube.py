"""Reader of a user's own scenes: GeoTIFF or ENVI after the fire, perhaps before it, a label, perhaps clouds.

What the layers of a file are is told by the list `bands:`, or by the names in the file. Scenes stand in a table
`scenes.csv`, or are found by how their files' names end. Scenes in degrees are brought to their UTM zone.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landbridge.contract import Chip
from landbridge.domains.satellite_imagery.bands import SENSORS
from landbridge.domains.satellite_imagery.layers import open_layers
from landbridge.domains.satellite_imagery.parted import halves_and_blocks
from landbridge.domains.satellite_imagery.reading import Files
from landbridge.domains.satellite_imagery.reflectance import AUTO, PRODUCTS
from landbridge.domains.satellite_imagery.scenes import BURNED, LEVELS, Scene, chips_of
from landbridge.domains.satellite_imagery.settings import KINDS, PIXELS, cut_of, reading_of
from landbridge.reader_settings import own_settings
from landbridge.stage import StageError

DEFAULTS = {
    **PIXELS,
    "bands": None,
    "sensor": "sentinel2",
    "level": "surface",
    "region": "",
    "pre": False,
    "align": False,
    "pixel_m": 20.0,
    "qa_bits": [],
    "image": "_post",
    "before": "_pre",
    "label": "_label",
    "clouds": "_clouds",
    "truth": "_truth",
    "single_scene": False,
    "block": 128,
    "gutter_m": 1000.0,
}
TABLE = "scenes.csv"
ROLES = ("image", "before", "label", "clouds", "truth")  # files of a scene
COLUMNS = ("scene", *ROLES, "event", "region", "date", "sensor", "level", "product", "offset", "bands")
RASTERS = (".tif", ".tiff", ".bin", ".img", ".dat", ".vrt")
OUTLINES = (".geojson", ".json")


@dataclass(frozen=True)
class Row:
    """One scene of the table: its files by role, and what else it says."""

    name: str
    files: Mapping[str, Path]
    words: Mapping[str, str]


def read_cube(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Chip]:
    """Chips of all scenes in the order of their names.

    Args:
        folder: holds `scenes.csv` with the columns scene, image, label and perhaps before, clouds, truth, event,
            region, date, sensor, level, product, offset, bands (names with spaces between); or files
            `<scene>_post.tif`, `<scene>_label.tif` and so on, whose endings are settings.
        settings: size, least_valid, stack, product, offset, aliases, ignore_boundary, bands, sensor, level, region,
            pre (whether both images are read), align, pixel_m, qa_bits, the endings image, before, label, clouds,
            truth, and single_scene, which parts one scene into west and east with block and gutter_m.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a table or files that can't be used.
    """
    own = own_settings(settings, DEFAULTS, KINDS)
    table = folder / TABLE
    rows = _listed(folder, table) if table.is_file() else _found(folder, own)
    for row in sorted(rows, key=lambda row: row.name):
        if "label" not in row.files:
            counts["dropped: scene without a label"] += 1
        elif own["pre"] and "before" not in row.files and not _stacked(row, own):
            counts["dropped: scene without an image before the fire"] += 1
        else:
            yield from _scene(row, own, counts)


def _stacked(row: Row, own: Mapping[str, Any]) -> bool:
    """Whether both images stand in one file, as the list of its layers says."""
    listed = row.words.get("bands", "").split() or own["bands"] or []
    return any(name.endswith("_pre") for name in listed)


def _scene(row: Row, own: Mapping[str, Any], counts: Counter[str]) -> Iterator[Chip]:
    words = row.words
    listed = words.get("bands", "").split() or own["bands"]
    fixed = {
        "sensor": _word(words, "sensor", own["sensor"], tuple(SENSORS), row),
        "product": _word(words, "product", own["product"], (*PRODUCTS, AUTO), row),
        "offset": _offset(words.get("offset", ""), own["offset"], row),
        "layers": None if listed is None else tuple(listed),
        "align": own["align"],
        "pixel_m": float(own["pixel_m"]),
        "qa_bits": tuple(own["qa_bits"]),
    }
    how = reading_of(own, **fixed)
    files = row.files
    before = files.get("before") if own["pre"] else None
    opened = Files(files["image"], files["label"], before, files.get("clouds"), files.get("truth"))
    with open_layers(opened, how, counts) as layers:
        level = _word(words, "level", own["level"], LEVELS, row)
        event = words.get("event") or row.name
        region = words.get("region") or own["region"]
        scene = Scene(row.name, event, region, row.name, words.get("date", ""), how.sensor, level, layers.grid)
        place = None
        if own["single_scene"]:
            sizes = {"block": own["block"], "gutter_m": own["gutter_m"]}
            place = halves_and_blocks(row.name, layers.grid, own["size"], **sizes)
        yield from chips_of(scene, how.stack, BURNED, cut_of(own), layers.read, counts, place)


def _word(words: Mapping[str, str], key: str, default: str, offered: tuple[str, ...], row: Row) -> str:
    value = words.get(key) or default
    if value not in offered:
        raise StageError(f"{TABLE}: {row.name}: {key} is '{value}'; write {', '.join(offered)}")
    return value


def _offset(text: str, default: object, row: Row) -> object:
    if not text or text == AUTO:
        return text or default
    if text not in ("0", "-1000"):
        raise StageError(f"{TABLE}: {row.name}: offset is '{text}'; write -1000, 0 or auto")
    return int(text)


def _listed(folder: Path, table: Path) -> list[Row]:
    """Scenes of the table."""
    with table.open(newline="") as handle:
        reader = csv.DictReader(handle)
        unknown = [name for name in reader.fieldnames or [] if name not in COLUMNS]
        if unknown or not {"scene", "image", "label"} <= set(reader.fieldnames or []):
            raise StageError(
                f"{table}, line 1: the columns are {', '.join(reader.fieldnames or [])}; scene, image and label are "
                f"needed, and {', '.join(COLUMNS)} are known"
            )
        found: list[Row] = []
        for line in reader:
            words = {name: (value or "").strip() for name, value in line.items() if name}
            where = f"{table}, line {reader.line_num}"
            if not words["scene"] or not words["image"] or words["scene"] in {row.name for row in found}:
                raise StageError(f"{where}: scene and image must be there, and a scene comes once")
            files = {role: folder / words[role] for role in ROLES if words.get(role)}
            outside = [path for path in files.values() if not path.resolve().is_relative_to(folder.resolve())]
            if outside:
                raise StageError(f"{where}: {outside[0]} lies outside of {folder}; put it there")
            found.append(Row(words["scene"], files, words))
    if not found:
        raise StageError(f"{table}: lists no scene")
    return found


def _found(folder: Path, own: Mapping[str, Any]) -> list[Row]:
    """Scenes by how the names of their files end."""
    scenes: dict[str, dict[str, Path]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in (*RASTERS, *OUTLINES)):
        for role in ROLES:
            if path.stem.endswith(own[role]) and (path.suffix.lower() in RASTERS or role == "label"):
                files = scenes.setdefault(path.stem.removesuffix(own[role]), {})
                if role in files:
                    raise StageError(f"{path}: {files[role]} is the {role} of the same scene; keep one of them")
                files[role] = path
                break
    rows = [Row(name, files, {}) for name, files in sorted(scenes.items()) if "image" in files]
    if not rows:
        raise StageError(
            f"{folder}: holds neither {TABLE} nor a raster whose name ends in {own['image']}; list your scenes in "
            f"{TABLE}, or write image: and how their names end"
        )
    return rows
