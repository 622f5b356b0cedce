"""A small random search over a recipe's settings inside a job, and the rule that chooses among its trials.

Trial 0 has the settings of the configuration. The others draw every setting that the recipe's `SEARCH` names a range
for, log-uniformly (Bergstra and Bengio 2012, JMLR 13), from streams that depend on the recipe and the trial's number
alone: seeds, folds and budgets are paired. Every recipe has the same number of trials, however many settings it has.
All trials of a job stand in `trials.csv`, losers too.

A rule that chooses among trials is a file of this folder with `RULES` and `score(case)`, the lower the better, or
`score_settings(tools, settings, size)` where no fit to the target is needed. `require(tools)`, if it is there, says
before any fit that it can't act here. A rule with neither chooses nothing here: all trials are predicted, see `oracle`.
"""

from __future__ import annotations

import csv
import json
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isfinite, log
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.methods.given import Diverged, NotApplicable
from landbridge.prepare.budgets import Budget, TooSmallError
from landbridge.prepare.streams import generator
from landbridge.train.fitting import Result, cut, fit_budget, settings_of, size_of
from landbridge.train.harness import Tools
from landbridge.train.samples import Samples
from landbridge.train.selection import validation
from landbridge.train.selection.case import Case
from landbridge.train.spread import Spread

COLUMNS = ("budget", "trial", "settings", "score", "rule", "chosen", "status")
NO_SPREAD = "none: the test chooses among the trials"
NO_SEARCH = "ok: nothing was searched, since the rule fixed compares nothing"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """One row of `trials.csv` but for the budget.

    Attributes:
        settings: those that a search may change.
        score: by which the rule compares, the lower the better; NaN where nothing was compared.
    """

    number: int
    settings: Mapping[str, Any]
    score: float
    rule: str
    chosen: bool
    status: str


@dataclass(frozen=True)
class Searched:
    """What a search at one budget gave.

    Attributes:
        results: of the chosen trial; of all of them, in their order, where the job does not choose.
        free: whether no trial looked at the budget, so that another one gives the same.
        trials: all of them.
        seconds: that choosing took, beside the fit that was chosen; beside the first where the job does not choose.
    """

    results: list[Result]
    free: bool
    trials: list[Trial] = field(default_factory=list)
    seconds: float = 0.0


def drawn(search: Mapping[str, tuple[float, float]], recipe: str, number: int) -> dict[str, Any]:
    """Settings of one trial: of each range a value that is log-uniform in it, with three digits.

    Args:
        search: lowest and highest value by name; of whole numbers a whole number is drawn.
        recipe: a key of the stream.
        number: of the trial, a key of the stream; 0 draws nothing.
    """
    if number == 0:
        return {}
    places = generator("search", recipe, number).uniform(size=len(search))
    found: dict[str, Any] = {}
    for (name, (low, high)), place in zip(sorted(search.items()), places, strict=True):
        value = float(np.exp(log(low) + place * (log(high) - log(low))))
        whole = isinstance(low, int) and isinstance(high, int)
        found[name] = round(value) if whole else min(max(float(f"{value:.3g}"), low), high)
    return found


def search_budget(tools: Tools, pool: Dataset | None, test: Samples, label: str) -> Searched:
    """Fit a recipe to one budget, by the settings that the job's rule chooses among the trials."""
    count = tools.job.settings.get("search", {"trials": 1})["trials"]
    rule = "" if count == 1 else rule_at(tools, pool, label)
    return Search(tools, pool, test, label, rule, count).run()


def rule_at(tools: Tools, pool: Dataset | None, label: str) -> str:
    """The rule that chooses among trials at a budget: the job's, or what the number of labelled groups asks for."""
    rule: str | None = tools.job.settings["selection"]
    if rule is not None:
        return rule
    try:
        budget = cut(tools.job, pool, label)
    except TooSmallError:
        return "fixed"
    return "target_val_k" if budget is not None and budget.selection_size else "fixed"


@dataclass
class Search:
    """The trials of one budget.

    Attributes:
        label: of the budget.
        rule: that chooses among the trials; "" where there is one.
        count: of the trials.
        free: whether no trial has looked at the budget.
        trials: those so far.
    """

    tools: Tools
    pool: Dataset | None
    test: Samples
    label: str
    rule: str
    count: int
    free: bool = True
    trials: list[Trial] = field(default_factory=list)

    @cached_property
    def ranges(self) -> Mapping[str, tuple[float, float]]:
        """By setting, what the recipe lets a search draw from."""
        found: Mapping[str, tuple[float, float]] = getattr(self.tools.recipe, "SEARCH", {})
        return found

    @cached_property
    def candidates(self) -> list[dict[str, Any]]:
        """Settings of each trial."""
        own, recipe = settings_of(self.tools), self.tools.job.settings["recipe"]
        return [{**own, **drawn(self.ranges, recipe, number)} for number in range(self.count)]

    def run(self) -> Searched:
        """Look at the trials as the rule asks, and keep what it chooses."""
        if self.count == 1 or self.rule == "fixed":
            return self._alone()
        judge = self.tools.job.load("selection") if "selection" in self.tools.job.modules else validation
        try:
            if hasattr(judge, "require"):
                judge.require(self.tools)
        except NotApplicable as why:
            status = f"not_applicable: {self.rule}: {why}"
            budget = Budget(self.label, size_of(self.tools.job, self.pool, self.label), None)
            self._note(0, status)
            return Searched([Result(budget, None, status, self.rule, None)], True, self.trials)
        if hasattr(judge, "score_settings"):
            return self._before(judge)
        return self._after(judge) if hasattr(judge, "score") else self._all()

    def _alone(self) -> Searched:
        """The settings of the configuration, which nothing is compared with."""
        _, result, _ = next(self._fits())
        status = NO_SEARCH if self.count > 1 and result.values is not None else result.status
        self._note(0, status, rule=self.rule or result.selection)
        return self._chosen(_with_labels(self.tools, result), 0, 0.0)

    def _fits(self) -> Iterator[tuple[int, Result, float]]:
        """Number, fit to the target and seconds of each trial; none after one that is not applicable, as all are."""
        for number, settings in enumerate(self.candidates):
            before = time.perf_counter()
            result, free = fit_budget(self.tools, self.pool, self.test, self.label, settings)
            self.free = self.free and free
            yield number, result, time.perf_counter() - before
            if result.status.startswith("not_applicable"):
                return

    def _after(self, judge: ModuleType) -> Searched:
        """Fit every trial to the target, then score what came of it."""
        begun = time.perf_counter()
        best: Result | None = None
        lowest, place, own_seconds, reason = float("inf"), 0, 0.0, ""
        for number, result, seconds in self._fits():
            score, status = float("nan"), result.status
            if result.fits:
                cases = [Case(self.tools, self.rule, given, fitted) for given, fitted in result.fits]
                try:
                    score = float(np.mean([judge.score(case) for case in cases]))
                except NotApplicable as why:
                    reason = status = f"not_applicable: {self.rule}: {why}"
            self._note(number, status, score)
            if best is None or score < lowest:
                lowest, place, own_seconds = score if isfinite(score) else lowest, number, seconds
                best = replace(result, fits=[])
            if reason:  # so it is for the other trials
                break
        assert best is not None
        best = _refused(best, reason) if reason else _with_labels(self.tools, best)
        return self._chosen(best, place, time.perf_counter() - begun - own_seconds)

    def _before(self, judge: ModuleType) -> Searched:
        """Score the settings of every trial without the target, then fit the chosen ones to it."""
        begun = time.perf_counter()
        size = max(0, size_of(self.tools.job, self.pool, self.label))
        for number, settings in enumerate(self.candidates):
            score, status = float("nan"), "ok"
            try:
                score = float(judge.score_settings(self.tools, settings, size))
            except (NotApplicable, Diverged) as why:
                status = f"{'failed' if isinstance(why, Diverged) else 'not_applicable'}: {self.rule}: {why}"
            self._note(number, status, score)
            if status.startswith("not_applicable"):
                break
        place = int(np.argmin([trial.score if isfinite(trial.score) else float("inf") for trial in self.trials]))
        seconds = time.perf_counter() - begun
        result, self.free = fit_budget(self.tools, self.pool, self.test, self.label, self.candidates[place])
        last = self.trials[-1].status
        if last.startswith("not_applicable") and result.values is not None:
            result = _refused(result, last)
        return self._chosen(replace(result, fits=[]), place, seconds)

    def _all(self) -> Searched:
        """Fit every trial to the target and keep them all, without intervals of their predictions."""
        results: list[Result] = []
        beside = 0.0
        for number, result, seconds in self._fits():
            self._note(number, result.status)
            fitted = result.fitted if number == 0 else None  # one stands for all in the table of costs
            spread = Spread(NO_SPREAD) if result.values is not None else result.spread
            results.append(replace(result, fits=[], fitted=fitted, spread=spread, trial=number))
            beside += seconds if number else 0.0
        return Searched(results, self.free, self.trials, beside)

    def _note(self, number: int, status: str, score: float = float("nan"), rule: str | None = None) -> None:
        """A row of `trials.csv`, of a trial that is not chosen yet."""
        settings = {name: self.candidates[number][name] for name in self.ranges}
        self.trials.append(Trial(number, settings, score, self.rule if rule is None else rule, False, status))

    def _chosen(self, result: Result, place: int, seconds: float) -> Searched:
        """What the trial at that place gave; none is chosen where that is not applicable."""
        own = self.trials[place]
        if self.count > 1:
            logger.info("trial %d of %d was chosen by %s: %s", place, self.count, own.rule, own.settings)
        if not result.status.startswith("not_applicable"):
            self.trials[place] = replace(own, chosen=True)
        return Searched([result], self.free, self.trials, seconds)


def _refused(result: Result, status: str) -> Result:
    """A result whose rule can't choose."""
    return replace(result, values=None, status=status, fitted=None, spread=Spread())


def _with_labels(tools: Tools, result: Result) -> Result:
    """A result whose labels for selection are those that the rule really looked at; its fits are let go."""
    if tools.large is not None and result.values is not None:
        size = validation.counted(tools.large, tools.job.settings["budget_axis"])
        result = replace(result, budget=replace(result.budget, selection_size=size))
    return replace(result, fits=[])


def write(path: Path, rows: Iterable[tuple[str, Trial]]) -> None:
    """All trials of a job with the label of their budget, as CSV; an empty score where nothing was compared."""
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)
        for label, trial in rows:
            score = f"{trial.score:.6g}" if isfinite(trial.score) else ""
            settings = json.dumps(dict(trial.settings), sort_keys=True)
            writer.writerow([label, trial.number, settings, score, trial.rule, int(trial.chosen), trial.status])
