"""Training on data that memory does not hold: `python benchmarks/mapped_training.py [--cells 300] [FOLDER]`.

Writes a source of 40 years of daily drivers of some grid cells (seven inputs and a target, 40 bytes an observation; a
tenth of them is validation) and reads and trains on it in processes of their own, the data once in memory and once
mapped from files, turn about in each repeat. Windows are years. Printed are medians:

- anonymous MB: the most that the process takes beyond what its libraries take, until the first batches are drawn and
  with training; pages of files are not among them.
- ready: seconds from the start of reading until the first batch, scaler, labels and windows included.
- drawn: windows a second of 500 batches of 64 alone, at random places; trained: in 30 steps of an `lstm` of width 128.

The files' pages are warm, as they are where memory has room for them; what a disk gives beyond that is its own speed.
"""

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))
REPEATS, YEARS = 3, 40
INPUTS = [f"driver_{number}" for number in range(7)]
RESIDENT_MB, MAPPED_MB = 10**6, 1  # limits that everything and nothing stays below

TRAIN = """
import json, sys, threading, time
from pathlib import Path
import torch
from landbridge.models import lstm
from landbridge.models.network import initialise
from landbridge.prepare.scaling import check_scaler, fit_scaler
from landbridge.stage import Job
from landbridge.train.harness import open_source
from landbridge.train.networks import schedule_of, set_threads
from landbridge.train.held import Held
from landbridge.train.layout import Layout
from landbridge.train.drawn import Drawn
from landbridge.train.loop import train
from landbridge.train.losses import MeanLoss

def memory(kind):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) / 1024

def watch():
    while True:
        peak[0] = max(peak[0], memory("RssAnon:"))
        time.sleep(0.002)

path, settings, device = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
set_threads(1)
torch.zeros(1, device=device)
before = memory("RssAnon:")
peak = [before]
threading.Thread(target=watch, daemon=True).start()
start = time.perf_counter()
dataset = Held.of(Job("pretrain", {}, {}, settings)).read(path)
layout = Layout.of(settings, dataset)
source = open_source(dataset, layout, device)
del dataset
scaler = fit_scaler([source.train.dataset], *layout.scaler_arguments())
check_scaler(scaler, [source.train.dataset], *layout.scaler_arguments())
population = source.train.tensors.scaled(scaler)
drawn = Drawn.start("source", population, 1.0, 1, device)
float(drawn.next_batch(64).weights.sum())
ready = time.perf_counter() - start
start = time.perf_counter()
for _ in range(500):
    batch = drawn.next_batch(64)
float(batch.weights.sum())
draws = 500 * 64 / (time.perf_counter() - start)
data = peak[0] - before
network = lstm.build(layout.shape(7), {}).to(device)
initialise(network, 1)
start = time.perf_counter()
outcome = train(network, [drawn], MeanLoss("regression"), schedule_of(settings["training"], 1e-3, 365, steps=30))
trained = 30 * 64 / (time.perf_counter() - start)
loss = outcome.history[-1]["training_loss"]
print(json.dumps([data, peak[0] - before, ready, draws, trained, len(population), loss]))
"""


def write_source(path: Path, cells: int) -> int:
    """`source.nc` of so many cells; returns its observations."""
    import numpy as np
    from landbridge.contract import Unit
    from landbridge.io import series

    words = {"dimension": "obs", "units": "1"}
    described = {name: {**words, "role": "input", "long_name": name} for name in INPUTS}
    described["y"] = {**words, "role": "target", "long_name": "target"}
    described |= {name: {"dimension": "unit", "role": "group", "long_name": name} for name in ("group", "part")}
    random = np.random.default_rng(1)
    time = np.arange("1979-01-01", f"{1979 + YEARS}-01-01", dtype="datetime64[D]")
    with series.SeriesWriter(path, described, {"Conventions": "CF-1.11", "step": "day"}) as writer:
        for cell in range(cells):
            drivers = random.random((len(INPUTS), len(time)), np.float32)
            values = dict(zip(INPUTS, drivers, strict=True)) | {"y": drivers[:3].mean(axis=0)}
            part = "source_val" if cell % 10 == 0 else "source_train"
            writer.add(Unit(f"cell {cell}", time, values, {"group": f"block {cell}", "part": part}))
    return cells * len(time)


def trained(path: Path, megabytes: int, device: str) -> list[float]:
    """What `TRAIN` prints."""
    window = {"length": 365, "stride": 365, "scored": 365}
    training = {"epochs": 1, "epoch_steps": 1, "batch": 64, "weight_decay": 0.0, "clip": 1.0, "patience": 1}
    settings = {"task": "regression", "kind": "series", "step": "day", "targets": ["y"], "inputs": INPUTS}
    settings |= {"one_hot": {}, "window": window, "training": training, "data_memory_mb": megabytes}
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", TRAIN, str(path), json.dumps(settings), device]
    found = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    numbers: list[float] = json.loads(found.stdout)
    return numbers


@dataclasses.dataclass(frozen=True)
class Way:
    """Where data lie."""

    name: str
    megabytes: int


def main() -> None:
    """Write, then train in both ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="of the file that is written; of temporary files if left out")
    parser.add_argument("--cells", type=int, default=300)
    parser.add_argument("--device", default="cpu", help="cpu or such as cuda:0")
    given = parser.parse_args()
    ways = (Way("resident", RESIDENT_MB), Way("mapped", MAPPED_MB))
    with tempfile.TemporaryDirectory(dir=given.folder) as place:
        path = Path(place) / "source.nc"
        observations = write_source(path, given.cells)
        print(f"{observations:,} observations, {observations * 40 / 1e6:,.0f} MB, on {given.device}")
        runs = [[trained(path, way.megabytes, given.device) for way in ways] for _ in range(REPEATS)]
    for way, own in zip(ways, zip(*runs, strict=True), strict=True):
        data, memory, ready, draws, steps, windows, _ = (statistics.median(column) for column in zip(*own, strict=True))
        print(
            f"{way.name}: {data:,.0f} MB anonymous, {memory:,.0f} with training, ready in {ready:.1f} s, "
            f"{draws:,.0f} windows/s drawn, {steps:,.0f} trained; {windows:,.0f} windows ({REPEATS} runs)"
        )
    columns = ("memory", "memory with training", "time until ready", "windows drawn", "windows trained")
    for column, name in enumerate(columns):
        ratios = [in_files[column] / resident[column] for resident, in_files in runs]
        print(f"  {name}, mapped over resident: {', '.join(f'{ratio:.2f}' for ratio in ratios)}")
    print(f"  losses equal: {len({run[-1] for pair in runs for run in pair}) == 1}")


if __name__ == "__main__":
    main()
