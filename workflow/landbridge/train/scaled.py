"""What the training loop draws from: the labelled windows of one population, standardised as they are gathered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from landbridge.contract import IGNORE
from landbridge.io import mapped
from landbridge.prepare.scaling import Scaler
from landbridge.train.losses import Batch

if TYPE_CHECKING:
    from landbridge.train.samples import Samples


class Scaled:
    """Labelled windows or chips with the inputs and targets standardised as they are gathered."""

    def __init__(self, samples: Samples, scaler: Scaler, *, balanced: bool = False) -> None:
        self.samples = samples
        self.scaler = scaler
        self.tensors, layout = samples.tensors, samples.layout
        home = self.tensors.home
        self.ends, self.sizes = self.tensors.windows(samples.windows)
        labels, weights = samples.labels
        if balanced and layout.class_weights:
            plain, factors = weights, samples.class_factors
            rest = [1] * (plain.ndim - 1)
            weights = samples.filled(
                plain.shape, np.float32, lambda rows: plain[rows] * factors[samples.unit[rows]].reshape(-1, *rest)
            )
        if balanced and samples.task == "segmentation":
            before, rare = weights, pixel_factors(labels, samples.outputs, layout.rare_class_weight)
            weights = samples.filled(before.shape, np.float32, lambda rows: before[rows] * rare[labels[rows]])
        self.weights = torch.as_tensor(weights, device=home)
        self.on: Tensor | None = None
        if layout.on_from:
            least = np.array([layout.on_from[name] for name in layout.targets])
            on = samples.filled(labels.shape, bool, lambda rows: np.nan_to_num(labels[rows]) >= least)
            self.on = torch.as_tensor(on, device=home)
        if samples.task == "regression":
            # A missing label has weight 0; NaN times 0 would still be NaN.
            labels = samples.filled(
                *(labels.shape, np.float32),
                lambda rows: np.nan_to_num((samples.labels[0][rows] - scaler.target_mean) / scaler.target_spread),
            )
        self.labels = torch.as_tensor(labels, device=home)

    def __len__(self) -> int:
        return len(self.ends)

    def batch(self, index: Tensor) -> Batch:
        """The windows at `index`; a regression's outputs are compared over the `scored` steps."""
        ends = self.ends[index.to(self.ends.device)]
        device = self.tensors.device
        inputs = self.tensors.inputs(ends, self.sizes[index.to(self.ends.device)], self.scaler)
        if self.samples.task != "regression":
            return Batch(inputs, self.labels[ends].to(device).long(), self.weights[ends].to(device), index)
        layout = self.samples.layout
        back = torch.arange(layout.scored - 1, -1, -1, device=ends.device) + layout.lookahead
        steps = ends[:, None] - back
        on = self.on[steps].to(device) if self.on is not None else None
        return Batch(inputs, self.labels[steps].to(device), self.weights[steps].to(device), index, on)


class Inputs:
    """All windows or chips of a population, labelled or not, with the inputs standardised as they are gathered.

    In the place of labels stands 0, so that equal code may look at both; a weight is 1, or 0 at a pixel that was not
    seen.
    """

    def __init__(self, samples: Samples, scaler: Scaler) -> None:
        self.samples = samples
        self.scaler = scaler
        self.tensors = samples.tensors
        self.ends, self.sizes = self.tensors.windows(samples.input_windows)

    def __len__(self) -> int:
        return len(self.ends)

    def batch(self, index: Tensor) -> Batch:
        """The windows at `index`."""
        place, device = index.to(self.ends.device), self.tensors.device
        ends = self.ends[place]
        inputs = self.tensors.inputs(ends, self.sizes[place], self.scaler)
        if self.samples.task == "segmentation":
            weights = self.tensors.seen(ends).float()  # (b, y, x)
        elif self.samples.task == "classification":
            weights = torch.ones(len(ends), device=device)
        else:
            layout = self.samples.layout
            weights = torch.ones(len(ends), layout.scored, layout.outputs, device=device)
        kind = torch.float32 if self.samples.task == "regression" else torch.int64
        return Batch(inputs, torch.zeros_like(weights, dtype=kind), weights, index)


def pixel_factors(labels: np.ndarray, classes: int, most: float) -> np.ndarray:
    """(256,) float32 factors of the weights of pixels by class: how many times the commonest class is as common.

    Args:
        labels: of any shape; 255 is ignored.
        classes: number of classes.
        most: largest factor; with 1 all pixels weigh the same.
    """
    counts = np.zeros(classes, np.int64)
    for rows in mapped.blocks(len(labels), 8 * labels[:1].size):
        part = labels[rows]
        counts += np.bincount(part[part != IGNORE].astype(np.int64), minlength=classes)
    factors = np.ones(IGNORE + 1, np.float32)
    factors[:classes] = np.minimum(counts.max() / np.maximum(counts, 1), most)
    return factors
