"""Training of `speed_transformer` by index against a loader of ready windows: `python benchmarks/gps_training.py`.

Three ways to train the same network on the same trips, one after the other in each repeat, so that the machine's own
speed drops out of the ratios:

- index: the loop of this project; speeds stay one contiguous tensor, a batch is gathered by index and no longer than
  its longest window.
- loader: overlapping windows of full length in memory, `torch.utils.data.DataLoader` without workers over single
  windows, torch's optimiser and clipping; the network is ours to the last line.
- loader, torch's dropout: the same, with the attention of torch in place of ours. A GPU has that one either way.

Prints windows a second (medians), the ratios (medians of pairs), and what making a batch takes by itself. Seconds are
those of the processor on a CPU, of one thread, and of the clock on a GPU.
"""

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.nn.functional as functional
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from landbridge.models import rotary_attention, speed_transformer
from landbridge.models.network import Network, initialise
from landbridge.models.shape import Shape
from landbridge.train.drawn import Drawn
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import Batch, MeanLoss

LENGTH, STRIDE, CLASSES = 200, 50, 5
RATE, DECAY, CLIP = 2e-4, 1e-4, 1.0
NETWORKS = {
    "small": {"hidden": 32, "heads": 4, "key_value_heads": 2, "layers": 2},
    "paper": {},
}


class Trips:
    """Windows of trips by first observation and size, over one contiguous tensor of speeds.

    Args:
        trips: number; their lengths are log-normal with a median of 400 fixes, 22 of 100 being shorter than a window.
        device: where the tensors lie.
    """

    def __init__(self, trips: int, device: str) -> None:
        generator = torch.Generator().manual_seed(1)
        lengths = (400 * torch.exp(0.9 * torch.randn(trips, generator=generator))).clamp(10, 20_000).long()
        begins = lengths.cumsum(0) - lengths
        counts = torch.where(lengths > LENGTH, -((LENGTH - lengths) // STRIDE) + 1, 1)
        trip = torch.repeat_interleave(counts)
        turn = torch.arange(len(trip)) - (counts.cumsum(0) - counts)[trip]
        self.first = (begins[trip] + STRIDE * turn).to(device)
        self.size = (lengths[trip] - STRIDE * turn).clamp_max(LENGTH).to(device)
        self.speed = torch.randn(int(lengths.sum()), 1, generator=generator).to(device)
        self.label = (trip % CLASSES).to(device)

    def __len__(self) -> int:
        return len(self.first)

    def gather(self, index: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        """Windows (b, steps, 1), zero behind their end, and which steps are real (b, steps)."""
        step = torch.arange(steps, device=self.speed.device)
        known = step < self.size[index, None]
        place = (self.first[index, None] + step).clamp_max(len(self.speed) - 1)
        return torch.where(known[..., None], self.speed[place], 0.0), known

    def batch(self, index: Tensor) -> Batch:
        """What the loop of this project draws."""
        index = index.to(self.speed.device)
        x, known = self.gather(index, int(self.size[index].max()))
        return Batch((x, x.new_zeros(len(x), 0), known), self.label[index], x.new_ones(len(x)), index)


class ReadyWindows(Dataset):
    """Every window of full length in memory, handed out one at a time."""

    def __init__(self, trips: Trips) -> None:
        parts = [trips.gather(index, LENGTH) for index in torch.arange(len(trips)).to(trips.first.device).split(4096)]
        self.x, self.known = (torch.cat(items).cpu() for items in zip(*parts, strict=True))
        self.label = trips.label.cpu()

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        return self.x[index], self.known[index], self.label[index]


@contextmanager
def attention_of_torch() -> Iterator[None]:
    """Attention with torch's own dropout for a while."""

    def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, dropout: float) -> Tensor:
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)

    ours, rotary_attention.attend = rotary_attention.attend, attend
    try:
        yield
    finally:
        rotary_attention.attend = ours


def network_of(name: str, device: str) -> Network:
    network = speed_transformer.build(Shape(1, 0, CLASSES, LENGTH), NETWORKS[name]).to(device)
    initialise(network, 1)
    return network


def by_index(network: Network, trips: Trips, batch: int, steps: int, device: str) -> None:
    schedule = Schedule(rate=RATE, steps=steps, batch=batch, weight_decay=DECAY, clip=CLIP)
    train(network, [Drawn.start("trips", trips, 1.0, 1, device)], MeanLoss("classification"), schedule)


def by_loader(network: Network, windows: ReadyWindows, batch: int, steps: int, device: str) -> None:
    loader = DataLoader(windows, batch, shuffle=True, num_workers=0, pin_memory=device != "cpu")
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    network.train()
    for x, known, label in itertools.islice(itertools.chain.from_iterable(itertools.repeat(loader)), steps):
        optimiser.zero_grad()
        x, known, label = (item.to(device, non_blocking=True) for item in (x, known, label))
        functional.cross_entropy(network(x, x.new_zeros(len(x), 0), known), label).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimiser.step()


def seconds(work: Callable[[], object], device: str) -> float:
    """Of the processor on a CPU, of the clock on a GPU."""
    if device == "cpu":
        start = time.process_time()
        work()
        return time.process_time() - start
    torch.cuda.synchronize()
    begun = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - begun


def compare(name: str, batch: int, steps: int, repeats: int, trips: Trips, device: str) -> None:
    windows, network = ReadyWindows(trips), network_of(name, device)

    def loader() -> None:
        by_loader(network, windows, batch, steps, device)

    def loader_with_torch() -> None:
        with attention_of_torch():
            loader()

    ways = {"index": lambda: by_index(network, trips, batch, steps, device), "loader": loader}
    if device == "cpu":
        ways["loader, torch's dropout"] = loader_with_torch
    for work in ways.values():
        work()  # the first call pays for what is set up once
    found: dict[str, list[float]] = {way: [] for way in ways}
    for repeat in range(repeats):
        for way in ways if repeat % 2 else reversed(ways):
            found[way].append(seconds(ways[way], device))
    print(f"{name} network, batch {batch}, {device}, {repeats} repeats of {steps} steps")
    for way, times in found.items():
        rate = statistics.median(batch * steps / own for own in times)
        ratio = statistics.median(own / ours for own, ours in zip(times, found["index"], strict=True))
        print(f"  {way}: {rate:.0f} windows/s" + ("" if way == "index" else f"; index is {ratio:.2f} times as fast"))
    order = torch.randperm(len(trips), generator=torch.Generator().manual_seed(2))[: 20 * batch].split(batch)
    gathered = seconds(lambda: [trips.batch(index) for index in order], device) / len(order)
    ready = iter(DataLoader(windows, batch, shuffle=True, num_workers=0, pin_memory=device != "cpu"))
    loaded = seconds(lambda: [[item.to(device) for item in next(ready)] for _ in order], device) / len(order)
    step = statistics.median(found["index"]) / steps
    print(f"  a batch: {1e3 * gathered:.2f} ms by index, {1e3 * loaded:.2f} ms by loader; a step: {1e3 * step:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--trips", type=int, default=2000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_deterministic_debug_mode("error")
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    print(torch.cuda.get_device_name() if device != "cpu" else "CPU, one thread", f"torch {torch.__version__}")
    trips = Trips(given.trips, device)
    full = float((trips.size == LENGTH).float().mean())
    print(f"{len(trips)} windows of {given.trips} trips, {100 * full:.0f} % of them full")
    if device == "cpu":
        compare("small", 64, 6, given.repeats, trips, device)
        compare("paper", 64, 2, given.repeats, trips, device)
    else:
        compare("small", 512, 40, given.repeats, trips, device)
        compare("paper", 512, 20, given.repeats, trips, device)


if __name__ == "__main__":
    main()
