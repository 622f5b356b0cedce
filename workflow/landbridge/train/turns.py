"""Flips and quarter turns of chips in training: what a satellite sees has no side that is up."""

from __future__ import annotations

import torch
from torch import Tensor

from landbridge.train.losses import Batch


def turned(batch: Batch, generator: torch.Generator) -> Batch:
    """Each chip of a batch in one of its eight symmetries, all equally likely, its labels and weights with it.

    Chips that are not square have four: no quarter turns. Labels of whole chips stay as they are.

    Args:
        batch: whose first input is (b, band, y, x).
        generator: draws one number for each chip.
    """
    x, *others = batch.inputs
    rows, columns = x.shape[-2:]
    draw = torch.randint(8 if rows == columns else 4, (len(x),), generator=generator)
    per_pixel = batch.labels.ndim == 3
    return batch._replace(
        inputs=(_each(x, draw), *others),
        labels=_each(batch.labels, draw) if per_pixel else batch.labels,
        weights=_each(batch.weights, draw) if per_pixel else batch.weights,
    )


def symmetry(x: Tensor, number: int) -> Tensor:
    """One of the symmetries of (..., y, x): 1 flips columns, 2 rows, and 4 swaps rows with columns afterwards."""
    x = x.flip([dim for bit, dim in ((1, -1), (2, -2)) if number & bit])
    return x.transpose(-2, -1) if number & 4 else x


def _each(x: Tensor, draw: Tensor) -> Tensor:
    found = torch.empty_like(x)
    for number in draw.unique().tolist():
        own = torch.nonzero(draw == number).ravel().to(x.device)
        found[own] = symmetry(x[own], number)
    return found
