"""What a scenario calls inputs, targets and windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from landbridge.contract import Dataset, expand
from landbridge.models.network import Shape
from landbridge.prepare.windows import Grid


@dataclass(frozen=True)
class Layout:
    """What a scenario calls inputs, targets and windows; from the job's settings.

    Attributes:
        classes: names of the classes; empty for a regression.
        support: windows of the same unit that a network sees beside the one to predict.
        class_weights: text columns of units whose classes weigh the same in training.
        product: by target, the variable of an existing product.
        shortest: of windows that may be padded, the fewest observations; None where every window is full.
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
    product: Mapping[str, str] = field(default_factory=dict)
    shortest: int | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any], dataset: Dataset) -> Layout:
        """The layout that a job's settings describe; patterns among the inputs stand for what a file holds."""
        window = settings.get("window") or {"length": 1, "stride": 1, "scored": 1}
        quality = settings.get("quality")
        return cls(
            task=settings["task"],
            kind=settings["kind"],
            step=settings["step"],
            targets=tuple(settings["targets"]),
            inputs=tuple(expand(settings["inputs"], dataset.variables)),
            one_hot={name: tuple(words) for name, words in settings["one_hot"].items()},
            static=tuple(settings.get("static", ())),
            length=window["length"],
            stride=window["stride"],
            scored=window["scored"],
            quality=quality["variable"] if quality else None,
            classes=tuple(settings.get("classes") or ()),
            support=int(settings.get("support", 0)),
            class_weights=tuple(settings.get("training", {}).get("class_weights", ())),
            product=dict(settings.get("product") or {}),
            shortest=Grid.of(window).shortest,
        )

    def grid(self, stride: int) -> Grid:
        """Its windows, `stride` observations apart."""
        return Grid(self.length, stride, self.shortest)

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
        return self.inputs, self.scaled_targets, self.quality, self.static, self.one_hot

    def shape(self, inputs: int) -> Shape:
        """Sizes of a network for this layout."""
        static = len(self.static) + sum(len(words) for words in self.one_hot.values())
        return Shape(inputs, static, self.outputs, self.length, self.support)
