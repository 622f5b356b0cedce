"""Measure before any adaptation how near a source is to a target, and how well its network suits it.

The stage `transferability`. It reads the pool's labels and the test's inputs, and never an answer; nothing that it
finds goes into a training.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import IGNORE, Dataset
from landbridge.methods.given import LabelledRows, NotApplicable
from landbridge.models.learner import Learner, at_once
from landbridge.models.network import build
from landbridge.prepare.scaling import Scaler
from landbridge.prepare.streams import generator, stream
from landbridge.stage import Job, StageError
from landbridge.train import evidence, shift
from landbridge.train.checkpoint import load_learner
from landbridge.train.harness import open_source
from landbridge.train.held import Held
from landbridge.train.jackknife import Estimate, jackknife
from landbridge.train.labelled import some_of
from landbridge.train.layout import Layout
from landbridge.train.networks import set_threads
from landbridge.train.samples import Samples, Windows
from landbridge.train.shift import Inputs, Labelled

log = logging.getLogger(__name__)

COLUMNS = ("measure", "group", "value", "low", "high", "n", "groups", "status")
ROWS = 1000  # of a population, drawn at random
ROWS_OF_MMD = 400  # of each side, since its kernel has the square of them
ROWS_OF_GROUP = 200  # of a test group
FEWEST_OF_GROUP = {"mmd": 2}  # windows
DISTANCES = ("proxy_a", "mmd", "sliced_wasserstein")

Row = dict[str, Any]


def run(job: Job) -> None:
    """Inputs: `source`, `target_inputs`, `target_labels`, `test_inputs`, `checkpoint`. Output: `measures`."""
    set_threads(job.threads)
    material = Material(job)
    rows = [*distances(material), *shifts(material), *suitability(material)]
    with job.outputs["measures"].open("w", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


class Material:
    """The files of a job, opened when they are first asked for, and rows drawn of each by streams of their own."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.level = float(job.settings["level"])
        self.keys = [job.settings["scenario"], job.wildcards["fold"], job.seed]
        self.held = Held.of(job)
        test = self.held.read(job.input("test_inputs"))
        self.layout = Layout.of(job.settings, test)
        self.features = getattr(job.load("features"), "table", None) if "features" in job.modules else None
        self.test = self._samples(test)
        self.source = open_source(self.held.read(job.input("source")), self.layout, job.device, self.features).train
        self.pool = self._samples(self.held.read(job.input("target_labels")))
        architecture = job.load("model")
        path: Path = job.input("checkpoint")
        learner, self.notes = load_learner(path, lambda shape: build(architecture, shape, job.settings["network"]))
        self.learner: Learner = learner
        if learner.scaler.rows != test.attributes["source_rows_hash"]:
            raise StageError(
                f"{path}: its scaler was fitted on other rows than the training part of this split; delete the file "
                f"and run again"
            )

    def _samples(self, dataset: Dataset) -> Samples:
        return Samples(dataset, self.layout, self.job.device, self.features)

    @property
    def scaler(self) -> Scaler:
        """Of the pretrained network, so of the source."""
        return self.learner.scaler

    @cached_property
    def unlabelled(self) -> Samples:
        """The target's inputs without labels; where a split keeps none, the inputs of the pool."""
        own = self._samples(self.held.read(self.job.input("target_inputs")))
        if len(own.input_windows.ends):
            return own
        log.info("the target has no windows without labels, so distances are to those of the pool")
        return self.pool

    def index(self, name: str, size: int, rows: int) -> np.ndarray:
        """`rows` of `size`, drawn without replacement and in order; all of them where there are no more."""
        if size <= rows:
            return np.arange(size)
        log.info("%s: %d of %d rows are drawn", name, rows, size)
        return np.sort(generator(f"transferability {name}", *self.keys).permutation(size)[:rows])

    def inputs(self, name: str, samples: Samples, windows: Windows, rows: int = ROWS) -> Inputs:
        """Windows of a population in summary form."""
        index = self.index(name, len(windows.ends), rows)
        if not len(index):
            raise NotApplicable(f"{name} has no complete window")
        size = at_once(samples.cells)
        tables = []
        for start in range(0, len(index), size):
            some = samples.tensors.windows(windows, index[start : start + size])
            tables.append(shift.summary(samples.tensors.inputs(*some, self.scaler)))
        groups = np.asarray(samples.dataset["group"]).astype(str)[samples.unit[windows.ends[index]]]
        return Inputs(np.concatenate(tables), groups)

    @cached_property
    def of_pool(self) -> LabelledRows:
        """Labelled rows of the pool, no more than `ROWS`."""
        return self._drawn("target_pool", self.pool)

    @cached_property
    def of_source(self) -> LabelledRows:
        """Labelled rows of the training part of the source, no more than `ROWS`."""
        return self._drawn("source_train", self.source)

    def _drawn(self, name: str, samples: Samples) -> LabelledRows:
        rows = samples.labelled()
        return some_of(rows, self.index(f"{name}, labelled", len(rows.groups), ROWS))

    def in_units_of_training(self, rows: LabelledRows) -> np.ndarray:
        """(row, target) labels as the network learned them, NaN where one is missing; of classes (row, 1) numbers."""
        labels = np.where(rows.weights > 0, rows.labels, np.nan).astype(float)
        if self.layout.task != "regression":
            return labels
        return np.asarray((labels - self.scaler.target_mean) / self.scaler.target_spread)


@dataclass(frozen=True)
class Found:
    """A measure of some target rows of some groups."""

    estimate: Estimate
    n: int
    groups: int


def _row(measure: str, group: str, found: Callable[[], Found]) -> Row:
    """A row of the table; without a value where the measure does not apply, and then with the reason."""
    try:
        own = found()
    except NotApplicable as reason:
        status = f"not_applicable: {reason}"
        return {**dict.fromkeys(COLUMNS, ""), "measure": measure, "group": group, "n": 0, "groups": 0, "status": status}
    numbers = {"value": own.estimate.value, "low": own.estimate.low, "high": own.estimate.high}
    return {
        "measure": measure,
        "group": group,
        **{name: f"{value:.6g}" if np.isfinite(value) else "" for name, value in numbers.items()},
        "n": own.n,
        "groups": own.groups,
        "status": "ok" if np.isfinite(own.estimate.value) else "not_applicable: no row has a value",
    }


def distances(material: Material) -> Iterator[Row]:
    """Distances of the target's inputs, and of those of each test group, to the source's."""
    source = material.inputs("source_train", material.source, material.source.input_windows)
    target = material.inputs("target", material.unlabelled, material.unlabelled.input_windows)
    ends = material.test.by_group
    groups = {
        name: material.inputs(f"test group {name}", own, own.prediction_windows, ROWS_OF_GROUP)
        for name, (_, own) in ends.items()
    }
    size = {"n": len(target.table), "groups": len(np.unique(target.groups))}
    whole, of_group = _distances(material, source, target)
    for measure in DISTANCES:
        yield _row(measure, "", lambda name=measure: Found(whole[name](), **size))  # type: ignore[misc]
        for group, own in groups.items():

            def found(name: str = measure, own: Inputs = own) -> Found:
                if len(own.table) < FEWEST_OF_GROUP.get(name, 1):
                    raise NotApplicable("compares windows of the group with each other, and it has a single one")
                return Found(Estimate(of_group[name](own.table)), len(own.table), 1)

            yield _row(measure, group, found)


def _distances(
    material: Material, source: Inputs, target: Inputs
) -> tuple[Mapping[str, Callable[[], Estimate]], Mapping[str, Callable[[np.ndarray], float]]]:
    """By measure, a function for the whole, and one for the windows of a test group."""
    classifiers: list[shift.Classifier] = []

    def classifier() -> shift.Classifier:
        if not classifiers:
            classifiers.append(shift.Classifier(source, target))
        return classifiers[0]

    fewer = [
        Inputs(own.table[index], own.groups[index])
        for name, own in (("source_train", source), ("target", target))
        for index in (material.index(f"{name}, mmd", len(own.table), ROWS_OF_MMD),)
    ]
    widths = shift.widths_of(*(own.table for own in fewer))
    seed = stream("transferability directions", *material.keys)
    both, few = [source.groups, target.groups], [own.groups for own in fewer]

    def discrepancy() -> Estimate:
        return jackknife(
            lambda keep: shift.discrepancy(fewer[0].table[keep[0]], fewer[1].table[keep[1]], widths),
            few,
            material.level,
        )

    def sliced() -> Estimate:
        return jackknife(
            lambda keep: shift.sliced_wasserstein(source.table[keep[0]], target.table[keep[1]], seed),
            both,
            material.level,
        )

    whole = {"proxy_a": lambda: classifier().distance(material.level), "mmd": discrepancy, "sliced_wasserstein": sliced}
    of_group = {
        "proxy_a": lambda table: classifier().distance_of(table),
        "mmd": lambda table: shift.discrepancy(fewer[0].table, table, widths),
        "sliced_wasserstein": lambda table: shift.sliced_wasserstein(source.table, table, seed),
    }
    return whole, of_group


def shifts(material: Material) -> Iterator[Row]:
    """How far labels, and labels given inputs, of the pool are from those of the source."""
    layout, level = material.layout, material.level

    def of_labels() -> Found:
        if layout.task == "segmentation":
            sides = [_pixels(material, name) for name in ("source", "pool")]
        else:
            rows = [material.of_source, material.of_pool]
            sides = [(material.in_units_of_training(own), own.groups) for own in rows]
            if layout.classes:
                sides = [(np.asarray(own == np.arange(layout.outputs), float), groups) for own, groups in sides]
        distance = shift.class_shift if layout.classes else shift.mean_shift
        (own, of_own), (other, of_other) = sides
        estimate = jackknife(lambda keep: distance(own[keep[0]], other[keep[1]]), [of_own, of_other], level)
        return Found(estimate, len(other), len(np.unique(of_other)))

    def conditional() -> Found:
        own, other = (
            Labelled(rows.samples.prediction_table(), material.in_units_of_training(rows), rows.groups)
            for rows in (material.of_source, material.of_pool)
        )
        classes = layout.outputs if layout.classes else 0
        estimate = shift.conditional_shift(own, other, classes, level, material.keys)
        return Found(estimate, len(other.groups), len(np.unique(other.groups)))

    yield _row("label_shift", "", of_labels)
    yield _row("conditional_shift", "", conditional)


def _pixels(material: Material, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of each class of some chips (chip, class), and the chips' groups."""
    samples: Samples = getattr(material, side)
    values = samples.labels[0]
    index = material.index(f"{side}, chips", len(values), ROWS)
    counts = np.stack([np.bincount(values[chip][values[chip] != IGNORE], minlength=samples.outputs) for chip in index])
    return counts.astype(float), np.asarray(samples.dataset["group"]).astype(str)[index]


def suitability(material: Material) -> Iterator[Row]:
    """LEEP and LogME of the pretrained network on the pool."""
    layout, learner = material.layout, material.learner

    def pretrained() -> LabelledRows:
        if material.notes.get("not_applicable"):
            raise NotApplicable(material.notes["not_applicable"])
        return material.of_pool

    def of_classes() -> Found:
        if layout.task == "regression":
            raise NotApplicable("LEEP compares classes, and the targets are numbers")
        rows = pretrained()
        probability, label = np.exp(learner.predict(rows.samples).astype(float)), rows.labels[:, 0]
        estimate = jackknife(
            lambda keep: evidence.leep(probability[keep[0]], label[keep[0]]), [rows.groups], material.level
        )
        return Found(estimate, len(label), len(np.unique(rows.groups)))

    def of_features() -> Found:
        rows = pretrained()
        if not learner.has_features:
            raise NotApplicable("the network has no features between its inputs and its outputs")
        features, labels = learner.hidden(rows.samples).astype(float), material.in_units_of_training(rows)
        if layout.classes:
            labels = (labels == np.arange(layout.outputs)).astype(float)
        usable = np.isfinite(labels).all(axis=1)
        features, labels, groups = features[usable], labels[usable], rows.groups[usable]
        if not (len(labels) and labels.std(axis=0).any()):
            raise NotApplicable("no row of the pool has all targets, or its labels do not vary")

        def value(keep: Any) -> float:
            return evidence.logme(features[keep[0]], labels[keep[0]])

        return Found(jackknife(value, [groups], material.level), len(labels), len(np.unique(groups)))

    yield _row("leep", "", of_classes)
    yield _row("logme", "", of_features)
