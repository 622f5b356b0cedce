"""What the training loop draws from: the labelled windows of one population, standardised as they are gathered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from landbridge.contract import IGNORE
from landbridge.prepare.scaling import Scaler
from landbridge.train.losses import Batch

if TYPE_CHECKING:
    from landbridge.train.samples import Samples


class Scaled:
    """Labelled windows or chips with the inputs and targets standardised as they are gathered."""

    def __init__(self, samples: Samples, scaler: Scaler, *, balanced: bool = False) -> None:
        self.samples = samples
        self.scaler = scaler
        device = samples.device
        self.ends, self.sizes = samples.windows.tensors(slice(None), device)
        labels, weights = samples.labels
        if balanced and samples.layout.class_weights:
            factors = samples.class_factors[samples.unit]
            weights = weights * factors.reshape(-1, *[1] * (weights.ndim - 1))
        if balanced and samples.task == "segmentation":
            weights = weights * pixel_factors(labels, samples.outputs, samples.layout.rare_class_weight)
        self.weights = torch.as_tensor(weights, device=device)
        self.on: Tensor | None = None
        if samples.layout.on_from:
            least = np.array([samples.layout.on_from[name] for name in samples.layout.targets])
            self.on = torch.as_tensor(np.nan_to_num(labels) >= least, device=device)
        if samples.task == "regression":
            standard = (labels - scaler.target_mean) / scaler.target_spread
            # A missing label has weight 0; NaN times 0 would still be NaN.
            self.labels = torch.as_tensor(np.nan_to_num(standard).astype(np.float32), device=device)
        else:
            self.labels = torch.as_tensor(labels.astype(np.int64), device=device)

    def __len__(self) -> int:
        return len(self.ends)

    def batch(self, index: Tensor) -> Batch:
        """The windows at `index`; a regression's outputs are compared over the `scored` steps."""
        place = index.to(self.ends.device)
        ends = self.ends[place]
        inputs = self.samples.inputs(ends, self.sizes[place], self.scaler)
        if self.samples.task != "regression":
            return Batch(inputs, self.labels[ends], self.weights[ends], index)
        layout = self.samples.layout
        back = torch.arange(layout.scored - 1, -1, -1, device=ends.device) + layout.lookahead
        steps = ends[:, None] - back
        on = self.on[steps] if self.on is not None else None
        return Batch(inputs, self.labels[steps], self.weights[steps], index, on)


def pixel_factors(labels: np.ndarray, classes: int, most: float) -> np.ndarray:
    """Factors of the weights of pixels, float32: how many times the commonest class is as common, `most` at most.

    Args:
        labels: of any shape; 255 is ignored.
        classes: number of classes.
        most: largest factor; with 1 all pixels weigh the same.
    """
    counts = np.bincount(labels[labels != IGNORE].astype(np.int64), minlength=classes)
    factors = np.ones(IGNORE + 1, np.float32)
    factors[:classes] = np.minimum(counts.max() / np.maximum(counts, 1), most)
    return factors[labels]
