"""What a recipe is handed in a job: the data of its rights, cut to one budget, and the tools to train."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
import torch

from landbridge.contract import Dataset
from landbridge.methods.given import Fitted, NotApplicable, Penalty, RightError, Side
from landbridge.models.learner import PREDICTION_STEPS, Learner
from landbridge.models.network import Network, Shape, build, initialise
from landbridge.prepare import ragged
from landbridge.prepare.budgets import Budget
from landbridge.prepare.scaling import Scaler, check_scaler, fit_scaler
from landbridge.prepare.streams import stream
from landbridge.stage import Job, StageError
from landbridge.train.checkpoint import load_learner
from landbridge.train.drawn import Drawn
from landbridge.train.layout import Layout
from landbridge.train.loop import Schedule, mean_loss, train
from landbridge.train.losses import Balance, Batch, MeanLoss, WeighedLoss
from landbridge.train.progress import Progress
from landbridge.train.samples import FeatureFunction, Samples
from landbridge.train.shuffled import shuffled
from landbridge.train.start import start

log = logging.getLogger(__name__)


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


def schedule_of(training: Mapping[str, Any], rate: float, cells: int, *, steps: int | None = None) -> Schedule:
    """The schedule that the settings of a domain describe, for windows of so many steps or chips of so many pixels."""
    names = ["epochs", "epoch_steps", "batch", "weight_decay", "clip", "patience"]
    if steps is None:
        names += [name for name in ("halve_every", "validate_every") if name in training]
    own = {name: training[name] for name in names}
    at_once = max(1, min(Schedule.validation_batch, PREDICTION_STEPS // cells))
    return Schedule(rate=rate, steps=steps, validation_batch=at_once, **own)


def turns_of(training: Mapping[str, Any], layout: Layout) -> bool:
    """Whether the settings of a domain ask for flips and turns, and its windows are chips."""
    return layout.kind == "chips" and training.get("augment", "none") == "flips"


def loss_of(settings: Mapping[str, Any], layout: Layout, scaler: Scaler, device: Any) -> MeanLoss:
    """The training loss of a scenario: that of its task, with what is weighed of balance and Dice."""
    weight, factors = settings["training"].get("balance_weight", 0.0), settings.get("balance") or {}
    if layout.task == "segmentation":
        return MeanLoss(layout.task, dice_weight=settings["training"].get("dice_weight", 0.0))
    if layout.task != "regression" or not factors or weight == 0:
        return plain_loss_of(settings, layout)
    balance = Balance(factors, layout.targets, scaler, device)
    return MeanLoss(layout.task, settings["training"].get("loss", "squared"), balance=balance, balance_weight=weight)


def plain_loss_of(settings: Mapping[str, Any], layout: Layout) -> MeanLoss:
    """What epochs are compared by: the training loss without what is added to it."""
    return MeanLoss(layout.task, settings["training"].get("loss", "squared"))


def drawn_of(side: Side, scaler: Scaler, seed: int, device: str, *, turns: bool) -> Drawn:
    """A side as the training loop draws from it.

    Raises:
        NotApplicable: it holds no complete window.
    """
    samples: Any = side.samples
    population = samples.scaled(scaler, balanced=True) if side.labelled else samples.inputs_alone(scaler)
    if len(population) == 0:
        raise NotApplicable(f"the side {side.name} holds no complete window or chip")
    groups = samples.group_of_window("group", labelled=side.labelled) if side.by_group else None
    scored = side.scored and side.labelled
    return Drawn.start(side.name, population, side.share, seed, device, groups, turns=turns, scored=scored)


@dataclass(frozen=True)
class Some:
    """Some windows of a population, by their place in it."""

    population: Any
    places: torch.Tensor

    @classmethod
    def of(cls, population: Any, most: int) -> Some:
        """All of them, or `most` that are evenly spread."""
        count = min(most, len(population))
        return cls(population, torch.arange(count) * len(population) // max(count, 1))

    def __len__(self) -> int:
        return len(self.places)

    def batch(self, index: torch.Tensor) -> Batch:
        """The windows at `index` among them."""
        found: Batch = self.population.batch(self.places[index])
        return found


def set_threads(threads: int) -> None:
    """Bytes depend on the number of threads, so a job says how many; operations without a fixed order are refused."""
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("error")


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

    def build(self, shape: Shape, changes: Mapping[str, Any] | None = None) -> Network:
        """An untrained network of this job's architecture, some of its settings changed."""
        if self.architecture is None:
            raise RightError(f"recipe {self.job.settings['recipe']} declares MODELS = 'none' and asked for a network")
        settings = {**self.job.settings["network"], **(changes or {})}
        return build(self.architecture, shape, settings).to(self.job.device)


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
        if self.tools.start is not None:
            return deepcopy(self.tools.start)
        learner, notes = load_learner(self.tools.job.input("source_weights"), self.tools.build)
        if learner.scaler.rows != self.tools.source_rows:
            raise StageError(
                f"{self.tools.job.input('source_weights')}: its scaler was fitted on other rows than the training part "
                f"of this split; delete the file and run again"
            )
        if notes.get("not_applicable"):
            raise NotApplicable(notes["not_applicable"])
        log.debug("pretrained: %s", notes)
        return learner

    def begun(self) -> Learner | None:
        self._require("target_labels")
        return deepcopy(self.start)

    def untrained(self, scaled_by: Sequence[Any]) -> Learner:
        layout = self.tools.layout
        datasets = [samples.dataset for samples in scaled_by]
        scaler: Scaler = fit_scaler(datasets, *layout.scaler_arguments())
        permitted = [samples.dataset for samples in self._permitted(scaled_by)]
        check_scaler(scaler, permitted, *layout.scaler_arguments())
        shape = layout.shape(len(scaler.input_mean))
        network = self.tools.build(shape)
        start(network, self.tools.job, datasets[0], stream("init", self.seed))
        return Learner(network, scaler, shape)

    def _permitted(self, scaled_by: Sequence[Any]) -> list[Samples]:
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
        known = getattr(self.tools.architecture, "DEFAULTS", {})
        unknown = [name for name in changes if name not in known]
        if unknown:
            raise StageError(
                f"recipe_settings.{self.tools.job.settings['recipe']}: the model has no setting {', '.join(unknown)}; "
                f"write one of {', '.join(known)}"
            )
        network = self.tools.build(learner.shape, changes)
        initialise(network, stream("init", self.seed))
        return Learner(network, learner.scaler, learner.shape)

    def loss(self, learner: Learner, samples: Any, most: int) -> float:
        layout = self.tools.layout
        some = Some.of(samples.scaled(learner.scaler), most)
        at_once = max(1, min(Schedule.validation_batch, PREDICTION_STEPS // samples.cells))
        return mean_loss(learner.network, some, plain_loss_of(self.tools.job.settings, layout), at_once)

    def train(
        self,
        learner: Any,
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
        names = learner.network.part_names()
        if parts == "head" and "head" not in names:
            raise NotApplicable(f"this model has no head; its parts are {', '.join(names)}")
        settings = self.tools.job.settings
        training = settings["training"]
        validation: Samples | None = None
        validation_loss: Any = plain_loss_of(settings, self.tools.layout)
        steps: int | None = None
        rule = self.tools.stops_by
        if rule == "target_val_large":
            validation = self.tools.large
        elif select_on_source and rule in (None, "source_val"):
            validation = self.source_validation
            if validation_factors is not None:
                factors = torch.as_tensor(validation_factors, dtype=torch.float32, device=self.tools.job.device)
                validation_loss = WeighedLoss(validation_loss, factors)
        elif self.selection is not None:
            validation = self.selection
        else:
            steps = max(1, round(training["fixed_steps"] * share_of_steps))
        scaler = learner.scaler
        device, turns = self.tools.job.device, turns_of(training, self.tools.layout)
        drawn = [drawn_of(side, scaler, self.seed, device, turns=turns) for side in sides]
        cells = sides[0].samples.cells  # type: ignore[attr-defined]
        loss: Any = loss_of(settings, self.tools.layout, scaler, device)
        if any(side.factors is not None for side in sides):
            if len(sides) > 1:  # the loss does not know which side a window is of
                raise ValueError("factors of windows go with a single side")
            loss = WeighedLoss(loss, torch.as_tensor(sides[0].factors, dtype=torch.float32, device=device))
        train(
            learner.network,
            drawn,
            loss,
            schedule_of(training, rate, cells, steps=steps),
            parts=parts,
            pull=pull,
            shrink=shrink,
            penalty=penalty,
            validation=validation.scaled(scaler) if validation is not None else None,
            validation_loss=validation_loss,
            progress=self.tools.progress,
            what=self.what,
        )
        learner.trained = sorted({*learner.trained, *learner.network.check_parts(parts)})
        self.tools.fits += 1
