"""A population as networks read it: tensors on the device, whose windows are gathered by index and never copied out.

Where the data of a population lie in files (`io.mapped`) its tensors do, too: windows are gathered there by the same
indices, and the batch alone goes to the device.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from landbridge.models.learner import at_once
from landbridge.prepare.scaling import Scaler
from landbridge.stage import StageError
from landbridge.train.scaled import Inputs, Scaled
from landbridge.train.support import Support

if TYPE_CHECKING:
    from landbridge.train.samples import Samples, Windows


@dataclass(frozen=True)
class Stored:
    """The arrays of a population as tensors, which all that differ in the rows to predict share.

    Attributes:
        values: (obs, input), or (chip, band, y, x).
        seen: (chip, y, x) whether a pixel was seen; nothing of series.
        unit: (obs,) unit of each observation, or of each chip.
        static: (unit, number), always on the device.
    """

    values: Tensor
    seen: Tensor
    unit: Tensor
    static: Tensor

    @classmethod
    def of(cls, samples: Samples) -> Stored:
        """On the device, or where the data lie in files."""
        home = "cpu" if samples.in_files else samples.device
        values, seen, unit = (torch.as_tensor(own, device=home) for own in (samples.values, samples.seen, samples.unit))
        return cls(values, seen, unit, torch.as_tensor(samples.static, device=samples.device))


class Tensors:
    """A population on the device.

    Args:
        samples: the population.
        stored: its arrays, where those of one with the same data stand there already.

    Attributes:
        device: where batches go.
        home: where what has a value for each observation lies.
    """

    def __init__(self, samples: Samples, stored: Stored | None = None) -> None:
        self.samples = samples
        self.layout = samples.layout
        self.stored = stored or Stored.of(samples)
        self.device, self.home = self.stored.static.device, self.stored.values.device

    def inputs(self, ends: Tensor, sizes: Tensor, scaler: Scaler) -> tuple[Tensor, ...]:
        """Standardised inputs (b, t, input) or (b, band, y, x), and static (b, number), of windows or chips.

        With support two more: windows (b, k, t, input) of the same unit that share no step with the one to predict,
        and which of them exist (b, k). Where windows may be padded one more: which steps are known (b, t); a batch has
        the steps of its longest window, and 0 stands where a shorter one has ended. Where the network tells groups
        apart one more: the group of each window (b,), -1 where it is not of the source.

        Args:
            ends: (b,) last observation of each window, or its chip.
            sizes: (b,) observations of each window.
            scaler: standardises.
        """
        ends, sizes = ends.to(self.home), sizes.to(self.home)
        if self.samples.chips:
            return self._chips(ends, scaler), self._static(scaler)[ends.to(self.device)]
        own = self.units(ends)
        unit = own.to(self.device)
        static = self._static(scaler)[unit]
        if self.layout.shortest is not None:
            step = torch.arange(int(sizes.max()) if len(sizes) else 1, device=self.home)
            known = (step < sizes[:, None]).to(self.device)
            index = torch.minimum(ends[:, None] - sizes[:, None] + 1 + step, ends[:, None])
            return torch.where(known[..., None], self._steps(index, scaler), 0.0), static, known
        x = self._steps(ends[:, None] - self._back, scaler)
        if self.layout.grouped:
            return x, static, self._group[unit]
        return (x, static, *self._beside(ends, own, scaler)) if self.layout.support else (x, static)

    def _chips(self, index: Tensor, scaler: Scaler) -> Tensor:
        """(b, band, y, x); a pixel that was not seen stands at the band's mean."""
        mean, spread = (own[:, None, None] for own in self._moments(scaler))
        x = (self._gathered(self.stored.values, index) - mean) / spread
        seen = self._gathered(self.stored.seen, index)
        return torch.nan_to_num(torch.where(seen[:, None], x, 0.0), nan=0.0)

    def _beside(self, ends: Tensor, unit: Tensor, scaler: Scaler) -> tuple[Tensor, Tensor]:
        """Support windows and which of them exist; of another population they come with their labels."""
        other = self.samples.shown
        shown = other.tensors if other is not None else self
        beside, there = self.support.ends(ends, unit)
        exists, steps = there.to(self.device), beside[..., None] - self._back
        found = shown._steps(steps, scaler)
        if other is not None:
            found = torch.cat([found, *shown.labels_to_show(steps, scaler)], dim=-1)
        return torch.where(exists[..., None, None], found, 0.0), exists

    @cached_property
    def support(self) -> Support:
        """Where windows of the same unit that a network sees beside one lie; of its group, in another population."""
        own, shown, whole = self.samples, self.samples.shown, self.samples.whole
        if whole is not None and whole.shown is shown:
            return whole.tensors.support
        if shown is None or shown.dataset is own.dataset:
            return Support.of(own.dataset, self.layout, own.unit, self.home)
        groups = (np.asarray(samples.dataset["group"]).astype(str) for samples in (shown, own))
        return shown.tensors.support.for_others(shown.unit, *groups)

    def labels_to_show(self, steps: Tensor, scaler: Scaler) -> tuple[Tensor, Tensor]:
        """Standardised labels (..., target) of observations, 0 where one is missing, and which are known as 0 and 1."""
        values, weights = (torch.as_tensor(array, device=self.home) for array in self.samples.labels)
        mean, spread = self._on_device(scaler.target_mean), self._on_device(scaler.target_spread)
        known = self._gathered(weights, steps) > 0
        labels = (self._gathered(values, steps) - mean) / spread
        return torch.where(known, labels, 0.0), known.float()

    def windows(self, chosen: Windows, index: Any = slice(None)) -> tuple[Tensor, Tensor]:
        """Ends and sizes of some of these windows, where the data lie."""
        found = [torch.as_tensor(array[index], device=self.home) for array in chosen.arrays()]
        return found[0], found[1]

    def units(self, ends: Tensor) -> Tensor:
        """(b,) int64 unit of observations, where the data lie."""
        return self.stored.unit[ends].long()

    def seen(self, index: Tensor) -> Tensor:
        """(b, y, x) whether each pixel of chips was seen."""
        return self._gathered(self.stored.seen, index)

    def groups_of_windows(self, column: str, *, labelled: bool = True) -> Tensor:
        """(window,) int64 number of each window's value of a text column of units.

        Args:
            column: of units.
            labelled: the windows to train on, else all windows, labelled or not.
        """
        samples = self.samples
        if column not in samples.dataset:
            raise StageError(f"units have no column '{column}' to group by")
        ends = samples.ends if labelled else samples.input_windows.ends
        codes = np.unique(np.asarray(samples.dataset[column]).astype(str)[samples.unit[ends]], return_inverse=True)[1]
        return torch.as_tensor(codes.ravel().astype(np.int64), device=self.device)

    def input_batches(self, scaler: Scaler) -> Iterator[tuple[tuple[Tensor, ...], Tensor | None]]:
        """All windows or chips as a network takes them, and what of them is real, (b, t) or (b, y, x)."""
        chosen, size = self.samples.input_windows, at_once(self.samples.cells)
        for start in range(0, len(chosen.ends), size):
            ends, sizes = self.windows(chosen, slice(start, start + size))
            inputs = self.inputs(ends, sizes, scaler)
            if self.samples.chips:
                yield inputs, self.seen(ends)
            else:
                yield inputs, inputs[2] if self.layout.shortest is not None else None

    def prediction_batch(self, index: Tensor, scaler: Scaler) -> tuple[Tensor, ...]:
        """What a network takes for the windows to predict at `index`."""
        return self.inputs(*self.windows(self.samples.prediction_windows, index.numpy()), scaler)

    def prediction_steps(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Rows of the windows to predict from `start` to `stop`: place of the window among them, and output.

        Outputs are counted from the last one backwards, as -1, -2, ...
        """
        place, back = self.samples.prediction_steps(start, stop)
        return torch.as_tensor(place, device=self.device), torch.as_tensor(-1 - back, device=self.device)

    def scaled(self, scaler: Scaler, *, balanced: bool = False) -> Scaled:
        """This population as the training loop draws from it; `balanced` by the factors of its classes."""
        return Scaled(self.samples, scaler, balanced=balanced)

    def inputs_alone(self, scaler: Scaler) -> Inputs:
        """All windows or chips, labelled or not, as the training loop draws from them."""
        return Inputs(self.samples, scaler)

    def _steps(self, index: Tensor, scaler: Scaler) -> Tensor:
        """Standardised inputs (..., input) of observations of series."""
        mean, spread = self._moments(scaler)
        return (self._gathered(self.stored.values, index) - mean) / spread

    def _moments(self, scaler: Scaler) -> tuple[Tensor, Tensor]:
        """(input,) mean and standard deviation."""
        return self._on_device(scaler.input_mean), self._on_device(scaler.input_spread)

    def _static(self, scaler: Scaler) -> Tensor:
        """(unit, number) standardised."""
        return (self.stored.static - self._on_device(scaler.static_mean)) * self._on_device(scaler.static_factor)

    def _gathered(self, tensor: Tensor, index: Tensor) -> Tensor:
        """Rows of a tensor that lies where the data do, on the device."""
        return tensor[index].to(self.device)

    def _on_device(self, array: np.ndarray) -> Tensor:
        return torch.as_tensor(array, dtype=torch.float32, device=self.device)

    @cached_property
    def _back(self) -> Tensor:
        """(t,) how many observations before the last one of a full window each of its steps is."""
        return torch.arange(self.layout.length - 1, -1, -1, device=self.home)

    @cached_property
    def _group(self) -> Tensor:
        """(unit,) group of each unit."""
        return torch.as_tensor(self.samples.group_of_unit, dtype=torch.int64, device=self.device)
