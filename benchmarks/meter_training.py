"""Training of `seq2point` by index against a loader of ready windows: `python benchmarks/meter_training.py`.

Two ways to train the same network on the same minutes, one after the other in each repeat, so that the machine's own
speed drops out of the ratio:

- index: the loop of this project; the mains stay one contiguous tensor and a batch holds stretches of it, each with
  several points to predict, whose convolutions are shared.
- loader: one window of 599 steps for each point, all of them in memory, `torch.utils.data.DataLoader` without workers,
  torch's optimiser and clipping, the same network point by point.

Prints points (windows of 599 steps) a second as medians, the ratio as a median of pairs, and the bytes of the training
data of each way at three lengths of the window. Seconds are those of the processor, of one thread.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from landbridge.models import seq2point
from landbridge.models.network import Network, build, initialise
from landbridge.models.shape import Shape
from landbridge.train.drawn import Drawn
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import Batch, MeanLoss

FIELD, BATCH, RATE, CLIP = 599, 128, 1e-4, 1.0
POINTS = 64  # to predict in each stretch of the first way
NETWORKS = {
    "small": {"filters": [8, 8, 8, 8, 8], "dense": 32},
    "published": {},
}


class Stretches:
    """Stretches of one series, by index.

    Args:
        series: (n, 1) mains.
        labels: (n, 1).
        field: steps around a point.
    """

    def __init__(self, series: Tensor, labels: Tensor, field: int) -> None:
        self.series, self.labels, self.length = series, labels, field + POINTS - 1
        self.begins = torch.arange(0, len(series) - self.length + 1, POINTS)
        self.middle = field // 2

    def __len__(self) -> int:
        return len(self.begins)

    def batch(self, index: Tensor) -> Batch:
        """What the loop draws."""
        begin = self.begins[index, None]
        x = self.series[begin + torch.arange(self.length)]
        labels = self.labels[begin + self.middle + torch.arange(POINTS)]
        return Batch((x, x.new_zeros(len(x), 0)), labels, torch.ones_like(labels), index)

    def bytes(self) -> int:
        """Of what it holds."""
        return sum(tensor.numel() * tensor.element_size() for tensor in (self.series, self.labels, self.begins))


def network(settings: dict[str, object], scored: int) -> Network:
    """A network that predicts so many points of each stretch."""
    shape = Shape(1, 0, 1, FIELD + scored - 1, scored=scored, lookahead=FIELD // 2)
    made = build(seq2point, shape, settings)
    initialise(made, 1)
    return made


def by_index(settings: dict[str, object], series: Tensor, labels: Tensor, steps: int) -> float:
    """Points a second of the loop of this project."""
    population = Stretches(series, labels, FIELD)
    schedule = Schedule(rate=RATE, steps=steps, batch=BATCH // POINTS, clip=CLIP)
    own = network(settings, POINTS)
    begun = time.process_time()
    train(own, [Drawn.start("source", population, 1.0, 1)], MeanLoss("regression"), schedule)
    return steps * BATCH / (time.process_time() - begun)


def by_loader(settings: dict[str, object], windows: Tensor, targets: Tensor, steps: int) -> float:
    """Points a second of a loader of ready windows."""
    loader = DataLoader(TensorDataset(windows, targets), batch_size=BATCH, shuffle=True)
    own = network(settings, 1)
    optimiser = torch.optim.Adam(own.parameters(), RATE)
    own.train()
    begun, done = time.process_time(), 0
    while done < steps:
        for x, y in loader:
            optimiser.zero_grad()
            (own(x, x.new_zeros(len(x), 0))[:, 0] - y).square().mean().backward()
            torch.nn.utils.clip_grad_norm_(own.parameters(), CLIP)
            optimiser.step()
            done += 1
            if done == steps:
                break
    return steps * BATCH / (time.process_time() - begun)


def main() -> None:
    """Print what each way does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=12, help="optimiser steps of a repeat")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--minutes", type=int, default=20_000, help="length of the series")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(1)
    series = torch.randn(arguments.minutes, 1, generator=generator)
    labels = torch.randn(arguments.minutes, 1, generator=generator)
    windows = series[:, 0].unfold(0, FIELD, 1)[..., None].contiguous()
    targets = labels[FIELD // 2 :][: len(windows)]
    for name, settings in NETWORKS.items():
        pairs = []
        for _ in range(arguments.repeats):
            pairs.append(
                (
                    by_index(settings, series, labels, arguments.steps),
                    by_loader(settings, windows, targets, arguments.steps),
                )
            )
        index, loader = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        print(f"{name}: index {index:.0f}, loader {loader:.0f} points a second, ratio {ratio:.2f}", flush=True)
    for field in (299, 599, 1199):
        held = Stretches(series, labels, field).bytes()
        ready = (arguments.minutes - field + 1) * (field + 1) * 4
        print(f"window {field}: index {held / 1e6:.2f} MB, loader {ready / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main()
