"""What a scenario calls inputs, targets and windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from landbridge.contract import Dataset, expand
from landbridge.models.shape import Shape
from landbridge.prepare.windows import Grid


@dataclass(frozen=True)
class Layout:
    """What a scenario calls inputs, targets and windows; from the job's settings.

    Attributes:
        classes: names of the classes; empty for a regression.
        support: windows of the same unit that a network sees beside the one to predict.
        length: observations of a window, or pixels along a chip's side.
        class_weights: text columns of units whose classes weigh the same in training.
        rare_class_weight: most that a pixel of a rarer class weighs in training against one of the commonest.
        product: by target, the variable of an existing product.
        shortest: of windows that may be padded, the fewest observations; None where every window is full.
        lookahead: steps of a window after the scored ones.
        predicted: steps of a window to predict that are predicted.
        grouped: whether a network is told which group of its source a window is from.
        on_from: by target, the value from which it counts as on; empty for targets without an off state.
        read: files whose labels were read, each as often as it was opened; see `landbridge.train.guards`.
    """

    task: str
    kind: str
    step: str
    targets: tuple[str, ...]
    inputs: tuple[str, ...]
    one_hot: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    static: tuple[str, ...] = ()
    length: int = 1
    stride: int = 1
    scored: int = 1
    quality: str | None = None
    classes: tuple[str, ...] = ()
    support: int = 0
    class_weights: tuple[str, ...] = ()
    rare_class_weight: float = 1.0
    product: Mapping[str, str] = field(default_factory=dict)
    shortest: int | None = None
    lookahead: int = 0
    predicted: int = 1
    grouped: bool = False
    on_from: Mapping[str, float] = field(default_factory=dict)
    read: list[Dataset] = field(default_factory=list, compare=False, repr=False)

    @classmethod
    def of(cls, settings: Mapping[str, Any], dataset: Dataset) -> Layout:
        """The layout that a job's settings describe; patterns among the inputs stand for what a file holds."""
        window = settings.get("window") or {"length": 1, "stride": 1, "scored": 1}
        quality = settings.get("quality")
        training = settings.get("training", {})
        return cls(
            task=settings["task"],
            kind=settings["kind"],
            step=settings["step"],
            targets=tuple(settings["targets"]),
            inputs=tuple(expand(settings["inputs"], dataset.variables)),
            one_hot={name: tuple(words) for name, words in settings["one_hot"].items()},
            static=tuple(settings.get("static", ())),
            length=dataset.sizes["x"] if settings["kind"] == "chips" else window["length"],
            stride=window["stride"],
            scored=window["scored"],
            quality=quality["variable"] if quality else None,
            classes=tuple(settings.get("classes") or ()),
            support=int(settings.get("support", 0)),
            class_weights=tuple(training.get("class_weights", ())),
            rare_class_weight=training.get("rare_class_weight", 1.0),
            product=dict(settings.get("product") or {}),
            shortest=Grid.of(window).shortest,
            lookahead=window.get("lookahead", 0),
            predicted=window.get("predicted", 1),
            grouped=bool(settings.get("grouped", False)),
            on_from=dict(settings.get("on_from") or {}),
        )

    def grid(self, stride: int) -> Grid:
        """Its windows, `stride` observations apart."""
        return Grid(self.length, stride, self.shortest)

    @property
    def table_length(self) -> int:
        """Observations that a learner of tables is shown for a row: what every step of a window has around it."""
        return self.length - self.predicted + 1

    @property
    def outputs(self) -> int:
        """Targets of a regression, or classes."""
        return len(self.targets) if self.task == "regression" else len(self.classes)

    @property
    def scaled_targets(self) -> tuple[str, ...]:
        """Targets that the scaler standardises."""
        return self.targets if self.task == "regression" else ()

    def scaler_arguments(self) -> tuple[Any, ...]:
        """What `fit_scaler` and `check_scaler` take after the datasets."""
        return self.inputs, self.scaled_targets, self.quality, self.static, self.one_hot, self._on_from()

    def bounded(self, values: np.ndarray) -> np.ndarray:
        """Predictions as they are written: nothing that is on or off lies below off."""
        return np.maximum(values, 0) if self.on_from else values

    def _on_from(self) -> tuple[float, ...]:
        return tuple(self.on_from[name] for name in self.targets) if self.on_from else ()

    def shape(self, inputs: int, groups: int = 0) -> Shape:
        """Sizes of a network for this layout, with `groups` of the source that it is told apart."""
        static = len(self.static) + sum(len(words) for words in self.one_hot.values())
        return Shape(
            inputs=inputs,
            static=static,
            outputs=self.outputs,
            length=self.length,
            support=self.support,
            scored=self.scored,
            lookahead=self.lookahead,
            groups=groups if self.grouped else 0,
        )
