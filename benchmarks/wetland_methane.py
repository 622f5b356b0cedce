"""Speed and memory of the simulated grid: `python benchmarks/wetland_methane.py [FOLDER]`.

Writes one year of the full grid (360 x 720 cells) in the layout of X-MethaneWet: five daily variables of 386 MB each,
monthly NPP, eight static fields; land is a quarter of the cells, as on the Earth. Harmonises it in a process of its
own, all land and a tenth of it, and then the year three times over; all land also with every variable packed, beside
the usual rule, which packs what gains by it. MB are uncompressed bytes of the files.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))
REPEATS = 3
YEARS = (2001, 2002, 2003)
LAND = 0.24  # of the cells

HARMONISE = """
import json, resource, sys, time
from collections import Counter
from pathlib import Path
import xarray, yaml
from landbridge.domains.wetland_methane.readers import READERS
from landbridge.io import netcdf, series
if sys.argv[4] == "packed":
    netcdf.worth_packing = lambda values: True
described = yaml.safe_load(open("workflow/landbridge/domains/wetland_methane/domain.yaml"))["variables"]
folder, path, settings = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
start = time.perf_counter()
with series.SeriesWriter(path, described, {"Conventions": "CF-1.11", "dataset": "large"}) as writer:
    for unit in READERS["tem_mdm"](folder, settings, counts=Counter()):
        writer.add(unit)
seconds = time.perf_counter() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, writer.units,
    path.stat().st_size / 1e6]))
"""


def write(folder: Path) -> int:
    """One year of the full grid, linked as further years; returns the bytes of a year."""
    import netCDF4
    import numpy as np
    from landbridge.domains.wetland_methane.grids import FULL_LAT, FULL_LON
    from landbridge.domains.wetland_methane.simulation import DAILY, DAYS, MONTHLY, STATICS

    random = np.random.default_rng(1)
    land = random.random((360, 720)) < LAND
    usual = {"elevation": 100, "soil_ph": 6.5, "bulk_density": 1.1}
    levels = {
        "precipitation": 2,
        "shortwave": 120,
        "air_temperature": 5,
        "vapour_pressure": 8,
        "ch4_flux": 30,
        "npp": 30,
    }
    possible = np.arange(31)[None, :] < DAYS[:, None]
    total = 0

    def create(path: Path, name: str, axes: tuple[str, ...]) -> tuple[netCDF4.Dataset, netCDF4.Variable]:
        handle = netCDF4.Dataset(path, "w")
        for axis, size in zip(("lat", "lon", "month", "day"), (360, 720, 12, 31), strict=True):
            handle.createDimension(axis, size)
        handle.createVariable("lat", "f8", ("lat",))[:] = FULL_LAT
        handle.createVariable("lon", "f8", ("lon",))[:] = FULL_LON
        variable = handle.createVariable(name, "f4", axes, fill_value=np.float32(-999999))
        variable.set_auto_maskandscale(False)
        return handle, variable

    for name, variable in STATICS.items():
        handle, array = create(folder / f"{variable}.nc", variable, ("lat", "lon"))
        array[:] = np.where(land, usual.get(name, 2), -999999)
        handle.close()
        total += 4 * land.size
    for name, (variable, pattern) in (DAILY | MONTHLY).items():
        daily = name in DAILY
        path = folder / pattern.format(YEARS[0])
        handle, array = create(path, variable, ("lat", "lon", "month", "day")[: 4 if daily else 3])
        for row in range(360):
            shape = (720, 12, 31) if daily else (720, 12)
            values = (levels[name] * random.uniform(0.5, 1.5, shape)).astype(np.float32)
            values[~land[row]] = -999999
            if daily:
                values[:, ~possible] = -999999
            array[row] = values
            total += values.nbytes
        handle.close()
        for year in YEARS[1:]:
            (folder / pattern.format(year)).symlink_to(path)
    for name in ("ch4-1979-2018.txt", "kco21979-2018.txt"):
        value = 1700 if name.startswith("ch4") else 380
        (folder / name).write_text("".join(f"{year} {value}\n" for year in range(1979, 2019)))
    return total


def harmonise(folder: Path, years: list[int], share: float, packing: str) -> tuple[float, float, int, float]:
    """Seconds, peak memory in GiB, cells and MB written of one harmonisation, start-up not counted."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        settings = json.dumps({"years": years, "share": share})
        command = [sys.executable, "-c", HARMONISE, str(folder), f"{out}/large.nc", settings, packing]
        environment = {"PYTHONPATH": "workflow", "PATH": "/usr/bin:/bin"}
        found = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, env=environment)
        seconds, peak, cells, written = json.loads(found.stdout)
        return seconds, peak, cells, written


def main() -> None:
    """Write, then harmonise in each way."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as place:
        folder = Path(place)
        megabytes = write(folder) / 1e6
        for years, share, packings in ((1, 1.0, ("packed", "usual")), (1, 0.1, ("usual",)), (3, 0.1, ("usual",))):
            # Turn about, so that what else the machine does falls on both.
            turns = [
                [harmonise(folder, [YEARS[0], YEARS[years - 1]], share, packing) for packing in packings]
                for _ in range(REPEATS)
            ]
            for packing, runs in zip(packings, zip(*turns, strict=True), strict=True):
                seconds, peak = statistics.median(run[0] for run in runs), max(run[1] for run in runs)
                print(
                    f"{years} year(s), {runs[0][2]:,} cells, {packing}: {years * megabytes:,.0f} MB read, "
                    f"{runs[0][3]:,.0f} MB written: {seconds:.1f} s, {years * megabytes / seconds:.0f} MB/s, "
                    f"{peak:.2f} GiB at most ({REPEATS} runs)"
                )
            if len(packings) == 2:
                ratios = [one[0] / other[0] for one, other in turns]
                print(f"  seconds of packed over usual: {', '.join(f'{ratio:.2f}' for ratio in ratios)}")


if __name__ == "__main__":
    main()
