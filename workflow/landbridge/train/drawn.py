"""Populations that a loss is taken of, each with random streams of its own for batches, dropout, turns and mixtures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from landbridge.prepare.streams import stream
from landbridge.train.losses import Batch
from landbridge.train.turns import turned


class Population(Protocol):
    """What the loop draws batches from."""

    def __len__(self) -> int: ...

    def batch(self, index: Tensor) -> Batch:
        """The windows at `index` (b,)."""


class Mixing(Protocol):
    """What makes mixtures of batches."""

    generator: torch.Generator

    def partners(self, index: Tensor) -> Tensor:
        """Windows (b,) to mix those at `index` (b,) with."""

    def __call__(self, batch: Batch, partner: Batch) -> Batch:
        """The mixture."""


@dataclass
class Drawn:
    """A population with random streams of its own for batches and for dropout.

    Two populations in one loss must not disturb each other's draws: with one of them left out, the other's path
    stays the same bit for bit.

    Attributes:
        members: where batches hold the groups evenly, all windows (window,) in the order of their groups, and how many
            each group has (group,).
        turns: draws flips and quarter turns of chips; None leaves them as they are.
        mixing: makes mixtures of every batch; None leaves it as it is.
        scored: whether its loss is added; a side without is there for a penalty.
    """

    name: str
    population: Population
    share: float
    generator: torch.Generator
    dropout_state: Tensor
    order: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))
    members: tuple[Tensor, Tensor] | None = None
    turns: torch.Generator | None = None
    mixing: Mixing | None = None
    scored: bool = True

    @classmethod
    def start(
        cls,
        name: str,
        population: Population,
        share: float,
        seed: int,
        device: str = "cpu",
        groups: Tensor | None = None,
        *,
        turns: bool = False,
        scored: bool = True,
    ) -> Drawn:
        """A population at the beginning of its streams.

        Args:
            groups: (window,) group of each; with it every batch holds the groups evenly.
            turns: whether chips are flipped and turned.
            scored: whether its loss is added.
        """
        batches = torch.Generator().manual_seed(stream("batches", name, seed))
        dropout = torch.Generator(device).manual_seed(stream("dropout", name, seed)).get_state()
        members = None
        if groups is not None:
            members = torch.argsort(groups.cpu(), stable=True), torch.bincount(groups.cpu())
        own = torch.Generator().manual_seed(stream("turns", name, seed)) if turns else None
        return cls(name, population, share, batches, dropout, members=members, turns=own, scored=scored)

    def next_batch(self, size: int) -> Batch:
        """The next batch."""
        index = self.next_index(size)
        batch = self._drawn(index)
        return batch if self.mixing is None else self.mixing(batch, self._drawn(self.mixing.partners(index)))

    def _drawn(self, index: Tensor) -> Batch:
        batch = self.population.batch(index)
        return turned(batch, self.turns) if self.turns is not None else batch

    def next_index(self, size: int) -> Tensor:
        """Indices of the next batch: a shuffled pass, then another; what is left of a pass opens the next batch.

        With groups: a group for each place, then one of its windows.
        """
        size = min(size, len(self.population))
        if self.members is not None:
            windows, counts = self.members
            group = torch.randint(len(counts), (size,), generator=self.generator)
            draw = torch.rand(size, generator=self.generator, dtype=torch.float64)
            first = counts.cumsum(0) - counts
            return windows[first[group] + (draw * counts[group]).long()]
        while len(self.order) < size:
            self.order = torch.cat([self.order, torch.randperm(len(self.population), generator=self.generator)])
        index, self.order = self.order[:size], self.order[size:]
        return index

    def state(self, prefix: str) -> dict[str, Tensor]:
        """Streams as tensors, for a training checkpoint."""
        found = {
            f"{prefix}.generator": self.generator.get_state(),
            f"{prefix}.dropout": self.dropout_state,
            f"{prefix}.order": self.order,
        }
        if self.turns is not None:
            found[f"{prefix}.turns"] = self.turns.get_state()
        if self.mixing is not None:
            found[f"{prefix}.mixing"] = self.mixing.generator.get_state()
        return found

    def load(self, state: dict[str, Tensor], prefix: str) -> None:
        """Take up streams that `state` gave."""
        self.generator.set_state(state[f"{prefix}.generator"])
        self.dropout_state = state[f"{prefix}.dropout"]
        self.order = state[f"{prefix}.order"]
        if self.turns is not None:
            self.turns.set_state(state[f"{prefix}.turns"])
        if self.mixing is not None:
            self.mixing.generator.set_state(state[f"{prefix}.mixing"])
