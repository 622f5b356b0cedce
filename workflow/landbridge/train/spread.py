"""How far a prediction may be off: quantiles around numbers, a temperature for the probabilities of classes.

A fit that has quantiles of its own (`quantiles`) gives them. For all others rows that the fit did not learn from, and
that the rights of its job name, say how large errors are (`landbridge.prepare.conformal`):

1. the labelled groups of the target that were put aside to choose the number of steps by, if there are any;
2. the source's validation groups, of a recipe that reads the labels of the source;
3. what the pretrained checkpoint holds of them, for a recipe that has the weights alone: then the errors are those of
   the source model, which stand in for those of the adapted one.

The first of these that has groups enough for the 90 % interval is taken; if none has, the first. The groups may also
have chosen a number of steps, so errors there are a little smaller than elsewhere. A fit on the target alone that is
calibrated on the source, such as boosted trees with that variant, errs more there and has intervals that are too wide.
A recipe without any of these groups has no interval, and the reason is written in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from landbridge.contract import IGNORE, PROBABILITY_SCALE, QUANTILES, Dataset, Variable
from landbridge.methods.given import LabelledRows, NotApplicable
from landbridge.prepare import conformal, temperature
from landbridge.prepare.evenly import evenly
from landbridge.train.labelled import labelled_chips, labelled_rows, some_of
from landbridge.train.progress import load_notes
from landbridge.train.samples import Samples

if TYPE_CHECKING:
    from landbridge.train.harness import Given
    from landbridge.train.layout import Layout

MOST_ROWS, MOST_OF_ALL = 200, 10_000  # of a group and of all, evenly taken: memory does not grow with the data
CANDIDATES = 20  # windows for each of them that are looked at, on average: many have no label
MOST_CHIPS, MOST_CHIPS_OF_ALL, MOST_PIXELS = 4, 64, 500  # of a group, of all, and pixels of a chip
LEAST_PROBABILITY = 1e-6
NOTE = "calibration"  # of a checkpoint
ON_TARGET, ON_SOURCE = "labelled groups of the target put aside", "validation groups of the source"
ON_CHECKPOINT = "validation groups of the source (errors of the source model)"


@dataclass(frozen=True)
class Errors:
    """How wrong predictions were at groups that a fit has not learned from.

    Attributes:
        groups: how many.
        scores: (group, target, level) of a regression, see `conformal.group_scores`; else None.
        temperature: of classes.
        of: which groups, in words.
    """

    groups: int
    scores: np.ndarray | None = None
    temperature: float = float("nan")
    of: str = ""

    @property
    def enough(self) -> bool:
        """Whether there are groups enough for every interval."""
        return self.scores is None or self.groups >= conformal.fewest_groups(conformal.LEVELS[0])

    def as_note(self) -> dict[str, Any]:
        """As JSON values, for a checkpoint."""
        scores = None
        if self.scores is not None:  # None is no number of JSON, and six digits are more than errors have
            flat = [None if np.isnan(value) else float(f"{value:.6g}") for value in self.scores.ravel().tolist()]
            scores = {"shape": list(self.scores.shape), "values": flat}
        return {"groups": self.groups, "scores": scores, "temperature": None if scores else self.temperature}

    @classmethod
    def of_note(cls, note: Mapping[str, Any]) -> Errors:
        """What `as_note` gave."""
        own = note["scores"]
        scores = None if own is None else np.array(own["values"], float).reshape(own["shape"])
        return cls(note["groups"], scores, note["temperature"] or float("nan"), ON_CHECKPOINT)


@dataclass(frozen=True)
class Spread:
    """What one budget's predictions carry beside themselves.

    Attributes:
        source: `own`, `conformal` or `none`, then in words of what, or why not.
        offsets: (target, quantile), or (row, target, quantile) where rows differ: distances from the prediction in the
            targets' units, NaN where an interval is infinite; None without.
        temperature: of classes; NaN without.
    """

    source: str = ""
    offsets: np.ndarray | None = field(default=None, repr=False)
    temperature: float = float("nan")


def spread_of(given: Given, fitted: Any, test: Samples, values: np.ndarray) -> Spread:
    """The spread of the predictions of one fit.

    Args:
        given: what the fit was handed.
        fitted: what it gave.
        test: rows that it has predicted.
        values: those predictions.
    """
    layout = given.tools.layout
    if hasattr(fitted, "quantiles"):
        own = np.asarray(fitted.quantiles(test, QUANTILES))  # (row, target, quantile)
        return Spread(f"own: {fitted.basis}", own - values[..., None])
    reason = "the job may read no labels of groups that its fit has not learned from"
    first: Errors | None = None
    try:
        for errors in _errors(given, fitted):
            first = first or errors
            if errors.enough:
                first = errors
                break
    except NotApplicable as why:
        reason = str(why)
    if first is None:
        return Spread(f"none: {reason}")
    if layout.task != "regression":
        return Spread(f"temperature: {first.groups} {first.of}", temperature=first.temperature)
    assert first.scores is not None
    half = conformal.half_widths(first.scores)
    beyond = np.isinf(half).any(axis=0)
    infinite = [f"{100 * level:g} %" for level, own in zip(conformal.LEVELS, beyond, strict=True) if own]
    told = f"; {' and '.join(infinite)} infinite: {first.groups} groups" if infinite else ""
    return Spread(f"conformal: {first.groups} {first.of}{told}", conformal.offsets(half))


def _errors(given: Given, fitted: Any) -> Iterator[Errors]:
    """Errors at groups within the rights of a job, those nearest to the test first."""
    tools, cut = given.tools, given.cut
    if cut.selection is not None:
        own = Samples(cut.selection, tools.layout, tools.job.device, tools.features)
        seen = () if cut.train is None else groups_of(cut.train)
        yield from errors_of(fitted, rows_of(own, seen), tools.job.settings, ON_TARGET)
    if tools.source is not None:
        known = _of_source(tools.source.validation, groups_of(tools.source.train.dataset))
        yield from errors_of(fitted, known, tools.job.settings, ON_SOURCE)
    elif tools.job.input_list("source_weights"):
        note = load_notes(tools.job.input("source_weights")).get(NOTE)
        if note is not None:
            yield Errors.of_note(note)


def groups_of(dataset: Dataset) -> tuple[str, ...]:
    """Names of the groups of a population."""
    return tuple(sorted(set(np.asarray(dataset["group"]).astype(str).tolist())))


def rows_of(samples: Samples, seen: Sequence[str]) -> LabelledRows | None:
    """Some labelled rows of each group, evenly taken, so that the cost does not grow with the data; None without any.

    Args:
        samples: labelled.
        seen: groups that a fit has learned from. Where a source is validated at later times of the same groups, or
            units of one group are both learned and put aside, their errors say too little of new groups.
    """
    if samples.task == "segmentation":
        chips = samples.label_windows.ends
        groups = np.asarray(samples.dataset["group"]).astype(str)[chips]
        chips = chips[thinned(groups, MOST_CHIPS, seen)]
        chips = chips[evenly(len(chips), MOST_CHIPS_OF_ALL)]
        return labelled_chips(samples, chips) if len(chips) else None
    groups = max(1, len(groups_of(samples.dataset)))
    most = max(1, min(MOST_ROWS, MOST_OF_ALL // groups))
    steps = samples.layout.predicted * CANDIDATES * most * groups
    try:
        found = labelled_rows(samples, every=max(1, len(samples.unit) // steps))
    except NotApplicable:  # which here says that no labelled row lies in a complete window
        return None
    kept = thinned(found.groups, most, seen)
    return some_of(found, kept) if len(kept) else None


_of_source = lru_cache(maxsize=1)(rows_of)  # the same for every budget of a job


def thinned(groups: np.ndarray, most: int, seen: Sequence[str] = ()) -> np.ndarray:
    """(kept,) places of at most so many rows of each group (row,) not `seen`, evenly taken, in their order."""
    kept = []
    for name in sorted(set(groups.tolist()) - set(seen)):
        own = np.flatnonzero(groups == name)
        kept.append(own[evenly(len(own), most)])
    return np.sort(np.concatenate(kept)) if kept else np.zeros(0, np.int64)


def errors_of(fitted: Any, known: LabelledRows | None, settings: Mapping[str, Any], of: str = "") -> Iterator[Errors]:
    """Errors of a fit at labelled rows; none where there is no row, or a prediction is not finite.

    Of series with a quality flag only rows that would be scored count.
    """
    if known is None:
        return
    samples: Any = known.samples
    layout: Layout = samples.layout
    values = layout.bounded(np.asarray(fitted.predict(samples), float))
    if not np.isfinite(values).all():
        return
    groups = len(np.unique(known.groups))
    if layout.task != "regression":
        logs, label = _of_classes(values, known, layout.task)
        if len(label):
            yield Errors(groups, temperature=temperature.fitted(logs, label), of=of)
        return
    least = settings["quality"]["score_from"] if settings.get("quality") else 0.0
    used = (known.weights > 0) & (known.weights >= least)
    residual = np.where(used, known.labels - values, np.nan)
    scores = conformal.group_scores(residual, known.groups)
    scores = scores[np.isfinite(scores).any(axis=(1, 2))]
    if len(scores):
        yield Errors(len(scores), scores, of=of)


def _of_classes(values: np.ndarray, known: LabelledRows, task: str) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities (row, class) as they are scored, and classes (row,), of rows or of some pixels of each chip."""
    if task == "segmentation":
        of_chip = known.labels.reshape(len(known.labels), -1)
        every = max(1, -(-of_chip.shape[1] // MOST_PIXELS))
        pixels = np.moveaxis(values.reshape(*values.shape[:2], -1), 1, -1)[:, ::every]  # (chip, pixel, class)
        label = of_chip[:, ::every].ravel()
        there = label != IGNORE
        stored = np.rint(pixels.reshape(-1, values.shape[1]) * PROBABILITY_SCALE) / PROBABILITY_SCALE
        logs = np.log(np.maximum(stored, LEAST_PROBABILITY))
    else:
        label, logs = known.labels[:, 0], values
        there = np.isfinite(label)
    return np.maximum(logs[there], np.log(LEAST_PROBABILITY)), label[there].astype(np.int64)


def joined(parts: Sequence[tuple[np.ndarray, Spread]], shape: tuple[int, ...]) -> Spread:
    """The spread of all rows (row, target) from those of fits that predict some of them each; None of all if one lacks.

    Args:
        parts: places of the rows, and their spread.
        shape: of the predictions.
    """
    texts = "; ".join(dict.fromkeys(own.source for _, own in parts))
    if any(own.offsets is None for _, own in parts):
        return Spread(texts)
    found = np.full((*shape, len(QUANTILES)), np.nan)
    for rows, own in parts:
        found[rows] = own.offsets
    missing = np.isnan(found).any(axis=0)  # infinite for one group is infinite for the budget
    return Spread(texts, np.where(missing, np.nan, found))


def variables(spreads: Sequence[Spread], task: str) -> dict[str, Variable]:
    """What the predictions file holds of the spreads of its budgets."""
    found = {"spread": Variable(("budget",), np.asarray([own.source for own in spreads]))}
    if task != "regression":
        values = np.array([own.temperature for own in spreads], np.float32)
        found["temperature"] = Variable(("budget",), values, {"long_name": "temperature of log-probabilities"})
        return found
    there = [own.offsets for own in spreads if own.offsets is not None]
    if not there:
        return found
    shape = max((own.shape for own in there), key=len)
    values = np.full((len(spreads), *shape), np.nan, np.float32)
    for number, own in enumerate(spreads):
        if own.offsets is not None:
            values[number] = own.offsets
    names = ("budget", *(("row",) if len(shape) == 3 else ()), "target", "quantile")
    text = "distance of a quantile from the prediction, in the target's units; missing where it is infinite"
    found["quantile_level"] = Variable(("quantile",), np.asarray(QUANTILES))
    found["quantile_offset"] = Variable(names, values, {"long_name": text})
    return found
