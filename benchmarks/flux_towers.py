"""Speed at the size of CarbonFluxBench: `python benchmarks/flux_towers.py`.

Harmonises a twin of 1.2 million site-days with 24 columns, and one of twice the rows, each in a process of its own;
then takes a paper-scale `lstm` epoch apart. Prints medians of several runs.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))
REPEATS = 3
TOWERS, YEARS = 470, 7  # 470 towers x 2557 days: 1.2 million site-days
STEPS = 12

HARMONISE = """
import json, resource, sys, time
from collections import Counter
from pathlib import Path
import yaml
from landbridge.domains.flux_towers.readers import READERS
from landbridge.io import netcdf, series
described = yaml.safe_load(open("workflow/landbridge/domains/flux_towers/domain.yaml"))["variables"]
start = time.perf_counter()
folder, path = Path(sys.argv[1]), Path(sys.argv[2])
with series.SeriesWriter(path, described, {"Conventions": "CF-1.11", "dataset": "large"}) as writer:
    for unit in READERS["carbonfluxbench"](folder, {}, counts=Counter()):
        writer.add(unit)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps([time.perf_counter() - start, peak, writer.count]))
"""


def harmonise(folder: Path) -> tuple[float, float, int]:
    """Seconds, peak memory in GiB and site-days of one harmonisation, start-up not counted."""
    import json

    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-c", HARMONISE, str(folder), f"{out}/large.nc"]
        environment = {"PYTHONPATH": "workflow", "PATH": "/usr/bin:/bin"}
        found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, env=environment)
        seconds, peak, count = json.loads(found.stdout)
        return seconds, peak, count


def tables() -> None:
    """The two sizes side by side, in turns."""
    from landbridge.domains.flux_towers.twin import write_twin

    with tempfile.TemporaryDirectory() as place:
        folders = []
        for times in (1, 2):
            folder = Path(place) / str(times)
            folder.mkdir()
            # No neighbours or second names are counted in the round number; they come on top.
            write_twin(folder, "large", 1, source_towers=times * TOWERS - 40, target_towers=40, years=YEARS)
            (folder / "truth.parquet").unlink()  # published data have none
            (folder / "MiCASA.parquet").unlink()
            folders.append(folder)
        runs = [[harmonise(folder) for folder in folders] for _ in range(REPEATS)]
    for number in range(2):
        seconds = statistics.median(run[number][0] for run in runs)
        peak = max(run[number][1] for run in runs)
        print(
            f"{runs[0][number][2]:,} site-days x 24 columns: {seconds:.1f} s, {peak:.2f} GiB at most ({REPEATS} runs)"
        )
    ratio = statistics.median(run[1][0] / run[0][0] for run in runs)
    rows = runs[0][1][2] / runs[0][0][2]
    print(f"{rows:.2f} times the rows take {ratio:.2f} times as long")


def epoch() -> None:
    """Share of a paper-scale `lstm` epoch that is not forward, backward or step."""
    import numpy as np
    import torch
    from landbridge.models import lstm
    from landbridge.models.network import initialise
    from landbridge.prepare.scaling import fit_scaler
    from landbridge.train import drawn, loop
    from landbridge.train.losses import MeanLoss
    from landbridge.train.samples import Samples

    torch.set_num_threads(1)
    dataset, layout = large_population(np.random.default_rng(1))
    samples = Samples(dataset, layout)
    scaler = fit_scaler([dataset], *layout.scaler_arguments())
    network = lstm.build(layout.shape(len(layout.inputs)), {"hidden": 256, "dropout": 0.3, "static": False})
    initialise(network, 1)
    scaled, loss = samples.tensors.scaled(scaler, balanced=True), MeanLoss("regression")
    schedule = loop.Schedule(rate=1e-3, steps=STEPS, batch=2048)

    def whole() -> float:
        start = time.perf_counter()
        loop.train(network, [drawn.Drawn.start("source", scaled, 1.0, 1)], loss, schedule)
        return time.perf_counter() - start

    def bare() -> float:
        """The same steps on a batch that is ready."""
        from landbridge.train.adamw import AdamW, clip_gradients

        parameters = network.set_trainable("all")
        optimiser = AdamW(parameters, 1e-3, 1e-4)
        batch = scaled.batch(torch.arange(2048))
        start = time.perf_counter()
        for _ in range(STEPS):
            optimiser.zero_grad()
            loss(network(*batch.inputs), batch).backward()
            clip_gradients(parameters, 1.0)
            optimiser.step()
        return time.perf_counter() - start

    whole(), bare()
    pairs = [(whole(), bare()) for _ in range(REPEATS)]
    share = statistics.median(1 - b / a for a, b in pairs)
    each = statistics.median(a for a, _ in pairs) / STEPS
    print(
        f"paper-scale lstm: {each:.2f} s a step of 2048 windows on one core; {100 * share:.1f} % of it outside "
        f"forward, backward and step"
    )


def large_population(random):  # type: ignore[no-untyped-def]
    """A population of 300,000 site-days with 18 drivers and three targets."""
    import numpy as np
    from landbridge.contract import Dataset, Variable
    from landbridge.train.layout import Layout

    units, days = 120, 2500
    inputs = [f"x{number}" for number in range(18)]
    targets = ["gpp", "reco", "nee"]
    variables = {
        "unit_name": Variable(("unit",), np.array([f"u{i}" for i in range(units)])),
        "igbp": Variable(("unit",), np.array(["ENF", "GRA", "DBF", "CRO"] * (units // 4))),
        "row_size": Variable(("unit",), np.full(units, days, np.int32)),
        "time": Variable(("obs",), np.tile(np.arange(days), units), {"units": "days since 1970-01-01"}),
    }
    for name in (*inputs, *targets):
        variables[name] = Variable(("obs",), random.normal(size=units * days).astype(np.float32))
    layout = Layout(
        "regression", "series", "day", tuple(targets), tuple(inputs), {"igbp": ("ENF", "GRA", "DBF", "CRO")},
        length=30, stride=15, scored=15, class_weights=("igbp",),
    )  # fmt: skip
    return Dataset(variables), layout


if __name__ == "__main__":
    tables()
    epoch()
    print(f"peak of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
