"""How fast travel-mode data are read and harmonised: `python benchmarks/gps_traces.py`, some 6 GB of disk for a while.

Makes raw text of the published sizes from repeated blocks, and runs the stage `harmonise` on it, its check of checksums
included, in a process of its own on one core. Prints seconds, rates and peak memory; `--share 0.25` makes a quarter.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT)]

GEOLIFE_FILES, GEOLIFE_POINTS, GEOLIFE_USERS = 18_670, 24_876_978, 182
LABELLED_SHARE = 0.6  # of each track; every user labels, which is more than in the published set, where 69 of 182 do
HEADER = b"Geolife trajectory\r\nWGS 84\r\nAltitude is in Feet\r\nReserved 3\r\n0,2,255,My Track,0,0,2,8421376\r\n0\r\n"
MODES = ("walk", "bus", "bike", "taxi", "car", "subway", "train")
TEMPLATE_DATE = "2008-01-01"
TABLE_BYTES = (1 << 29, 1 << 31)  # of processed tables; the published one has 29 GB, and memory must not grow with it


def write_geolife(folder: Path, share: float) -> None:
    """A tree of Geolife's size: tracks of equal length, one each day of a user, with CRLF."""
    random = np.random.default_rng(1)
    points = GEOLIFE_POINTS // GEOLIFE_FILES + 1
    blocks = [_track(random, points) for _ in range(16)]
    files = round(share * GEOLIFE_FILES)
    for user in range(GEOLIFE_USERS):
        own = range(user, files, GEOLIFE_USERS)
        place = folder / "Data" / f"{user:03d}" / "Trajectory"
        place.mkdir(parents=True)
        rows = ["Start Time\tEnd Time\tTransportation Mode"]
        for day, number in enumerate(own):
            date = str(np.datetime64(TEMPLATE_DATE) + day)
            body, seconds = blocks[number % len(blocks)]
            name = date.replace("-", "") + "000000.plt"
            (place / name).write_bytes(HEADER + body.replace(TEMPLATE_DATE.encode(), date.encode()))
            stop = str(np.datetime64(date) + np.timedelta64(int(LABELLED_SHARE * seconds), "s"))
            start, stop = f"{date} 00:00:00".replace("-", "/"), stop.replace("-", "/").replace("T", " ")
            rows.append(f"{start}\t{stop}\t{MODES[number % len(MODES)]}")
        (place.parent / "labels.txt").write_text("\r\n".join(rows) + "\r\n")


def _track(random: np.random.Generator, points: int) -> tuple[bytes, int]:
    seconds = np.cumsum(random.integers(1, 6, points))
    lat, lon = (centre + np.cumsum(random.normal(0, 1e-4, points)) for centre in (39.9, 116.4))
    stamps = [str(stamp) for stamp in np.datetime64(TEMPLATE_DATE) + seconds.astype("timedelta64[s]")]
    days = 39448 + seconds / 86400
    rows = zip(lat.tolist(), lon.tolist(), days.tolist(), stamps, strict=True)
    text = "".join(f"{a:.6f},{b:.6f},0,492,{c:.10f},{d[:10]},{d[11:]}\r\n" for a, b, c, d in rows)
    return text.encode(), int(seconds[-1])


def write_table(path: Path, size: int) -> None:
    """A processed table of at least `size` bytes, trips of 189 rows on average."""
    random = np.random.default_rng(2)
    lengths = random.integers(20, 359, 1000)
    rows = []
    for trip, length in enumerate(lengths.tolist()):
        step, speed = random.integers(1, 9, length).astype(float), random.uniform(1, 100, length)
        label = ("Bike", "Bus", "Car", "Train", "Walk")[trip % 5]
        rows += [
            f"{a!r},{b!r},{a * b / 3.6!r},block_0000000-{trip:04d}-2019-10-11,{label}"
            for a, b in zip(step.tolist(), speed.tolist(), strict=True)
        ]
    block = ("\n".join(rows) + "\n").encode()
    with path.open("wb") as handle:
        written = handle.write(b"time_diff,speed,distance,traj_id,label\n")
        number = 0
        while written < size:
            written += handle.write(block.replace(b"block_0000000", f"block_{number:07d}".encode()))
            number += 1


def harmonise(reader: str, raw: Path, manifest: Path, out: Path) -> None:
    """One job of the stage; prints seconds of processor and wall, and the peak of memory in MB, as JSON."""
    from landbridge.domains.gps_traces.readers import READERS
    from landbridge.prepare import harmonise as stage
    from landbridge.stage import Job

    from tests.unit.domains.gps_traces.described import DESCRIBED

    class Bound(Job):
        def load(self, role: str) -> SimpleNamespace:
            return SimpleNamespace(READERS=READERS)

    settings = {
        "dataset": reader,
        "title": reader,
        "reader": reader,
        "reader_settings": {},
        "step": "irregular",
        "kind": "series",
        "feature_type": "trajectory",
        "variables": DESCRIBED,
        "code": "",
        "raw": str(raw),
    }
    start = time.perf_counter()
    outputs = {"dataset": out, "counts": out.with_suffix(".json")}
    stage.run(Bound("harmonise", {"manifest": manifest}, outputs, settings))
    used = resource.getrusage(resource.RUSAGE_SELF)
    wall = time.perf_counter() - start
    print(json.dumps({"wall": wall, "processor": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}))


def measure(reader: str, raw: Path, folder: Path) -> tuple[dict[str, float], dict[str, object], int]:
    """Seconds and memory of one run, its counts, and the bytes that it read."""
    from landbridge.io.fetch import sha256_of

    files = sorted(path for path in raw.rglob("*") if path.is_file())
    entries = [
        {"name": path.relative_to(raw).as_posix(), "bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in files
    ]
    manifest = folder / "manifest.json"
    described = {"version": "", "license": "", "citation": "", "dataset": reader}
    manifest.write_text(json.dumps({"files": entries, **described}))
    out = folder / "out.nc"
    core = {min(os.sched_getaffinity(0))}
    done = subprocess.run(
        [sys.executable, __file__, "--run", reader, str(raw), str(manifest), str(out)],
        capture_output=True,
        check=True,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, core),
    )
    counts = json.loads(out.with_suffix(".json").read_text())
    return json.loads(done.stdout), counts, sum(entry["bytes"] for entry in entries)


def report(name: str, found: dict[str, float], counts: dict[str, object], size: int) -> None:
    """One line."""
    points = counts["counts"]["points"]  # type: ignore[index]
    print(
        f"{name}: {size / 1e9:.2f} GB, {points / 1e6:.1f} M points, {counts['units']} trips: "
        f"{found['wall']:.1f} s, of which {found['processor']:.1f} s of processor; "
        f"{size / found['processor'] / 1e6:.0f} MB and {points / found['processor'] / 1e6:.2f} M points a second of "
        f"processor; peak {found['peak_mb']:.0f} MB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of Geolife's size")
    parser.add_argument("--folder", type=Path, help="where to make the raw text; a temporary folder if not given")
    parser.add_argument("--run", nargs=4, metavar=("READER", "RAW", "MANIFEST", "OUT"), help="one run, for itself")
    given = parser.parse_args()
    if given.run:
        harmonise(given.run[0], *(Path(word) for word in given.run[1:]))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        raw = folder / "geolife"
        raw.mkdir()
        write_geolife(raw, given.share)
        report("geolife", *measure("geolife", raw, folder))
    for size in TABLE_BYTES:
        with tempfile.TemporaryDirectory(dir=given.folder) as name:
            folder = Path(name)
            raw = folder / "table"
            raw.mkdir()
            write_table(raw / "table.csv", size)
            report("processed_csv", *measure("processed_csv", raw, folder))


if __name__ == "__main__":
    main()
