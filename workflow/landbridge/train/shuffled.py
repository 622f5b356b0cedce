"""Labels in another order: what a recipe must not learn from, and what features must not tell of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landbridge.contract import IGNORE, Dataset, Variable
from landbridge.prepare.streams import generator

ORDERS, LABELS_TO_ORDER = 64, 10_000_000  # orders of labels that one is taken of, fewer of many labels


def shuffled(dataset: Dataset, targets: Sequence[str], seed: int) -> Dataset:
    """The file with the labels of each target in a random order, over all of its groups, units and rows.

    A missing label stays where it is. Of chips every pixel is shuffled for itself. By luck an order may go with the
    true one, and what is learned from it then scores; of some orders the one that goes with it least is taken.
    """
    changed = {}
    for name in targets:
        if name not in dataset:
            continue
        own = dataset.variables[name]
        values = np.array(own.values)
        flat = values.reshape(-1)
        known = np.flatnonzero(np.isfinite(flat) if values.dtype.kind == "f" else flat != IGNORE)
        random, labels = generator("shuffle", seed, name), flat[known]
        count = max(1, min(ORDERS, LABELS_TO_ORDER // max(len(labels), 1)))
        orders = [labels[random.permutation(len(labels))] for _ in range(count)]
        flat[known] = min(orders, key=lambda order: _goes_with(labels, order))
        changed[name] = Variable(own.dimensions, flat.reshape(values.shape), own.attributes)
    return Dataset({**dataset.variables, **changed}, dataset.attributes)


def _goes_with(labels: np.ndarray, order: np.ndarray) -> tuple[float, float]:
    """How much more labels in another order (n,) go with the true ones than by chance, and how much more or less.

    Few labels can't go together exactly as by chance; less is chosen then, for only more can score.
    """
    if labels.dtype.kind == "f":
        mean = labels.mean(dtype=np.float64)
        excess = [float(((labels.astype(np.float64) - mean) * (order.astype(np.float64) - mean)).sum())]
    else:
        own = [(labels == k, order == k) for k in np.unique(labels)]
        excess = [float(np.mean(here & there) - np.mean(here) ** 2) for here, there in own]
    return max(0.0, *excess), max(map(abs, excess), default=0.0)
