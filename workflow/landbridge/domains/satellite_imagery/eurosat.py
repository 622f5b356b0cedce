"""Reader of EuroSAT (Helber et al. 2019): tiles of 64 x 64 pixels with thirteen bands, ten classes of land cover.

Bands stand in the order B01-B08, B09, B10, B11, B12, B8A: the narrow near infrared is the last. Copies and catalogues
give other orders, so the means of the bands are looked at and an order that they contradict is refused. Numbers are
10,000 times the reflectance at the top of the atmosphere. Tried on the hundred published tiles of EuroSAT100.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Chip
from landbridge.domains.satellite_imagery.bands import EUROSAT, match_bands, name_of, stack_of
from landbridge.domains.satellite_imagery.images import layer_names
from landbridge.domains.satellite_imagery.reading import Reading
from landbridge.domains.satellite_imagery.reflectance import PRODUCTS, to_reflectance
from landbridge.domains.satellite_imagery.scenes import LAND_COVER, Cut, Patch, Scene, chips_of
from landbridge.domains.satellite_imagery.settings import KINDS
from landbridge.domains.satellite_imagery.valid import filled_cells, undeclared_nodata
from landbridge.io import rasters
from landbridge.io.grids import Grid
from landbridge.prepare.places import near_pairs
from landbridge.reader_settings import own_settings
from landbridge.stage import StageError

CLASSES = (
    "AnnualCrop",
    "Forest",
    "HerbaceousVegetation",
    "Highway",
    "Industrial",
    "Pasture",
    "PermanentCrop",
    "Residential",
    "River",
    "SeaLake",
)
DEFAULTS: dict[str, Any] = {
    "stack": "full13",
    "bands": list(EUROSAT),
    "west_share": 0.6,
    "gap_degrees": 2.0,
    "block_degrees": 0.5,
    "least_valid": 0.5,
    "truth": False,
}
RULE = PRODUCTS["sentinel2_before_04"]
LOOKED_AT = 200  # tiles that the order of the bands is checked by
CIRRUS_SHARE = 0.1  # of every other band's mean, above which a band is not cirrus: 12 of 726 in EuroSAT100
NEAR_INFRARED = (0.6, 1.6)  # mean of B8A over that of B08: 1.13 in EuroSAT100, 0.31 where B09 is taken for B8A
APART_KM = 1.0  # of tiles in different blocks, as the audit asks


@dataclass(frozen=True)
class Tile:
    """One file before its pixels are read."""

    path: Path
    land_cover: int
    grid: Grid
    lon: float
    lat: float


def read_eurosat(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Chip]:
    """Tiles in the order of their names, each with its class, region and block.

    Sorted by longitude, the western `west_share` of the tiles is the region `west`. From the first tile that is not,
    a gap of `gap_degrees` belongs to no transfer (`gap`); what lies east of it is the region `east`. Blocks are
    `block_degrees` wide; of tiles in two blocks that lie under a kilometre apart one is dropped.

    Args:
        folder: holds `**/<Class>/<Class>_<n>.tif`.
        settings: stack, bands (in file order), west_share, gap_degrees, block_degrees, least_valid,
            truth (whether labels are the truth, as of synthetic tiles).
        counts: gets what was read and what was dropped.

    Raises:
        StageError: an order of bands that the pixels contradict, an unknown class, a file that can't be used.
    """
    own = own_settings(settings, DEFAULTS, KINDS)
    how = Reading(stack_of(own["stack"]), layers=tuple(own["bands"]))
    with rasters.settled():
        tiles = _tiles(folder, counts)
        check_order(tiles, how)
        names = [name_of(text, how.sensor) for text in own["bands"]]
        index = match_bands(names, how.stack, how.aliases, folder).index
        regions = _regions([tile.lon for tile in tiles], own)
        blocks = [_block(tile, own["block_degrees"]) for tile in tiles]
        kept = _apart(tiles, blocks)
        counts[f"dropped: within {APART_KM:g} km of a tile in another block"] += int((~kept).sum())
        for tile, region, block, keep in zip(tiles, regions, blocks, kept, strict=True):
            if keep:
                counts[f"tiles: {region}"] += 1
                yield from _chip(tile, region, block, how, index, own, counts)


def _tiles(folder: Path, counts: Counter[str]) -> list[Tile]:
    found: list[tuple[Path, int, Grid]] = []
    seen: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.tif"), key=lambda path: path.stem):
        if path.name.startswith("._") or "__MACOSX" in path.parts:
            counts["hidden files, skipped"] += 1
            continue
        word = path.parent.name
        if word not in CLASSES or not path.name.startswith(f"{word}_"):
            raise StageError(f"{path}: does not lie in a folder named like its class, one of {', '.join(CLASSES)}")
        if path.name in seen:
            raise StageError(f"{path}: {seen[path.name]} has the same name; keep one of them")
        seen[path.name] = path
        with rasters.opened(path) as handle:
            grid = rasters.grid_of(handle)
        if not grid.crs:
            raise StageError(f"{path}: has no reference system, so its longitude is not known; fetch the GeoTIFF again")
        found.append((path, CLASSES.index(word), grid))
    if not found:
        raise StageError(f"{folder}: holds no <Class>/<Class>_<n>.tif; unpack EuroSAT's multispectral archive there")
    lon, lat = _centres([grid for _, _, grid in found])
    return [Tile(*one, *place) for one, place in zip(found, zip(lon.tolist(), lat.tolist(), strict=True), strict=True)]


def _centres(grids: Sequence[Grid]) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of the middle of each tile; tiles of one UTM zone at once, for each call costs."""
    lon, lat = np.zeros(len(grids)), np.zeros(len(grids))
    systems = np.array([grid.crs for grid in grids])
    middle = np.array([grid.corner(grid.height / 2, grid.width / 2) for grid in grids])
    for crs in np.unique(systems):
        own = systems == crs
        lon[own], lat[own] = rasters.lon_lat(str(crs), middle[own, 0].tolist(), middle[own, 1].tolist())
    return lon, lat


def check_order(tiles: Sequence[Tile], how: Reading) -> None:
    """Whether the means of the bands fit their names: cirrus far below all, both near infrareds alike.

    Raises:
        StageError: they do not.
    """
    chosen = tiles[:: max(1, len(tiles) // LOOKED_AT)]
    sums = []
    for tile in chosen:
        with rasters.opened(tile.path) as handle:
            names = layer_names(handle, how, tile.path)
            sums.append(handle.read().mean(axis=(1, 2)))
    means = dict(zip(names, np.mean(sums, axis=0).tolist(), strict=True))
    others = [mean for name, mean in means.items() if name != "cirrus"]
    problems = []
    if "cirrus" in means and means["cirrus"] > CIRRUS_SHARE * min(others):
        problems.append(f"cirrus (B10) has {means['cirrus']:.0f} and must lie far below all others")
    if {"nir", "nir_narrow"} <= set(means):
        ratio = means["nir_narrow"] / max(means["nir"], 1e-9)
        if not NEAR_INFRARED[0] <= ratio <= NEAR_INFRARED[1]:
            problems.append(f"nir_narrow (B8A) has {ratio:.2f} of nir (B08) and must be about the same")
    if problems:
        listed = ", ".join(f"{name} {mean:.0f}" for name, mean in means.items())
        raise StageError(
            f"{tiles[0].path.parent.parent}: the means of the bands contradict their order: {'; '.join(problems)}. As "
            f"listed: {listed}. The published files have {', '.join(EUROSAT)}; write bands: as your copy has them"
        )


def _regions(longitudes: Sequence[float], own: Mapping[str, Any]) -> list[str]:
    """west, gap or east of each tile."""
    ordered = sorted(longitudes)
    cut = int(own["west_share"] * len(ordered))
    edge = ordered[cut] if cut < len(ordered) else np.inf
    return ["west" if lon < edge else "east" if lon >= edge + own["gap_degrees"] else "gap" for lon in longitudes]


def _block(tile: Tile, degrees: float) -> str:
    """South-western corner of the square of degrees that a tile's centre lies in."""
    south, west = (np.floor(value / degrees) * degrees for value in (tile.lat, tile.lon))
    return f"{south:+06.2f} {west:+07.2f}"


def _apart(tiles: Sequence[Tile], blocks: Sequence[str]) -> np.ndarray:
    """(tile,) bool: what stays where tiles of different blocks may not lie within a kilometre."""
    kept = np.ones(len(tiles), bool)
    lat, lon = np.array([tile.lat for tile in tiles]), np.array([tile.lon for tile in tiles])
    while True:
        index = np.flatnonzero(kept)
        _, second = near_pairs(lat[index], lon[index], np.asarray(blocks)[index], APART_KM)
        if len(second) == 0:
            return kept
        kept[index[second]] = False


def _chip(
    tile: Tile,
    region: str,
    block: str,
    how: Reading,
    index: Sequence[int],
    own: Mapping[str, Any],
    counts: Counter[str],
) -> Iterator[Chip]:
    with rasters.opened(tile.path) as handle:
        if handle.count != len(own["bands"]):
            raise StageError(
                f"{tile.path}: has {handle.count} bands, and bands: lists {len(own['bands'])}; fetch it again"
            )
        stored = rasters.read(handle, index, 0, 0, tile.grid.shape)
    if stored.dtype == np.uint8:
        raise StageError(f"{tile.path}: holds 8-bit numbers, a picture for the eye; fetch the multispectral archive")
    values = to_reflectance(stored, RULE)
    usable = np.isfinite(values).all(axis=0)
    for number, cells in filled_cells(stored, 1).items():
        if undeclared_nodata(cells):
            counts[f"tiles with a border of undeclared nodata: {number:g}"] += 1
            usable &= ~cells
    scene = Scene(tile.path.stem, block, region, block, "", "sentinel2", "top_of_atmosphere", tile.grid)
    label = np.asarray(tile.land_cover, np.uint8)
    patch = Patch(values, usable, label, label if own["truth"] else None)
    cut = Cut(min(tile.grid.shape), own["least_valid"])
    yield from chips_of(scene, how.stack, LAND_COVER, cut, lambda row, col, size: patch, counts)
