"""How fast household meters are read and gridded: `python benchmarks/smart_meters.py`, some 400 MB of disk for a while.

Makes a CSV of REFIT's layout and of the length of its longest homes, and reads it in a process of its own on one core;
then the three homes of DeviceScope, where there is a folder of real files. Prints seconds, rates and peak memory;
`--rows 1000000` makes a shorter file.
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
import pyarrow as pa
import pyarrow.csv

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT)]

ROWS = 7_000_000
HOUSE = 2
START = 1_380_000_000  # s, September 2013
CHUNK = 1_000_000  # rows written at a time
HEADER = "Time,Unix,Aggregate," + ",".join(f"Appliance{number}" for number in range(1, 10)) + ",Issues\n"


def write_refit(path: Path, rows: int) -> None:
    """A home of REFIT: readings every 6 to 10 s, some repeated, in whole W, and 1 % of rows with issues."""
    random = np.random.default_rng(1)
    options = pa.csv.WriteOptions(include_header=False)
    clock = START
    with path.open("wb") as handle:
        handle.write(HEADER.encode())
        for begin in range(0, rows, CHUNK):
            count = min(CHUNK, rows - begin)
            step = random.integers(6, 11, count)
            step[random.random(count) < 0.003] = 0
            unix = clock + np.cumsum(step)
            clock = int(unix[-1])
            power = random.integers(0, 200, (9, count)) * (random.random((9, count)) < 0.3)
            power[random.random((9, count)) < 0.01] = 2100
            columns = [unix.astype("datetime64[s]"), unix, power.sum(axis=0) + 90, *power]
            table = pa.table([*columns, (random.random(count) < 0.01).astype(np.int8)], names=HEADER[:-1].split(","))
            pa.csv.write_csv(table, handle, options)


def read(reader: str, folder: Path) -> None:
    """Read all homes; prints seconds of processor and wall, the peak of memory in MB, and counts, as JSON."""
    from landbridge.domains.smart_meters.readers import READERS

    counts: Counter[str] = Counter()
    start = time.perf_counter()
    for _ in READERS[reader](folder, {}, counts=counts):
        pass
    wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {"wall": wall, "processor": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}
    print(json.dumps({**found, "counts": counts}))


def report(reader: str, folder: Path) -> None:
    """One line for one run on one core; its seconds of processor hold the start of Python."""
    size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".csv", ".gzip"))
    core = {min(os.sched_getaffinity(0))}
    done = subprocess.run(
        [sys.executable, __file__, "--run", reader, str(folder)],
        capture_output=True,
        check=True,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, core),
    )
    found = json.loads(done.stdout)
    readings = found["counts"]["readings"]
    print(
        f"{reader}: {size / 1e6:.0f} MB, {readings / 1e6:.2f} M readings, {found['counts']['homes']} homes: "
        f"{found['wall']:.1f} s, with the start {found['processor']:.1f} s of processor; "
        f"{size / found['wall'] / 1e6:.0f} MB and {readings / found['wall'] / 1e6:.2f} M readings a second; "
        f"peak {found['peak_mb']:.0f} MB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="of the file in REFIT's layout")
    parser.add_argument("--folder", type=Path, help="where to make it; a temporary folder if not given")
    parser.add_argument("--run", nargs=2, metavar=("READER", "RAW"), help="one run, for itself")
    given = parser.parse_args()
    if given.run:
        read(given.run[0], Path(given.run[1]))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        write_refit(Path(name) / f"CLEAN_House{HOUSE}.csv", given.rows)
        report("refit", Path(name))
    mirror = Path(os.environ.get("LANDBRIDGE_MIRROR", ROOT.parent / "shared" / "data"))
    excerpts = mirror / "smart_meters" / "devicescope"
    if excerpts.is_dir():
        report("devicescope", excerpts)
    else:
        print(f"devicescope: {excerpts} is not there; name a folder of real files in LANDBRIDGE_MIRROR")


if __name__ == "__main__":
    main()
