"""How fast satellite images are harmonised: `python benchmarks/satellite_imagery.py`, some 1.5 GB of disk for a while.

Writes tiles in EuroSAT's layout and one scene of a whole Sentinel-2 tile (10,980 x 10,980 pixels, six bands), and
harmonises each in a process of its own on one core, from the raw files to the NetCDF file. Prints seconds, rates and
peak memory; `--tiles 1000 --side 2745` makes smaller ones. One in `--every` chips of the scene goes to the file, so
that the disk holds it; all of them are cut.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT)]

SIDE = 10_980  # pixels of a Sentinel-2 tile at 10 m
BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")
MEANS = (1344, 1100, 1015, 917, 1177, 2006, 2381, 2312, 726, 12, 1848, 1119, 2623)  # of EuroSAT100, in file order
TILES_PER_SECOND, PEAK_MB = 150, 1000  # what is asked for


def write_tiles(folder: Path, count: int) -> None:
    """Tiles of 64 x 64 pixels and thirteen bands, each 2 km from the next."""
    import rasterio
    from landbridge.domains.satellite_imagery.eurosat import CLASSES
    from rasterio.transform import Affine

    random = np.random.default_rng(1)
    profile = {"driver": "GTiff", "count": 13, "width": 64, "height": 64, "dtype": "uint16", "interleave": "pixel"}
    for number in range(count):
        word = CLASSES[number % 10]
        path = folder / "tif" / word / f"{word}_{number}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.reshape(MEANS, (13, 1, 1)) * random.uniform(0.7, 1.3, (13, 64, 64))
        place = Affine(10, 0, 300_000 + 2_000 * (number % 200), 0, -10, 5_400_000 - 2_000 * (number // 200))
        crs = f"EPSG:{32629 + number % 8}"
        with rasterio.open(path, "w", crs=crs, transform=place, **profile) as handle:
            handle.write(values.astype(np.uint16))


def write_scene(folder: Path, side: int) -> None:
    """A scene of six bands and its label, tiled, with a border without data."""
    import rasterio
    from rasterio.transform import Affine
    from rasterio.windows import Window

    random = np.random.default_rng(2)
    common = {"driver": "GTiff", "width": side, "height": side, "crs": "EPSG:32633", "tiled": True}
    common |= {"blockxsize": 512, "blockysize": 512, "transform": Affine(10, 0, 300_000, 0, -10, 5_400_000)}
    with (
        rasterio.open(folder / "a_post.tif", "w", count=6, dtype="uint16", compress="deflate", **common) as image,
        rasterio.open(folder / "a_label.tif", "w", count=1, dtype="uint8", compress="deflate", **common) as label,
    ):
        for number, name in enumerate(BANDS, start=1):
            image.set_band_description(number, name)
        for row in range(0, side, 512):
            height = min(512, side - row)
            values = random.integers(100, 4000, (6, height, side), dtype=np.uint16)
            values[:, :, : side // 20] = 0
            image.write(values, window=Window(0, row, side, height))
            label.write((values[3] < 1500).astype(np.uint8), 1, window=Window(0, row, side, height))


def run(reader: str, folder: Path, every: int) -> None:
    """Harmonise; prints seconds of processor and wall, the peak of memory in MB, and counts, as JSON."""
    import yaml
    from landbridge.domains.satellite_imagery import readers
    from landbridge.io import netcdf

    variables = yaml.safe_load((Path(readers.__file__).parent / "domain.yaml").read_text())["variables"]
    counts: Counter[str] = Counter()
    start = time.perf_counter()
    chips = readers.READERS[reader](folder, {}, counts=counts)
    kept = (chip for number, chip in enumerate(chips) if number % every == 0)
    netcdf.write_chips(folder / "data.nc", kept, (), variables, {"Conventions": "CF-1.11"})
    wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {"wall": wall, "processor": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}
    print(json.dumps({**found, "counts": counts}))


def report(reader: str, folder: Path, every: int) -> None:
    """One line for one run on one core; its seconds of processor hold the start of Python."""
    core = {min(os.sched_getaffinity(0))}
    command = [sys.executable, __file__, "--run", reader, str(folder), "--every", str(every)]
    done = subprocess.run(
        command, capture_output=True, check=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, core)
    )
    found = json.loads(done.stdout.splitlines()[-1])
    chips = found["counts"]["chips"]
    print(
        f"{reader}: {chips} chips in {found['wall']:.1f} s, with the start {found['processor']:.1f} s of processor; "
        f"{chips / found['wall']:.0f} chips a second, {chips / found['processor']:.0f} of processor (asked: "
        f"{TILES_PER_SECOND}); peak {found['peak_mb']:.0f} MB "
        f"(asked: under {PEAK_MB})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=int, default=5000, help="tiles in EuroSAT's layout")
    parser.add_argument("--side", type=int, default=SIDE, help="pixels along a side of the scene")
    parser.add_argument("--every", type=int, default=8, help="chips of the scene of which one is written")
    parser.add_argument("--folder", type=Path, help="where to make them; a temporary folder if not given")
    parser.add_argument("--run", nargs=2, metavar=("READER", "RAW"), help="one run, for itself")
    given = parser.parse_args()
    if given.run:
        run(given.run[0], Path(given.run[1]), given.every)
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        write_tiles(Path(name), given.tiles)
        report("eurosat", Path(name), 1)
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        write_scene(Path(name), given.side)
        report("cube", Path(name), given.every)


if __name__ == "__main__":
    main()
