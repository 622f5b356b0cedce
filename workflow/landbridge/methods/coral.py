"""Features of the source and of unlabelled inputs of the target held to equal covariances while they are learned.

Sun and Saenko (2016), Deep CORAL, arXiv 1607.01719, equations 1 to 3. The variant `few` learns the labels of the budget
beside those of the source.
"""

from __future__ import annotations

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


def covariance(rows: Tensor) -> Tensor:
    """(d, d) of rows (n, d), divided by n - 1."""
    centred = rows - rows.mean(0)
    return centred.T @ centred / (len(rows) - 1)


def coral(source: Tensor, target: Tensor) -> Tensor:
    """|C_S - C_T|^2 / (4 d^2), squares summed over the entries; scalar.

    Args:
        source, target: rows (n, d) and (m, d), two of each at least.
    """
    return (covariance(source) - covariance(target)).square().sum() / (4 * source.shape[1] ** 2)


class Coral(Alignment):
    """The distance of covariances as a penalty."""

    def distance(self, source: Tensor, target: Tensor) -> Tensor:
        """See `coral`."""
        return coral(source, target)


def fit(given: Given) -> Fitted:
    """A network of the source whose features have the covariances of the target's."""
    check(given.settings, "coral", rate=POSITIVE, weight=POSITIVE)
    return fit_aligned(given, lambda _: Coral(given.settings["weight"], given.seed), few=given.variant == "few")
