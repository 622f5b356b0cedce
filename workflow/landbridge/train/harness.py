"""What a recipe is handed in a job: the data of its rights, cut to one budget, and what trains networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.methods.given import Fitted, NotApplicable, RightError, Side
from landbridge.prepare import ragged
from landbridge.prepare.budgets import Budget
from landbridge.stage import Job
from landbridge.train.layout import Layout
from landbridge.train.progress import Progress
from landbridge.train.samples import FeatureFunction, Samples
from landbridge.train.shuffled import shuffled

if TYPE_CHECKING:
    from landbridge.models.learner import Learner


@dataclass(frozen=True)
class Source:
    """The two parts of the source, opened once a job."""

    train: Samples
    validation: Samples


def open_source(dataset: Dataset, layout: Layout, device: str, features: FeatureFunction | None = None) -> Source:
    """Training and validation part of `source.nc`."""
    part = np.asarray(dataset["part"]).astype(str)
    train, validation = (
        Samples(ragged.select_units(dataset, part == name), layout, device, features)
        for name in ("source_train", "source_val")
    )
    return Source(train, validation)


@dataclass
class Tools:
    """What all budgets of a job share.

    Attributes:
        large: validation groups of the target; only where the selection rule is `target_val_large`.
        start: the pretrained network, in the place of that of the job's file.
        known: what a selection rule found out once and needs for every trial.
        fits: trainings so far.
    """

    job: Job
    layout: Layout
    recipe: ModuleType
    architecture: ModuleType | None
    progress: Progress
    source: Source | None
    unlabelled: Samples | None
    source_rows: str
    features: FeatureFunction | None = None
    own: Mapping[str, ModuleType] = field(default_factory=dict)
    large: Samples | None = None
    start: Learner | None = None
    known: dict[str, Any] = field(default_factory=dict)
    fits: int = 0
    last: tuple[Fitted, Samples, np.ndarray] | None = None  # fit, the rows that it predicted, and what it gave

    @property
    def stops_by(self) -> str | None:
        """Rule by which trainings stop: the recipe's own where the job's rule chooses among trials alone.

        None stops by the number of labelled groups, or by the source where the recipe asks for that.
        """
        settings = self.job.settings
        rule: str | None = settings.get("stops_by", settings["selection"])
        return rule

    @property
    def rights(self) -> Sequence[str]:
        """What the recipe declared."""
        return self.job.settings["rights"]

    @cached_property
    def networks(self) -> Any:
        """The module that builds and trains networks.

        Raises:
            RightError: the recipe works without a network.
        """
        if self.architecture is None:
            raise RightError(f"recipe {self.job.settings['recipe']} declares MODELS = 'none' and asked for a network")
        from landbridge.train import networks  # here, since recipes without one make do without torch

        return networks


@dataclass
class Given:
    """One fit: see `landbridge.methods.given.Given`."""

    tools: Tools
    cut: Budget
    seed: int
    settings: Mapping[str, Any]
    variant: str
    what: str
    start: Learner | None = None
    used_budget: bool = field(default=False, init=False)

    def _require(self, right: str) -> None:
        if right not in self.tools.rights:
            recipe = self.tools.job.settings["recipe"]
            raise RightError(
                f"recipe {recipe} asked for {right}, which its RIGHTS do not name: {list(self.tools.rights)}"
            )

    @property
    def budget(self) -> int:
        self._require("target_labels")
        self.used_budget = True
        return self.cut.size

    @property
    def known_groups(self) -> bool:
        return bool(self.tools.job.settings["budget_axis"] == "time")

    @property
    def source(self) -> Samples:
        self._require("source_labels")
        assert self.tools.source is not None
        return self.tools.source.train

    @property
    def source_validation(self) -> Samples:
        self._require("source_labels")
        assert self.tools.source is not None
        return self.tools.source.validation

    @cached_property
    def _target(self) -> Samples:
        assert self.cut.train is not None
        return Samples(self.cut.train, self.tools.layout, self.tools.job.device, self.tools.features)

    @property
    def target(self) -> Samples:
        self._require("target_labels")
        self.used_budget = True
        if self.cut.train is None:
            raise NotApplicable("needs labelled target data, and this budget has none")
        if len(self._target) == 0:
            raise NotApplicable("the labelled target data of this budget hold no complete window")
        return self._target

    @cached_property
    def selection(self) -> Samples | None:
        """Labelled data of the budget that are kept to choose by; not for recipes."""
        if self.cut.selection is None:
            return None
        samples = Samples(self.cut.selection, self.tools.layout, self.tools.job.device, self.tools.features)
        return samples if len(samples) else None

    @property
    def unlabelled(self) -> Samples:
        self._require("target_inputs")
        assert self.tools.unlabelled is not None
        return self.tools.unlabelled

    def shuffled(self, samples: Samples) -> Samples:
        dataset = shuffled(samples.dataset, self.tools.layout.targets, self.seed)
        return Samples(dataset, self.tools.layout, self.tools.job.device, self.tools.features)

    def own(self, name: str) -> Any:
        module, _, function = name.partition(".")
        if not hasattr(self.tools.own.get(module), function):
            raise NotApplicable(f"the domain has no {function} in {module}.py")
        return getattr(self.tools.own[module], function)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.tools.layout.classes

    def pretrained(self) -> Learner:
        self._require("source_weights")
        learner: Learner = deepcopy(self.tools.start) or self.tools.networks.pretrained(self)
        return learner

    def begun(self) -> Learner | None:
        self._require("target_labels")
        return deepcopy(self.start)

    def untrained(self, scaled_by: Sequence[Any]) -> Learner:
        learner: Learner = self.tools.networks.untrained(self, scaled_by)
        return learner

    def permitted(self, scaled_by: Sequence[Any]) -> list[Samples]:
        """The rows that these populations may hold, taken from the rights anew."""
        known: list[Samples] = []
        for samples in scaled_by:
            if self.tools.source is not None and samples is self.tools.source.train:
                known.append(self.source)
            elif self.cut.train is not None and samples is self._target:
                known.append(self.target)
            elif self.tools.unlabelled is not None and samples is self.tools.unlabelled:
                known.append(self.unlabelled)
            else:
                raise RightError("a scaler may be fitted on given.source, given.target or given.unlabelled alone")
        return known

    def untrained_like(self, learner: Learner, changes: Mapping[str, Any]) -> Learner:
        like: Learner = self.tools.networks.untrained_like(self, learner, changes)
        return like

    def loss(self, learner: Learner, samples: Any, most: int) -> float:
        loss: float = self.tools.networks.loss_on(self, learner, samples, most)
        return loss

    def train(self, learner: Learner, sides: Sequence[Side], **how: Any) -> None:
        self.tools.networks.fit(self, learner, sides, **how)
