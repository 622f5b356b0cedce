"""Features of the source and of unlabelled inputs of the target held to one distribution by several Gaussian kernels.

Long et al. (2015), Deep adaptation networks, arXiv 1502.02791, equation 1, with equal weights of the kernels; the
unbiased estimate is that of Gretton et al. (2012), JMLR 13, equation 3. The variant `few` learns the labels of the
budget beside those of the source.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from landbridge.methods.alignment import Alignment, fit_aligned
from landbridge.methods.checked import POSITIVE, check
from landbridge.methods.given import Fitted, Given

RIGHTS = ("source_labels", "target_inputs")
RIGHTS_OF_VARIANTS = {"few": ("source_labels", "target_inputs", "target_labels")}
VARIANTS = ("plain", "few")
OBJECTIVE = None
MODELS = "any"
PLACE = "PA"
SELECTION = "source_val"
DEFAULTS = {"rate": 1e-3, "weight": 1.0}
SEARCH = {"weight": (0.1, 10.0)}
WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the kernels, in median distances
LEAST_WIDTH = 1e-6  # where all rows are one


def squared_distances(rows: Tensor) -> Tensor:
    """(n, n) squared Euclidean distances of rows (n, d)."""
    centred = rows - rows.mean(0).detach()  # distances stay, and digits that their difference would lose
    squares = centred.square().sum(1)
    return (squares[:, None] + squares[None] - 2 * centred @ centred.T).clamp_min(0)


def median_distance(squared: Tensor) -> Tensor:
    """Median distance of two different rows, without a gradient: the lower of the two middle ones."""
    row, column = torch.triu_indices(len(squared), len(squared), 1, device=squared.device)
    ordered = squared.detach()[row, column].sort().values
    return ordered[(len(ordered) - 1) // 2].sqrt().clamp_min(LEAST_WIDTH)


def mmd(
    source: Tensor, target: Tensor, widths: Sequence[float | Tensor] | None = None, *, biased: bool = False
) -> Tensor:
    """Mean k(s, s') + mean k(t, t') - 2 mean k(s, t), k the mean of Gaussians exp(-|u - v|^2 / (2 sigma^2)); scalar.

    Args:
        source, target: rows (n, d) and (m, d), two of each at least.
        widths: sigma of each kernel; `WIDTHS` times the median distance without.
        biased: whether the means hold rows with themselves; without them the estimate may fall below 0.
    """
    squared = squared_distances(torch.cat([source, target]))
    if widths is None:
        median = median_distance(squared)
        widths = [width * median for width in WIDTHS]
    kernel = torch.stack([torch.exp(-squared / (2 * width**2)) for width in widths]).mean(0)
    n, m = len(source), len(target)
    own = 0 if biased else 1
    within = [
        (block.sum() - own * block.diagonal().sum()) / (size * (size - own))
        for block, size in ((kernel[:n, :n], n), (kernel[n:, n:], m))
    ]
    return within[0] + within[1] - 2 * kernel[:n, n:].mean()


class MeanDiscrepancy(Alignment):
    """The unbiased discrepancy as a penalty."""

    def distance(self, source: Tensor, target: Tensor) -> Tensor:
        """See `mmd`."""
        return mmd(source, target)


def fit(given: Given) -> Fitted:
    """A network of the source whose features are distributed as the target's."""
    check(given.settings, "mk_mmd", rate=POSITIVE, weight=POSITIVE)
    weight = given.settings["weight"]
    return fit_aligned(given, lambda _: MeanDiscrepancy(weight, given.seed), few=given.variant == "few")
