"""Populations on the device: one contiguous tensor of the series, windows gathered by index, never copied out.

Where the data of a population lie in files (`io.mapped`) its tensors do, too: windows are gathered there by the same
indices, and the batch alone goes to the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landbridge.contract import IGNORE, Dataset, stamps
from landbridge.io import mapped
from landbridge.methods.given import LabelledRows, NotApplicable
from landbridge.models.learner import PREDICTION_STEPS
from landbridge.prepare import windows
from landbridge.prepare.scaling import Scaler, static_numbers
from landbridge.prepare.windows import Grid, Rows
from landbridge.stage import StageError
from landbridge.train.labelled import labelled_rows
from landbridge.train.layout import Layout
from landbridge.train.scaled import Inputs, Scaled
from landbridge.train.support import Support

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

    def tensors(self, index: Any, device: torch.device) -> tuple[Tensor, Tensor]:
        """Ends and sizes of some of them."""
        of_device = [torch.as_tensor(array[index], device=device) for array in self.arrays()]
        return of_device[0], of_device[1]


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
        self.device = torch.device(device)
        self.chips = layout.kind == "chips"
        missing = [name for name in (*layout.inputs, *layout.one_hot, *layout.static) if name not in dataset]
        if missing and not self.chips:
            raise StageError(f"the data hold no {', '.join(missing)}, which the scenario names; mend its `inputs:`")
        self.static = torch.as_tensor(static_numbers(dataset, layout.static, layout.one_hot), device=self.device)
        first = dataset["reflectance" if self.chips else layout.inputs[0]]  # what is made of it lies where it does
        self.home = torch.device("cpu") if mapped.is_mapped(first) else self.device
        self._first = first
        if self.chips:
            self.values = torch.as_tensor(first, device=self.home)
            valid = dataset["valid"]
            seen = mapped.filled(first, valid.shape, bool, lambda rows: valid[rows] != 0)
            self.seen = torch.as_tensor(seen, device=self.home)  # (chip, y, x)
            self.unit = np.arange(len(dataset["unit_name"]))  # of each chip
        else:
            columns = [dataset[name] for name in layout.inputs]
            values = mapped.filled(
                *(first, (len(first), len(columns)), np.float32),
                lambda rows: np.stack([column[rows].astype(np.float32, copy=False) for column in columns], axis=1),
            )
            self.values = torch.as_tensor(values, device=self.home)  # (obs, input)
            row_size = dataset["row_size"]
            self.unit = mapped.filled(
                first, (len(first),), np.int32, lambda rows: windows.unit_index(row_size, rows)
            )  # of each observation
        self.rows: Rows | None = None  # to predict; None: those of the file
        self.shown: Samples | None = None  # labelled population that support windows are of; None: this one, no labels
        self.group_of_unit = np.full(len(dataset["unit_name"]), -1)  # -1: not a group that a network tells apart

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
        """(unit,) float32 factors that give the classes of each column of `class_weights` the same total weight.

        N / (K n_c) of N labelled rows, K classes and n_c rows of the unit's class; products over columns.
        """
        weights = self.labels[1].reshape(len(self.labels[1]), -1)
        rows = np.zeros(len(self.dataset["unit_name"]), np.int64)
        for part in mapped.blocks(len(weights), weights[:1].nbytes):
            labelled = np.any(weights[part] > 0, axis=1)
            rows += np.bincount(self.unit[part][labelled], minlength=len(rows))
        factors = np.ones(len(rows), np.float64)
        for column in self.layout.class_weights:
            classes, index = np.unique(np.asarray(self.dataset[column]).astype(str), return_inverse=True)
            counts = np.bincount(index, rows, minlength=len(classes))
            factors *= (rows.sum() / ((counts > 0).sum() * np.maximum(counts, 1)))[index]
        return factors.astype(np.float32)

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
        if not self.layout.on_from:
            raise NotApplicable("needs targets that are on or off")
        least = np.array([self.layout.on_from[name] for name in self.layout.targets])
        labels, found = self.labels[0], np.zeros(len(least), np.int64)
        for rows in mapped.blocks(len(labels), labels[:1].nbytes):
            begin = max(rows.start - 1, 0)
            on, unit = np.nan_to_num(labels[begin : rows.stop]) >= least, self.unit[begin : rows.stop]  # (obs, target)
            before = on[:-1] & (unit[1:] == unit[:-1])[:, None]
            found += (on[1:] & ~before).sum(axis=0) + (on[0] if rows.start == 0 else 0)
        return found

    def months(self) -> np.ndarray | None:
        """Month of each label row."""
        return self._months(self.label_observations)

    def prediction_months(self) -> np.ndarray | None:
        """Month of each row to predict."""
        return self._months(self.prediction_observations)

    def places(self) -> np.ndarray:
        """(row, 5) of each label row, see `_places`."""
        return self._places(self.label_observations)

    def prediction_places(self) -> np.ndarray:
        """(row, 5) of each row to predict."""
        return self._places(self.prediction_observations)

    def _places(self, ends: np.ndarray) -> np.ndarray:
        """Where and when in the year: the place as a point of the unit sphere, sine and cosine of the day."""
        if self.chips or self.task != "regression" or "lat" not in self.dataset:
            raise NotApplicable("needs series with a calendar, whose units have lat and lon")
        lat, lon = (np.radians(np.asarray(self.dataset[name], float))[self.unit[ends]] for name in ("lat", "lon"))
        phase = 2 * np.pi * windows.share_of_year(stamps(self.dataset)[ends])
        columns = (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat), np.sin(phase), np.cos(phase))
        return np.stack(columns, axis=1)

    def product(self) -> np.ndarray:
        """(row, target) of an existing product at each row to predict; NaN for a target without one.

        Raises:
            NotApplicable: the scenario names none, or the product has no value at some row.
        """
        named = self.layout.product
        if not named:
            raise NotApplicable("the scenario names no product")
        absent = [name for name in named.values() if name not in self.dataset]
        if absent:
            raise NotApplicable(f"the data hold no {', '.join(absent)}")
        if any(name not in named for name in self.layout.targets):
            raise NotApplicable("the product lacks " + ", ".join(n for n in self.layout.targets if n not in named))
        rows = self.prediction_observations
        values = np.stack([self.dataset[named[name]][rows] for name in self.layout.targets], axis=1)
        lost = int(np.isnan(values).any(axis=1).sum())
        if lost:
            raise NotApplicable(f"the product has no value at {lost} of {len(values)} rows")
        return values

    def _months(self, ends: np.ndarray) -> np.ndarray | None:
        if self.chips or self.task != "regression":
            return None
        return windows.months(stamps(self.dataset)[ends])

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
        own = copy(self)  # which shares tensors; what is known of the rows to predict is left behind
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
        own = copy(self)
        own.shown = labelled
        vars(own).pop("support", None)
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

    def prediction_steps(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Rows of the windows to predict from `start` to `stop`: place of the window among them, and output.

        Outputs are counted from the last one backwards, as -1, -2, ...
        """
        firsts = np.append(self._first_rows, len(self.rows_to_predict.ends))
        counts = np.diff(firsts[start : stop + 1])
        back = self.rows_to_predict.back[firsts[start] : firsts[stop]] - (0 if self.chips else self.layout.lookahead)
        place = np.repeat(np.arange(len(counts)), counts)
        found = [torch.as_tensor(array, device=self.device) for array in (place, -1 - back)]
        return found[0], found[1]

    @property
    def prediction_observations(self) -> np.ndarray:
        """(row,) observation of each row to predict, or its chip."""
        return self.rows_to_predict.observations

    @property
    def prediction_rows(self) -> int:
        """Number of rows to predict."""
        return len(self.rows_to_predict.ends)

    # -- batches ------------------------------------------------------------------------------------------------

    def inputs(self, ends: Tensor, sizes: Tensor, scaler: Scaler) -> tuple[Tensor, ...]:
        """Standardised inputs (b, t, input) or (b, band, y, x), and static (b, static), of windows or chips.

        With support two more: windows (b, k, t, input) of the same unit that share no step with the one to predict,
        and which of them exist (b, k). Where windows may be padded one more: which steps are known (b, t); a batch has
        the steps of its longest window, and 0 stands where a shorter one has ended. Where the network tells groups
        apart one more: the group of each window (b,), -1 where it is not of the source.
        """
        mean = torch.as_tensor(scaler.input_mean, dtype=torch.float32, device=self.device)
        spread = torch.as_tensor(scaler.input_spread, dtype=torch.float32, device=self.device)
        ends, sizes = ends.to(self.home), sizes.to(self.home)
        if self.chips:
            x = (self._gathered(self.values, ends) - mean[:, None, None]) / spread[:, None, None]
            seen = self._gathered(self.seen, ends)
            x = torch.where(seen[:, None], x, 0.0)  # a pixel that was not seen stands at the band's mean
            return torch.nan_to_num(x, nan=0.0), self._static(scaler)[ends.to(self.device)]
        own = self._unit[ends].long()
        unit = own.to(self.device)
        static = self._static(scaler)[unit]
        if self.layout.shortest is not None:
            step = torch.arange(int(sizes.max()) if len(sizes) else 1, device=self.home)
            known = (step < sizes[:, None]).to(self.device)
            index = torch.minimum(ends[:, None] - sizes[:, None] + 1 + step, ends[:, None])
            x = torch.where(known[..., None], (self._gathered(self.values, index) - mean) / spread, 0.0)
            return x, static, known
        back = torch.arange(self.layout.length - 1, -1, -1, device=self.home)
        x = (self._gathered(self.values, ends[:, None] - back) - mean) / spread
        if self.layout.grouped:
            return x, static, self._group[unit]
        if not self.layout.support:
            return x, static
        beside, there = self.support.ends(ends, own)
        exists, steps, shown = there.to(self.device), beside[..., None] - back, self.shown or self
        support = (self._gathered(shown.values, steps) - mean) / spread
        if self.shown is not None:
            support = torch.cat([support, *shown.labels_to_show(steps, scaler)], dim=-1)
        return x, static, torch.where(exists[..., None, None], support, 0.0), exists

    def _gathered(self, values: Tensor, index: Tensor) -> Tensor:
        """Rows of a tensor that lies where the data do, on the device."""
        return values[index].to(self.device)

    @cached_property
    def support(self) -> Support:
        """Where windows of the same unit that a network sees beside one lie; of its group, in another population."""
        own, shown = Support.of, self.shown
        if shown is None or shown.dataset is self.dataset:
            return own(self.dataset, self.layout, self.unit, self.home)
        groups = (np.asarray(samples.dataset["group"]).astype(str) for samples in (shown, self))
        return shown.support.for_others(shown.unit, *groups)

    def labels_to_show(self, steps: Tensor, scaler: Scaler) -> tuple[Tensor, Tensor]:
        """Standardised labels (..., target) of observations, 0 where one is missing, and which are known as 0 and 1."""
        values, weights = (torch.as_tensor(array, device=self.home) for array in self.labels)
        mean, spread = (
            torch.as_tensor(array, dtype=torch.float32, device=self.device)
            for array in (scaler.target_mean, scaler.target_spread)
        )
        known = self._gathered(weights, steps) > 0
        labels = (self._gathered(values, steps) - mean) / spread
        return torch.where(known, labels, 0.0), known.float()

    def _static(self, scaler: Scaler) -> Tensor:
        """(unit, static) standardised."""
        mean = torch.as_tensor(scaler.static_mean, dtype=torch.float32, device=self.device)
        factor = torch.as_tensor(scaler.static_factor, dtype=torch.float32, device=self.device)
        return (self.static - mean) * factor

    @cached_property
    def _group(self) -> Tensor:
        """(unit,) group of each unit."""
        return torch.as_tensor(self.group_of_unit, dtype=torch.int64, device=self.device)

    @cached_property
    def _unit(self) -> Tensor:
        """(obs,) unit of each observation, where the data lie."""
        return torch.as_tensor(self.unit, device=self.home)

    @cached_property
    def input_windows(self) -> Windows:
        """(n,) all windows or chips, labelled or not."""
        if self.chips:
            return Windows.of_chips(np.arange(len(self.dataset["unit_name"])))
        layout = self.layout
        grid = layout.grid(layout.stride)
        return Windows(*windows.complete_windows(self.dataset, layout.inputs, grid, layout.step))

    def input_batches(self, scaler: Scaler) -> Iterator[tuple[tuple[Tensor, ...], Tensor | None]]:
        """All windows or chips as a network takes them, and what of them is real, (b, t) or (b, y, x)."""
        size = max(1, PREDICTION_STEPS // self.cells)
        for start in range(0, len(self.input_windows.ends), size):
            ends, sizes = self.input_windows.tensors(slice(start, start + size), self.home)
            inputs = self.inputs(ends, sizes, scaler)
            if self.chips:
                yield inputs, self._gathered(self.seen, ends)
            else:
                yield inputs, inputs[2] if self.layout.shortest is not None else None

    def of_inputs(self, function: FeatureFunction) -> np.ndarray:
        """What a domain's own function makes of all windows or chips, labelled or not."""
        return function(self.dataset, *self.input_windows.arrays())

    def prediction_batch(self, index: Tensor, scaler: Scaler) -> tuple[Tensor, ...]:
        """What a network takes for the windows to predict at `index`."""
        return self.inputs(*self.prediction_windows.tensors(index.numpy(), self.home), scaler)

    def scaled(self, scaler: Scaler, *, balanced: bool = False) -> Scaled:
        """This population as the training loop draws from it; `balanced` by the factors of its classes."""
        return Scaled(self, scaler, balanced=balanced)

    def inputs_alone(self, scaler: Scaler) -> Inputs:
        """All windows or chips, labelled or not, as the training loop draws from them."""
        return Inputs(self, scaler)

    def group_of_window(self, column: str, *, labelled: bool = True) -> Tensor:
        """(window,) int64 number of each window's value of a text column of units.

        Args:
            column: of units.
            labelled: the windows to train on, else all of `inputs_alone`.
        """
        if column not in self.dataset:
            raise StageError(f"units have no column '{column}' to group by")
        ends = self.ends if labelled else self.input_windows.ends
        codes = np.unique(np.asarray(self.dataset[column]).astype(str)[self.unit[ends]], return_inverse=True)[1]
        return torch.as_tensor(codes.ravel().astype(np.int64), device=self.device)

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
        ends, sizes = chosen.arrays()
        values = self.values.cpu().numpy()
        sums = mapped.empty_beside(self._first, (len(values) + 1, values.shape[1]), np.float64)  # before each row
        sums[0] = 0
        for rows in mapped.blocks(len(values), 8 * values.shape[1]):
            known = np.nan_to_num(values[rows].astype(np.float64))
            running = np.cumsum(np.concatenate([sums[rows.start][None], known]), axis=0)
            sums[rows.start + 1 : rows.stop + 1] = running[1:]
        means = (sums[ends + 1] - sums[ends + 1 - sizes]) / sizes[:, None]
        own = np.nan_to_num(values[ends - self.layout.lookahead].astype(np.float64))
        static = self.static.cpu().numpy()[self.unit[ends]]
        return np.concatenate([own, means, static], axis=1).astype(np.float32)
