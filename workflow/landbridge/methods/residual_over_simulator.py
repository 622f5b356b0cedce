"""The simulator's emulator, stretched and moved to the labels of the budget, plus a ridge on what is left.

yhat = a g(x) + b + k r(x, g): g is the network that has learned the simulation, k one of 0, 0.25, 0.5, 0.75 and 1.
With no labels, and wherever labels do not speak for more, it is g. What r may be grows with the labelled groups,
since the days of one place are many but say little about other places: r = c g, one number by least squares, or from
`table_from` groups on, where that misses less, a ridge on the features of a row and on g itself. a and b are fitted
by least squares from `line_from` groups on, and are 1 and 0 below.

k and the ridge's penalty are those that miss the labels by least when one group after another is left out. How far
what few groups agree on holds elsewhere that can't tell: where other groups are predicted, k of n groups below
`line_from` is at most n / (n + `trust`), as if the simulator were right at `trust` groups more. Where groups are
fitted one by one, as on a time axis, r is the ridge from the first day on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.methods.given import Fitted, Given, NotApplicable, Samples
from landbridge.methods.ridge import NUMBER_BYTES, Ridge, Ridges, chosen, folds, penalties_of

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
SIMULATION = True
MODELS = "any"
PLACE = "A"
USES = ("features",)
SELECTION = "fixed"
DEFAULTS = {"line_from": 8, "table_from": 4, "penalties": [0.1, 1.0, 10.0], "trust": 1}
FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Corrected:
    """A simulator and its correction.

    Attributes:
        slope, offset, factor: (target,) a, b and k.
    """

    simulator: Fitted
    slope: np.ndarray
    offset: np.ndarray
    factor: np.ndarray
    ridges: Ridges

    def predict(self, samples: Samples) -> np.ndarray:
        """(row, target)."""
        simulated = self.simulator.predict(samples)
        line = self.slope * simulated + self.offset
        if not self.factor.any():
            return line
        return line + self.factor * self.ridges.predict_table(beside(samples.prediction_table(), simulated))

    def counts(self) -> tuple[int, int]:
        """Numbers of the correction, and those of the simulator with them."""
        fitted = self.ridges.counts()[0] + 3 * len(self.slope)
        return fitted, fitted + self.simulator.counts()[1]

    def shipped_bytes(self) -> int:
        """Bytes of the correction."""
        return self.ridges.shipped_bytes() + 3 * NUMBER_BYTES * len(self.slope)


def beside(*tables: np.ndarray) -> np.ndarray:
    """Tables (row, column) side by side."""
    return np.concatenate(tables, axis=1)


def line(simulated: np.ndarray, label: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Slope a and offset b of labels (row,) on g, by weighted least squares; a is 1 where g is constant."""
    mean_g, mean_y = np.average(simulated, weights=weight), np.average(label, weights=weight)
    spread = np.average((simulated - mean_g) ** 2, weights=weight)
    shared = np.average((simulated - mean_g) * (label - mean_y), weights=weight)
    slope = shared / spread if spread > 1e-12 * (mean_g**2 + spread) else 1.0
    return float(slope), float(mean_y - slope * mean_g)


def proportion(simulated: np.ndarray, remainder: np.ndarray, weight: np.ndarray) -> float:
    """The c of least squares in remainder = c g; 0 where g is 0."""
    squares = float(weight @ simulated**2)
    return float(weight @ (simulated * remainder)) / squares if squares > 0 else 0.0


def stretched(
    table: np.ndarray,
    column: int,
    remainder: np.ndarray,
    weight: np.ndarray,
    fold: np.ndarray,
    factors: Sequence[float],
) -> tuple[float, Ridge, float]:
    """The k with which r = c g misses the remainder (row,) of the folds left out by least, r of all rows, that error.

    Args:
        table: (row, column).
        column: of it that is g.
    """
    simulated = table[:, column]
    errors = np.zeros(len(factors))
    numbers = np.unique(fold)
    for number in numbers if len(numbers) > 1 else ():
        out, rest = fold == number, fold != number
        part = proportion(simulated[rest], remainder[rest], weight[rest]) * simulated[out]
        for row, factor in enumerate(factors):
            errors[row] += np.sqrt(np.average((remainder[out] - factor * part) ** 2, weights=weight[out]))
    slopes = np.zeros(table.shape[1])
    slopes[column] = proportion(simulated, remainder, weight)
    anything = np.full(len(slopes), np.inf)
    best = int(np.argmin(errors))
    return factors[best], Ridge(-anything, anything, np.zeros(len(slopes)), slopes, 0.0), errors[best] / len(numbers)


def factors_of(groups: int, known_groups: bool, settings: Mapping[str, Any]) -> Sequence[float]:
    """What k may be, given how many labelled groups there are and whether it is them that are predicted."""
    many = known_groups or groups >= settings["line_from"]
    most = 1.0 if many else groups / (groups + settings["trust"])
    return [factor for factor in FACTORS if factor <= most]


def fit(given: Given) -> Fitted:
    """The simulator's emulator, corrected from budget 1 on."""
    if given.classes:
        raise NotApplicable("corrects predictions of numbers, and these are classes")
    if given.budget == 0:
        return given.pretrained()
    penalties = penalties_of(given.settings, "residual_over_simulator")
    rows = given.target.labelled()
    simulator = given.pretrained()
    simulated = simulator.predict(rows.samples).astype(np.float64)
    table = beside(rows.samples.prediction_table(), simulated)
    fitted = []
    for target in range(rows.labels.shape[1]):
        used = rows.weights[:, target] > 0
        if not used.any():
            raise NotApplicable("one of the targets has no label in this budget")
        own, weight = simulated[used, target], rows.weights[used, target].astype(np.float64)
        label, groups = rows.labels[used, target].astype(np.float64), rows.groups[used]
        count = len(np.unique(groups))
        factors = factors_of(count, given.known_groups, given.settings)
        slope, offset = line(own, label, weight) if count >= given.settings["line_from"] else (1.0, 0.0)
        # a and b have seen the groups that are left out: two numbers of eight groups or more, and the same for every k.
        remainder = label - (slope * own + offset)
        rules = []
        if not given.known_groups:
            column = table.shape[1] - simulated.shape[1] + target
            rules.append(stretched(table[used], column, remainder, weight, folds(groups), factors))
        if given.known_groups or count >= given.settings["table_from"]:
            rules.append(chosen(table[used], remainder, weight, folds(groups), penalties, factors))
        factor, ridge, _ = min(rules, key=lambda rule: rule[2])
        fitted.append((slope, offset, factor, ridge))
    slopes, offsets, factors, ridges = zip(*fitted, strict=True)
    return Corrected(simulator, np.array(slopes), np.array(offsets), np.array(factors), Ridges(ridges))
