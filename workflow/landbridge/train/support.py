"""Support windows: what a network is shown of the same unit beside the window that it predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from landbridge.contract import Dataset
from landbridge.prepare import windows
from landbridge.prepare.windows import Grid
from landbridge.train.layout import Layout


@dataclass(frozen=True)
class Support:
    """Complete windows that tile the records of units without overlap.

    They are those of the population itself, or of another one whose rows are none of this one's.

    Attributes:
        tiles: (tile,) their last observations.
        first, counts: (unit,) where the tiles of its own, or of its group, begin, and how many they are.
        length: observations of a window.
        number: of windows to show.
        elsewhere: whether they are of another population.
    """

    tiles: Tensor
    first: Tensor
    counts: Tensor
    length: int
    number: int
    elsewhere: bool = False

    @classmethod
    def of(cls, dataset: Dataset, layout: Layout, unit: np.ndarray, device: torch.device) -> Support:
        """Tiles of a population; `unit` (obs,) is that of each observation."""
        ends, _ = windows.complete_windows(dataset, layout.inputs, Grid(layout.length, layout.length), layout.step)
        counts = np.bincount(unit[ends], minlength=len(dataset["unit_name"]))
        first = np.cumsum(counts) - counts
        tiles, begin, count = (torch.as_tensor(array, device=device) for array in (ends, first, counts))
        return cls(tiles, begin, count, layout.length, layout.support)

    def for_others(self, unit: np.ndarray, own: np.ndarray, others: np.ndarray) -> Support:
        """These tiles for the units of another population, by group.

        Args:
            unit: (obs,) that of each observation here.
            own: (unit,) group of each unit here.
            others: (unit,) group of each unit there.
        """
        tiles = self.tiles.cpu().numpy()
        group = own[unit[tiles]]
        order = np.argsort(group, kind="stable")
        first, last = (np.searchsorted(group[order], others, side) for side in ("left", "right"))
        tensors, device = (tiles[order], first, last - first), self.tiles.device
        made, begin, count = (torch.as_tensor(array, device=device) for array in tensors)
        return Support(made, begin, count, self.length, self.number, elsewhere=True)

    def ends(self, ends: Tensor, unit: Tensor) -> tuple[Tensor, Tensor]:
        """(b, k) ends of windows beside those at `ends` (b,), evenly spread over the unit's record; and which exist.

        Of the windows that tile the record two at most share a step with any window, and those are passed over. Windows
        of another population share none.
        """
        count, begin = self.counts[unit], self.first[unit]
        share = (torch.arange(self.number, device=ends.device) + 0.5) / self.number
        if self.elsewhere:
            index = begin[:, None] + (count[:, None] * share).long()
            there = (count > 0)[:, None].expand_as(index)
            return (self.tiles[index.clamp_max(len(self.tiles) - 1)] if len(self.tiles) else index), there
        place = torch.searchsorted(self.tiles, ends) - begin  # the first tile that ends at `ends` or after it
        usable = (count - 2).clamp_min(0)
        turn = (usable[:, None] * share).long() + 1
        index = begin[:, None] + (place[:, None] + turn) % count.clamp_min(1)[:, None]
        tiles = self.tiles
        beside = tiles[index.clamp_max(max(len(tiles) - 1, 0))] if len(tiles) else ends[:, None].expand_as(index)
        apart = (beside - ends[:, None]).abs() >= self.length
        known = apart & (usable > 0)[:, None]
        return torch.where(known, beside, ends[:, None]), known
