"""The twin of land cover in EuroSAT's layout: a folder for each class, tiles of thirteen bands with B8A last."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.warp import transform

from landbridge.domains.satellite_imagery.covers import COVERS, draw_cover
from landbridge.domains.satellite_imagery.landscape import fractal
from landbridge.domains.satellite_imagery.regions import Region, read_region
from landbridge.domains.satellite_imagery.spectra import bands, positions, wavelengths
from landbridge.domains.satellite_imagery.twin_cube import write_table
from landbridge.domains.satellite_imagery.twin_scene import noisy
from landbridge.prepare.streams import generator

TREE = Path("ds/images/remote_sensing/otherDatasets/sentinel_2/tif")
FILE_ORDER = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B10", "B11", "B12", "B8A")
PIXEL_METRES = 10
NATIVE_PIXELS = {  # of 10 m, on a side of the band's own pixel; 1 where not named
    **dict.fromkeys(("B05", "B06", "B07", "B8A", "B11", "B12"), 2),
    **dict.fromkeys(("B01", "B09", "B10"), 6),
}
HAZE, HAZE_EXPONENT = 0.1, -4  # reflectance of air at the shortest wavelength; molecules scatter as its fourth power
TRANSMITTANCE = {"B09": 0.4, "B10": 0.02}  # of water vapour; the rest passes
CIRRUS = 0.001  # reflectance of thin cloud in B10
LONGITUDES = {"west": (-12.0, 17.0), "east": (20.5, 36.0)}  # degrees; zones 29 to 33, and 34 to 36
BLOCK_DEGREES, MARGIN_DEGREES = 0.5, 0.02
LATITUDES = (37.0, 58.0)
NORTH_OF = 45.0  # degrees; places of the west are of region `north` there, and of `med` below
EAST_SHARE = 0.38  # of tiles; west of them a cut at three fifths and a gap of two degrees lose few
TILES_PER_PLACE = 12
SLOTS, SLOT_DEGREES = 10, 0.045  # on a side of a place; a tile of 64 pixels is at most 0.011 degrees wide


@dataclass(frozen=True)
class Place:
    """Where a cluster of tiles lies: its south-west corner in degrees, and its region."""

    name: str
    longitude: float
    latitude: float
    region: Region

    def slot(self, number: int) -> tuple[float, float]:
        """Longitude and latitude of its tile `number`."""
        return (
            self.longitude + SLOT_DEGREES * (number % SLOTS),
            self.latitude + SLOT_DEGREES * (number // SLOTS % SLOTS),
        )


def write(folder: Path, dataset: str, seed: int, *, tiles: int, side: int, shift: str) -> None:
    """Write `ds/.../tif/<Class>/<Class>_<n>.tif` and `truth_parameters.csv`; see `twin.write_twin`.

    Args:
        folder: where to.
        dataset, seed: of the random streams.
        tiles: of each class.
        side: pixels of a tile.
        shift: `unrelated` draws what a tile of the east shows independently of its class.
    """
    eastern = round(EAST_SHARE * tiles)
    counts = {"west": tiles - eastern, "east": eastern}
    places = {part: draw_places(part, number, dataset, seed) for part, number in counts.items()}
    used = dict.fromkeys((place.name for part in places.values() for place in part), 0)
    rows = []
    for number, cover in enumerate(COVERS):
        (folder / TREE / cover).mkdir(parents=True)
        for tile in range(tiles):
            own = places["west" if tile < counts["west"] else "east"]
            place = own[(tile + number) % len(own)]
            longitude, latitude = place.slot(used[place.name])
            used[place.name] += 1
            random = generator("twin", dataset, seed, cover, tile)
            shown = cover
            if shift == "unrelated" and own is places["east"]:
                shown = str(generator("twin shown", dataset, seed, cover, tile).choice(list(COVERS)))
            path = folder / TREE / cover / f"{cover}_{tile + 1}.tif"
            zone = write_tile(path, draw_tile(shown, place.region, side, random), longitude, latitude)
            rows.append(
                {"unit": path.stem, "class": cover, "shown": shown, "place": place.name, "region": place.region.name,
                 "longitude": round(longitude, 4), "latitude": round(latitude, 4), "zone": zone}
            )  # fmt: skip
    write_table(folder / "truth_parameters.csv", rows)


def draw_places(part: str, tiles: int, dataset: str, seed: int) -> list[Place]:
    """Places of the west or of the east for `tiles` of each class, spread evenly over longitudes.

    Each lies in a block of half a degree of its own, so that no two tiles overlap.
    """
    random = generator("twin places", dataset, seed, part)
    number = max(round(tiles * len(COVERS) / TILES_PER_PLACE), 1)
    (west, east), (south, north) = LONGITUDES[part], LATITUDES
    columns, rows = (round((most - least) / BLOCK_DEGREES) for least, most in ((west, east), (south, north)))
    free = {column: random.permutation(rows).tolist() for column in range(columns)}
    found = []
    for place in range(number):
        column = place * columns // number
        longitude = west + BLOCK_DEGREES * column + MARGIN_DEGREES
        latitude = south + BLOCK_DEGREES * free[column].pop() + MARGIN_DEGREES
        region = "east" if part == "east" else "north" if latitude >= NORTH_OF else "med"
        found.append(Place(f"{part}_{place + 1:02d}", longitude, latitude, read_region(region)))
    return found


def draw_tile(cover: str, region: Region, side: int, random: np.random.Generator) -> np.ndarray:
    """(band, y, x) reflectance of one tile at the top of the atmosphere, in the order of EuroSAT's files."""
    ground, water = draw_cover(cover, region, side, random)
    light = water + (1 - water) * region.illumination(fractal(side, random))  # water lies flat
    seen = region.sensed(light * ground)
    haze = HAZE * (wavelengths() / wavelengths()[0]) ** HAZE_EXPONENT
    found = np.empty_like(seen)
    for number, band in enumerate(bands()):
        native = noisy(_coarse(seen[number], NATIVE_PIXELS.get(band, 1)), random)
        passed = TRANSMITTANCE.get(band, 1.0)
        found[number] = haze[number] * passed + passed * _fine(native, NATIVE_PIXELS.get(band, 1), side)
    found[positions(["B10"])] += CIRRUS
    return found[positions(FILE_ORDER)]


def _coarse(image: np.ndarray, pixels: int) -> np.ndarray:
    """Means of blocks of `pixels` x `pixels`; the last ones repeat the image's edge."""
    if pixels == 1:
        return image
    blocks = -(-len(image) // pixels)
    wide = np.pad(image, (0, blocks * pixels - len(image)), mode="edge")
    return wide.reshape(blocks, pixels, blocks, pixels).mean(axis=(1, 3))


def _fine(image: np.ndarray, pixels: int, side: int) -> np.ndarray:
    """Each pixel repeated as a block, cut to `side`."""
    return image.repeat(pixels, axis=0).repeat(pixels, axis=1)[:side, :side]


def write_tile(path: Path, reflectance: np.ndarray, longitude: float, latitude: float) -> int:
    """Write a tile in the UTM zone that it lies in; the number of that zone. No nodata is declared, as published."""
    zone = int((longitude + 180) // 6) + 1
    crs = f"EPSG:{32600 + zone}"
    (east,), (north,) = transform("EPSG:4326", crs, [longitude], [latitude])
    values = np.clip(np.round(reflectance * 10_000), 1, 65534).astype(np.uint16)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(values),
        height=values.shape[1],
        width=values.shape[2],
        dtype="uint16",
        crs=crs,
        transform=Affine(PIXEL_METRES, 0, round(east, -1), 0, -PIXEL_METRES, round(north, -1)),
        compress="deflate",
        predictor=2,
        interleave="band",
    ) as handle:
        handle.write(values)
    return zone
