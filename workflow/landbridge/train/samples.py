"""The rows of one population: which have labels, which windows are trained on, and which are to be predicted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from landbridge.contract import IGNORE, Dataset
from landbridge.io import mapped
from landbridge.methods.given import LabelledRows, NotApplicable
from landbridge.prepare import windows
from landbridge.prepare.scaling import Scaler, static_numbers
from landbridge.prepare.windows import Grid, Rows
from landbridge.stage import StageError
from landbridge.train import facts
from landbridge.train.labelled import labelled_rows
from landbridge.train.layout import Layout

if TYPE_CHECKING:
    from torch import Tensor

    from landbridge.train.tensors import Tensors

# (dataset, ends (window,), sizes (window,)) to what a learner of tables takes, the window first.
FeatureFunction = Callable[[Dataset, np.ndarray, np.ndarray], np.ndarray]


# Cached properties of `Samples` that depend on which rows are to be predicted.
OF_ROWS = (
    *("prediction_windows", "prediction_table_windows", "by_group"),
    *("rows_to_predict", "_first_rows", "_prediction_table"),
)


@dataclass(frozen=True)
class Windows:
    """Some windows: the last observation of each (n,), and how many it covers (n,). Of chips, their index and 1."""

    ends: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of_chips(cls, index: np.ndarray) -> Windows:
        """Chips by index."""
        return cls(index, np.ones(len(index), np.int64))

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Ends and sizes."""
        return self.ends, self.sizes


class Samples:
    """One population: a file, or a part of one, as windows or chips.

    Args:
        dataset: of one of the parts, labelled or not.
        layout: names and windows of the scenario.
        device: where batches go, and where its tensors lie unless the dataset lies in files.
        features: a domain's own features of windows, for learners of tables.
    """

    def __init__(
        self, dataset: Dataset, layout: Layout, device: str = "cpu", features: FeatureFunction | None = None
    ) -> None:
        self.dataset = dataset
        self.layout = layout
        self.features = features
        self.device = device
        self.chips = layout.kind == "chips"
        missing = [name for name in (*layout.inputs, *layout.one_hot, *layout.static) if name not in dataset]
        if missing and not self.chips:
            raise StageError(f"the data hold no {', '.join(missing)}, which the scenario names; mend its `inputs:`")
        self.static = static_numbers(dataset, layout.static, layout.one_hot)  # (unit, number)
        # What is made of the data lies where these do: in memory or in files.
        self._first = dataset["reflectance" if self.chips else layout.inputs[0]]
        if self.chips:
            self.values, valid = self._first, dataset["valid"]
            self.seen = self.filled(valid.shape, bool, lambda rows: valid[rows] != 0)  # (chip, y, x)
            self.unit = np.arange(len(dataset["unit_name"]))  # of each chip
        else:
            columns, row_size = [dataset[name] for name in layout.inputs], dataset["row_size"]
            self.values = self.filled(
                *((len(self._first), len(columns)), np.float32),
                lambda rows: np.stack([column[rows].astype(np.float32, copy=False) for column in columns], axis=1),
            )  # (obs, input)
            self.seen = np.zeros(0, bool)
            self.unit = self.filled((len(self._first),), np.int32, lambda rows: windows.unit_index(row_size, rows))
        self.rows: Rows | None = None  # to predict; None: those of the file
        self.shown: Samples | None = None  # labelled population that support windows are of; None: this one, no labels
        self.group_of_unit = np.full(len(dataset["unit_name"]), -1)  # -1: not a group that a network tells apart
        self.whole: Samples | None = None  # the population of which this one has other rows to predict

    @property
    def in_files(self) -> bool:
        """Whether the data lie in files."""
        return mapped.is_mapped(self._first)

    @property
    def task(self) -> str:
        """regression, classification or segmentation."""
        return self.layout.task

    @property
    def outputs(self) -> int:
        """Targets or classes."""
        return self.layout.outputs

    @property
    def pixels(self) -> tuple[int, int] | None:
        """Rows and columns of a chip whose every pixel is predicted."""
        shape = self.dataset["reflectance"].shape if self.task == "segmentation" else None
        return (shape[2], shape[3]) if shape else None

    @property
    def cells(self) -> int:
        """Steps of a window, or pixels of a chip."""
        return int(np.prod(self.values.shape[2:])) if self.chips else self.layout.length

    def tell_groups_apart(self) -> int:
        """Number the groups of this population for networks that take them; their count."""
        names, self.group_of_unit = np.unique(np.asarray(self.dataset["group"]).astype(str), return_inverse=True)
        return len(names)

    # -- labels -------------------------------------------------------------------------------------------------

    @cached_property
    def labels(self) -> tuple[np.ndarray, np.ndarray]:
        """Labels and weights: (obs, target) of a regression, (row,) or (row, y, x) of classes (255 missing)."""
        self.layout.read.append(self.dataset)
        if self.task == "regression":
            targets, quality = self.layout.targets, self.layout.quality
            columns = [self.dataset[name] for name in targets]
            shape = (len(columns[0]), len(columns))
            return (
                self.filled(
                    shape, np.float32, lambda rows: np.stack([c[rows] for c in columns], axis=1).astype(np.float32)
                ),
                self.filled(
                    shape, np.float32, lambda rows: windows.label_weights(self.dataset, targets, quality, rows)
                ),
            )
        name = self.layout.targets[0]
        values = self.dataset[name]
        if not self.chips and self.dataset.variables[name].dimensions == ("unit",):
            of_unit = values  # a unit's class holds for all of its windows
            values = self.filled(self.unit.shape, of_unit.dtype, lambda rows: of_unit[self.unit[rows]])
        weights = self.filled(values.shape, np.float32, lambda rows: values[rows] != IGNORE)
        return values, weights

    def filled(
        self, shape: tuple[int, ...], dtype: np.dtype | type, values: Callable[[slice], np.ndarray]
    ) -> np.ndarray:
        """An array of rows, where the data of this population lie."""
        return mapped.filled(self._first, shape, dtype, values)

    @cached_property
    def windows(self) -> Windows:
        """(n,) windows to train on, or labelled chips."""
        weights = self.labels[1].reshape(len(self.labels[1]), -1)
        if self.chips:
            return Windows.of_chips(np.flatnonzero(weights.any(axis=1)))
        layout = self.layout
        scored = layout.scored if self.task == "regression" else 1
        grid = layout.grid(layout.stride)
        return Windows(
            *windows.training_windows(self.dataset, layout.inputs, weights, grid, scored, layout.step, layout.lookahead)
        )

    @property
    def ends(self) -> np.ndarray:
        """(n,) their last observations, or the index of chips."""
        return self.windows.ends

    def __len__(self) -> int:
        return len(self.windows.ends)

    @cached_property
    def label_windows(self) -> Windows:
        """(n,) windows that learners of tables take: one for every labelled row that has a complete one around it.

        Where a label holds for a whole unit its rows tell nothing apart, and the windows to train on are taken.
        """
        target = self.dataset.variables[self.layout.targets[0]]
        if self.chips or target.dimensions == ("unit",):
            return self.windows
        weights = self.labels[1].reshape(len(self.labels[1]), -1)
        layout = self.layout
        grid = Grid(layout.table_length, 1, layout.shortest)
        return Windows(
            *windows.training_windows(self.dataset, layout.inputs, weights, grid, 1, layout.step, layout.lookahead)
        )

    @property
    def label_observations(self) -> np.ndarray:
        """(n,) observation that each of `label_windows` is about."""
        return self.label_windows.ends - (0 if self.chips else self.layout.lookahead)

    @cached_property
    def class_factors(self) -> np.ndarray:
        """(unit,) float32 factors by which the classes of `class_weights` weigh the same; see `facts`."""
        return facts.class_factors(self)

    def label_rows(self, *, balanced: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Labels (row, target), NaN where missing, and weights; classes as (row, 1), every pixel a row.

        Args:
            balanced: weights times the factors of the classes.
        """
        values, weights = self.labels
        values, weights = values[self.label_observations], weights[self.label_observations]
        if balanced and self.layout.class_weights:
            factors = self.class_factors[self.unit[self.label_observations]]
            weights = weights * factors.reshape(-1, *[1] * (weights.ndim - 1))
        if self.task == "regression":
            return values, weights
        classes = np.where(values == IGNORE, np.nan, values.astype(np.float32))
        return classes.reshape(-1, 1), weights.reshape(-1, 1)

    def uses(self) -> np.ndarray:
        """(target,) how often each target goes on."""
        return facts.uses(self)

    def months(self) -> np.ndarray | None:
        """Month of each label row."""
        return facts.months(self, self.label_observations)

    def prediction_months(self) -> np.ndarray | None:
        """Month of each row to predict."""
        return facts.months(self, self.prediction_observations)

    def places(self) -> np.ndarray:
        """(row, 5) place and day of the year of each label row."""
        return facts.places(self, self.label_observations)

    def prediction_places(self) -> np.ndarray:
        """(row, 5) of each row to predict."""
        return facts.places(self, self.prediction_observations)

    def product(self) -> np.ndarray:
        """(row, target) of an existing product at each row to predict."""
        return facts.product(self, self.prediction_observations)

    # -- rows to predict ----------------------------------------------------------------------------------------

    @cached_property
    def prediction_windows(self) -> Windows:
        """(window,) distinct windows of the rows to predict, in order, or chips."""
        rows = self.rows_to_predict
        return Windows(rows.ends[self._first_rows], rows.sizes[self._first_rows])

    @cached_property
    def prediction_table_windows(self) -> Windows:
        """(row,) what learners of tables are shown for each row to predict."""
        rows = self.rows_to_predict
        lookahead = 0 if self.chips else self.layout.lookahead
        return Windows(rows.observations + lookahead, rows.sizes - self.layout.predicted + 1)

    @cached_property
    def by_group(self) -> dict[str, tuple[np.ndarray, Samples]]:
        """By group, sorted: its rows to predict (n,), and this population with those rows alone."""
        group = np.asarray(self.dataset["group"]).astype(str)[np.asarray(self.dataset["row_unit"])]
        found = {}
        for name in sorted(set(group)):
            rows = np.flatnonzero(group == name)
            own = self.with_rows(Rows(*(array[rows] for array in vars(self.rows_to_predict).values())))
            found[name] = (rows, own)
        return found

    def with_rows(self, rows: Rows) -> Samples:
        """This population with other rows to predict."""
        own = self._copy()
        for known in OF_ROWS:
            vars(own).pop(known, None)
        own.rows = rows
        return own

    def showing(self, labelled: Any) -> Samples:
        """This population with support windows of the same groups of `labelled`, their labels beside their inputs.

        Raises:
            NotApplicable: no regression on series, or the network takes no support.
        """
        if self.chips or self.task != "regression" or not self.layout.support:
            raise NotApplicable("needs a regression on series and a network that reads support windows")
        own = self._copy()
        own.shown = labelled
        return own

    def _copy(self) -> Samples:
        """The same data, whose tensors it shares."""
        own = copy(self)
        own.whole = self
        vars(own).pop("tensors", None)
        return own

    def labelled(self) -> LabelledRows:
        """The labelled rows as rows to predict."""
        return labelled_rows(self)

    @cached_property
    def rows_to_predict(self) -> Rows:
        """(row,) end, size and distance of the label from the end of each row to predict."""
        if self.rows is not None:
            return self.rows
        if "row_end" in self.dataset:
            return Rows(*(np.asarray(self.dataset[name], np.int64) for name in ("row_end", "row_length", "row_back")))
        if "row_unit" in self.dataset:
            chips = np.asarray(self.dataset["row_unit"], np.int64)
            return Rows(chips, np.ones_like(chips), np.zeros_like(chips))
        labelled, lookahead = self.label_windows, 0 if self.chips else self.layout.lookahead
        return Rows(labelled.ends, labelled.sizes, np.full(len(labelled.ends), lookahead))

    @cached_property
    def _first_rows(self) -> np.ndarray:
        """(window,) first row of each window to predict."""
        ends = self.rows_to_predict.ends
        return np.flatnonzero(np.append(True, ends[1:] != ends[:-1])) if len(ends) else np.zeros(0, np.int64)

    def prediction_steps(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the windows to predict from `start` to `stop`: place of the window among them, and steps before its
        last scored one.
        """
        firsts = np.append(self._first_rows, len(self.rows_to_predict.ends))
        counts = np.diff(firsts[start : stop + 1])
        back = self.rows_to_predict.back[firsts[start] : firsts[stop]] - (0 if self.chips else self.layout.lookahead)
        return np.repeat(np.arange(len(counts)), counts), back

    @property
    def prediction_observations(self) -> np.ndarray:
        """(row,) observation of each row to predict, or its chip."""
        return self.rows_to_predict.observations

    @property
    def prediction_rows(self) -> int:
        """Number of rows to predict."""
        return len(self.rows_to_predict.ends)

    # -- windows without labels ---------------------------------------------------------------------------------

    @cached_property
    def input_windows(self) -> Windows:
        """(n,) all windows or chips, labelled or not."""
        if self.chips:
            return Windows.of_chips(np.arange(len(self.dataset["unit_name"])))
        layout = self.layout
        grid = layout.grid(layout.stride)
        return Windows(*windows.complete_windows(self.dataset, layout.inputs, grid, layout.step))

    def of_inputs(self, function: FeatureFunction) -> np.ndarray:
        """What a domain's own function makes of all windows or chips, labelled or not."""
        return function(self.dataset, *self.input_windows.arrays())

    # -- as networks read it ------------------------------------------------------------------------------------

    @cached_property
    def tensors(self) -> Tensors:
        """On the device, once a network asks for it."""
        from landbridge.train.tensors import Tensors  # here, since learners of tables make do without torch

        return Tensors(self, self.whole.tensors.stored if self.whole is not None else None)

    def input_batches(self, scaler: Scaler) -> Iterator[tuple[tuple[Tensor, ...], Tensor | None]]:
        """All windows or chips as a network takes them, and what of them is real, (b, t) or (b, y, x)."""
        return self.tensors.input_batches(scaler)

    # -- tables -------------------------------------------------------------------------------------------------

    def table(self, every: int = 1) -> np.ndarray:
        """(row, column): the row's step, mean over the window, static numbers, of each label row, or of every n-th."""
        return self._table(Windows(*(array[::every] for array in self.label_windows.arrays())))

    def prediction_table(self) -> np.ndarray:
        """The same columns of each row to predict; made once, since every budget asks for it."""
        return self._prediction_table

    @cached_property
    def _prediction_table(self) -> np.ndarray:
        return self._table(self.prediction_table_windows)

    def of_windows(self, function: FeatureFunction) -> np.ndarray:
        """What a domain's own function makes of each window of `label_rows`."""
        return function(self.dataset, *self.label_windows.arrays())

    def of_prediction_windows(self, function: FeatureFunction) -> np.ndarray:
        """What a domain's own function makes of the window of each row to predict."""
        return function(self.dataset, *self.prediction_table_windows.arrays())

    def _table(self, chosen: Windows) -> np.ndarray:
        if self.features is not None:
            return self.features(self.dataset, *chosen.arrays())
        if self.chips:
            raise NotApplicable("the domain has no table in features.py, and chips are no rows")
        return facts.steps_and_means(self, chosen)
