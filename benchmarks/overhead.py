"""What is paid beside the training itself: `python benchmarks/overhead.py`, after `make run`.

Prints medians of several runs, and ratios of things that ran side by side; the machine's own speed drops out of those.
"""

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))
REPEATS = 5


def processor_seconds(command: list[str]) -> float:
    """User and system seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def wall_seconds(command: list[str]) -> float:
    """Seconds from start to end."""
    start = time.perf_counter()
    subprocess.run(
        command, cwd=ROOT, capture_output=True, check=True, env={"PYTHONPATH": "workflow", "PATH": "/usr/bin:/bin"}
    )
    return time.perf_counter() - start


def planning() -> None:
    """Processor time of a dry run."""
    found = [
        processor_seconds([sys.executable, "-m", "snakemake", "-n", "--cores", "2", "all"]) for _ in range(REPEATS)
    ]
    print(f"dry run of the default configuration: {statistics.median(found):.2f} s of processor time ({REPEATS} runs)")


def start_up() -> None:
    """A job that loads torch and does next to nothing, against loading torch alone."""
    record = next((ROOT / "results/logs").rglob("transfer/*/lstm-source_only/fold0-seed0.job.json"), None)
    if record is None:
        raise SystemExit("no finished run here; type `make run` first")
    ours, torch_alone = [], []
    for _ in range(REPEATS):
        ours.append(wall_seconds([sys.executable, "-m", "landbridge", "replay", str(record.relative_to(ROOT))]))
        torch_alone.append(wall_seconds([sys.executable, "-c", "import torch"]))
    ratio = statistics.median(a / b for a, b in zip(ours, torch_alone, strict=True))
    print(
        f"one zero-shot job from start to end: {statistics.median(ours):.2f} s, {ratio:.2f} times `import torch` alone "
        f"({statistics.median(torch_alone):.2f} s)"
    )


def training() -> None:
    """An epoch through the loop against bare forward, backward and step on a batch that is ready."""
    from types import SimpleNamespace

    import torch
    from landbridge.io import netcdf
    from landbridge.models import lstm
    from landbridge.models.network import initialise
    from landbridge.offered import read_config
    from landbridge.plan import Plan
    from landbridge.prepare.scaling import fit_scaler
    from landbridge.train.adamw import AdamW
    from landbridge.train.drawn import Drawn
    from landbridge.train.harness import open_source
    from landbridge.train.layout import Layout
    from landbridge.train.loop import Schedule, train
    from landbridge.train.losses import squared_error

    torch.set_num_threads(1)
    torch.set_deterministic_debug_mode("error")
    wildcards = SimpleNamespace(domain="flux_towers", scenario="twin_towers", model="lstm")
    layout = Layout.of(Plan(read_config({}, [])).settings("pretrain")(wildcards))
    source = open_source(netcdf.read(ROOT / "results/flux_towers/split/twin_towers/fold0/source.nc"), layout, "cpu")
    scaler = fit_scaler([source.train.dataset], *layout.scaler_arguments())
    population = source.train.tensors.scaled(scaler)
    for hidden, batch in ((64, 64), (256, 64)):
        ratios, seconds = [], []
        for repeat in range(REPEATS):
            network = lstm.build(layout.shape(len(layout.inputs)), {"hidden": hidden, "dropout": 0.0})
            initialise(network, repeat)
            steps = 40
            start = time.perf_counter()
            train(
                network,
                [Drawn.start("source", population, 1.0, 1)],
                squared_error,
                Schedule(rate=1e-3, steps=steps, batch=batch),
            )
            loop = time.perf_counter() - start
            ready = population.batch(torch.arange(batch))
            optimiser = AdamW(network.parameters(), 1e-3, 1e-4)
            start = time.perf_counter()
            for _ in range(steps):
                optimiser.zero_grad()
                squared_error(network(ready[0], ready[1]), ready[2], ready[3]).backward()
                optimiser.step()
            bare = time.perf_counter() - start
            ratios.append(1 - bare / loop)
            seconds.append(loop / steps)
        print(
            f"lstm of {hidden} units, batch {batch}: {1000 * statistics.median(seconds):.1f} ms a step, of which "
            f"{100 * statistics.median(ratios):.0f} % outside forward, backward and step"
        )


if __name__ == "__main__":
    planning()
    start_up()
    training()
