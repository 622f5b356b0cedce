"""What a recipe is handed and what it hands back.

A recipe is a file of this folder with its description as literals (`RIGHTS`, `OBJECTIVE`, `MODELS`, `VARIANTS`,
`PLACE`) and one function, `fit(given) -> Fitted`. It never sees a path, the pool beyond its budget, or test data.

Where each target group is fitted by itself, on a time axis, a second function `begin(given) -> Learner` may learn what
the groups share: it is handed the labelled days of all groups at a budget, once, and `given.begun()` gives each group's
`fit` a copy of what it made.

A fit of numbers that knows how far it may be off has two members more: `quantiles(samples, levels)`, (row, target,
level) in the targets' units, and `basis`, what they stand on in words, such as "12 groups". All others get intervals
from rows that they did not learn from (`landbridge.train.spread`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn


class NotApplicable(Exception):
    """The recipe can't act here (no labels, no BatchNorm, ...); the text says why and becomes the status."""


class Diverged(Exception):
    """Training gave a loss that is not finite; the budget is reported as failed."""


class RightError(Exception):
    """A recipe asked for what its `RIGHTS` do not name."""


class Samples(Protocol):
    """A labelled or unlabelled population, as windows of series or as chips."""

    @property
    def task(self) -> str:
        """regression, classification or segmentation."""

    @property
    def outputs(self) -> int:
        """Targets of a regression, or classes."""

    def __len__(self) -> int:
        """Number of windows or chips."""

    @property
    def prediction_rows(self) -> int:
        """Number of rows that are to be predicted."""

    @property
    def pixels(self) -> tuple[int, int] | None:
        """Rows and columns of a chip whose every pixel is predicted; None for other tasks."""

    def label_rows(self, *, balanced: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Labels (row, target) in their own units, NaN where missing, and weights of equal shape; classes (row, 1).

        `balanced`: weights times factors by which the classes of `training.class_weights` weigh the same.
        """

    def uses(self) -> np.ndarray:
        """(target,) how often each target goes on, among all labels, from the value from which it is on.

        Raises:
            NotApplicable: targets without an off state.
        """

    def months(self) -> np.ndarray | None:
        """Month 1..12 of each label row, or None where rows have no calendar."""

    def prediction_months(self) -> np.ndarray | None:
        """Month 1..12 of each row that is to be predicted."""

    def places(self) -> np.ndarray:
        """Place on the sphere and day of the year (row, 5) of each label row."""

    def prediction_places(self) -> np.ndarray:
        """Place on the sphere and day of the year (row, 5) of each row that is to be predicted."""

    def product(self) -> np.ndarray:
        """An existing product (row, target) at each row that is to be predicted."""

    def table(self, every: int = 1) -> np.ndarray:
        """Features (row, column) of each label row, or of every n-th, for learners that take tables."""

    def prediction_table(self) -> np.ndarray:
        """Features (row, column) of each row that is to be predicted."""

    def labelled(self) -> LabelledRows:
        """The labelled rows as rows to predict, for recipes that correct predictions or read features.

        Raises:
            NotApplicable: every pixel of a chip has a label, or no labelled row lies in a complete window.
        """

    def showing(self, labelled: Samples) -> Samples:
        """This population with support windows of the same groups of `labelled`, their labels beside their inputs.

        Raises:
            NotApplicable: no regression on series, or the network takes no support.
        """

    def of_windows(self, function: Any) -> Any:
        """What a domain's `function(dataset, ends, sizes)` makes of the window of each label row."""

    def of_prediction_windows(self, function: Any) -> Any:
        """What a domain's `function(dataset, ends, sizes)` makes of the window of each row to predict."""

    def of_inputs(self, function: Any) -> Any:
        """What a domain's `function(dataset, ends, sizes)` makes of each window or chip, labelled or not."""

    def input_batches(self, scaler: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
        """All windows or chips, labelled or not: what a network takes, and what of it is real, (b, t) or (b, y, x).

        Of windows without padding None stands for the latter.
        """


@dataclass(frozen=True)
class LabelledRows:
    """Rows whose labels are known, cut into windows as test rows are.

    Attributes:
        samples: predicts, and tabulates as `prediction_table`, exactly these rows.
        labels, weights: (row, target) in their own units, or (row, 1) numbers of classes; NaN and 0 where one is
            missing.
        groups: (row,) name of the group of each row.
        in_time: whether the rows of a group are in the order of time, as those of chips are not.
    """

    samples: Samples
    labels: np.ndarray
    weights: np.ndarray
    groups: np.ndarray
    in_time: bool = True


class Fitted(Protocol):
    """Anything that predicts."""

    def predict(self, samples: Samples) -> np.ndarray:
        """Regression (row, target) in the targets' units; log-probabilities (row, class); (row, class, y, x)."""

    def counts(self) -> tuple[int, int]:
        """Trained and total parameters."""

    def shipped_bytes(self) -> int:
        """Bytes of the part that adaptation changed, which is what a new place must be sent."""


class Learner(Fitted, Protocol):
    """A network with its scaler."""

    @property
    def has_features(self) -> bool:
        """Whether the network has an encoder whose features `hidden` can give."""

    def hidden(self, samples: Samples) -> np.ndarray:
        """Features (row, d) of each row that is to be predicted: a step, a window or a chip, but no pixel."""


@dataclass(frozen=True)
class Side:
    """One population inside a loss, with its share of that loss.

    Attributes:
        factors: (window,) what the loss of each window is multiplied by before the mean; only where a side is alone.
        labelled: False for inputs alone, which have no loss of their own and are there for a penalty.
        by_group: batches hold the groups evenly, so that one large group can't stand for a population.
        scored: whether the loss of the task is added; without it a labelled side too is there for a penalty alone.
    """

    name: str
    samples: Samples
    share: float = 1.0
    factors: np.ndarray | None = None
    labelled: bool = True
    by_group: bool = False
    scored: bool = True


@dataclass(frozen=True)
class Seen:
    """What one training step has shown of a side.

    Attributes:
        name: of the side.
        batch: inputs, labels, weights and rows, see `landbridge.train.losses.Batch`. Of a side without labels the
            labels are 0, and the weights say what was seen.
        outputs: of the network.
        features: what the head reads: (b, length, d) without the steps of the lookahead, (b, d) or (b, d, y, x); empty
            for a penalty that does not look at them.
        maps: what the watched parts give, by name.
        loss: the loss of the task of any outputs for this batch.
    """

    name: str
    batch: Any
    outputs: Tensor
    features: Tensor
    maps: Mapping[str, Tensor]
    loss: Callable[[Tensor], Tensor]


class Penalty(Protocol):
    """What a step adds to the losses of its sides, from what it has seen of all of them.

    Attributes:
        features: whether it looks at what the head reads, and so needs a network with an encoder.
        watched: parts of the network, by name, whose outputs it is handed too.
        parameters: weights of its own, which are trained in a group of their own.
        rate: learning rate of that group.
    """

    features: bool = True
    watched: Sequence[str] = ()
    parameters: Sequence[nn.Parameter] = ()
    rate: float = 0.0

    @abstractmethod
    def __call__(self, seen: Sequence[Seen], progress: float) -> Tensor:
        """Scalar; `progress` is the share of the training's steps that are done, in [0, 1)."""

    def state(self) -> dict[str, Tensor]:
        """What a training checkpoint must hold of it: weights, random streams. Nothing, unless a subclass says more."""
        return {}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        return


class Given(Protocol):
    """What one fit may use: the data of its rights, cut to one budget, and the tools to train."""

    settings: Mapping[str, Any]
    variant: str
    seed: int

    @property
    def budget(self) -> int:
        """Labelled target groups, units or days in hand."""

    @property
    def known_groups(self) -> bool:
        """Whether the rows to predict are of groups that the budget holds labels of, as on a time axis."""

    @property
    def source(self) -> Samples:
        """Labelled source; right `source_labels`."""

    @property
    def source_validation(self) -> Samples:
        """Labelled validation groups of the source; right `source_labels`."""

    @property
    def target(self) -> Samples:
        """Labelled target data of this budget; right `target_labels`.

        Raises:
            NotApplicable: the budget is 0.
        """

    @property
    def unlabelled(self) -> Samples:
        """Target inputs without labels; right `target_inputs`."""

    def shuffled(self, samples: Samples) -> Samples:
        """A labelled population with the labels of each target in a random order over its groups, units and rows.

        Inputs, missing labels and quality stay where they are. The order comes from the seed of the fit.
        """

    def own(self, name: str) -> Any:
        """A function of the domain such as `baselines.fit`, for recipes that name its module in `USES`.

        Raises:
            NotApplicable: the domain has none.
        """

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty for a regression."""

    def pretrained(self) -> Learner:
        """A fresh copy of the pretrained network; right `source_weights`."""

    def begun(self) -> Learner | None:
        """A fresh copy of what the recipe's `begin` made of all target groups; right `target_labels`.

        None unless each target group is fitted by itself, several are labelled, and the recipe has a `begin`.
        """

    def untrained(self, scaled_by: Sequence[Samples]) -> Learner:
        """The same architecture untrained, its scaler fitted on `scaled_by`.

        Its weights are random, or those of the file that the user named for this model.
        """

    def untrained_like(self, learner: Learner, changes: Mapping[str, Any]) -> Learner:
        """A network of random weights that takes the same inputs, through the same scaler.

        Args:
            learner: whose scaler and sizes it has.
            changes: settings of the network that differ from those of the model.

        Raises:
            StageError: a setting that the model does not have.
        """

    def loss(self, learner: Learner, samples: Samples, most: int) -> float:
        """Mean loss of the task in evaluation mode, over `most` labelled windows or chips that are evenly spread."""

    def train(
        self,
        learner: Learner,
        sides: Sequence[Side],
        *,
        parts: str | Iterable[str] = "all",
        rate: float,
        share_of_steps: float = 1.0,
        select_on_source: bool = False,
        pull: float | Sequence[float] = 0.0,
        shrink: float | None = None,
        penalty: Penalty | None = None,
        validation_factors: np.ndarray | None = None,
    ) -> None:
        """Train the named parts in place.

        The budget decides how long: below eight labelled groups a fixed number of steps, times `share_of_steps`;
        from eight the number of steps that scores best on labelled groups taken out of the budget.
        `select_on_source` stops on the source's validation groups instead, for recipes that train on the source;
        `validation_factors` (window,) multiply the losses of their windows before the mean.
        `pull` / 2 times the squared distance of the weights from where they start is added to the loss;
        a sequence holds a pull for each row of the weights. With `shrink` nothing decays, and `shrink` / 2 times the
        squares of the head's matrices is added in place of their pull. A `penalty` is
        added to the losses of the sides.

        Raises:
            NotApplicable: a penalty, and a network without an encoder whose features a head reads.
            Diverged: the loss is not finite.
        """
