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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    own, search = settings_of(tools), getattr(tools.recipe, "SEARCH", {})
    count = tools.job.settings.get("search", {"trials": 1})["trials"]
    candidates = [{**own, **drawn(search, tools.job.settings["recipe"], number)} for number in range(count)]
    if count == 1:
        result, free = fit_budget(tools, pool, test, label, own)
        result = _with_labels(tools, result)
        return Searched([result], free, [_trial(0, own, search, result.selection, result.status, chosen=True)])
    rule = rule_at(tools, pool, label)
    if rule == "fixed":
        result, free = fit_budget(tools, pool, test, label, own)
        status = NO_SEARCH if result.values is not None else result.status
        return Searched([replace(result, fits=[])], free, [_trial(0, own, search, rule, status, chosen=True)])
    judge = tools.job.load("selection") if "selection" in tools.job.modules else validation
    try:
        if hasattr(judge, "require"):
            judge.require(tools)
    except NotApplicable as why:
        status = f"not_applicable: {rule}: {why}"
        budget = Budget(label, size_of(tools.job, pool, label), None)
        result = Result(budget, None, status, rule, None)
        return Searched([result], True, [_trial(0, own, search, rule, status)])
    if not hasattr(judge, "score") and not hasattr(judge, "score_settings"):
        return _all(tools, pool, test, label, rule, candidates, search)
    look = _before if hasattr(judge, "score_settings") else _after
    return look(tools, pool, test, label, rule, judge, candidates, search)


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


def _after(
    tools: Tools,
    pool: Dataset | None,
    test: Samples,
    label: str,
    rule: str,
    judge: ModuleType,
    candidates: Sequence[Mapping[str, Any]],
    search: Mapping[str, Any],
) -> Searched:
    """Fit every trial to the target, then score what came of it."""
    begun = time.perf_counter()
    best: Result | None = None
    lowest, place, free, reason = float("inf"), 0, True, ""
    found: list[Trial] = []
    seconds: list[float] = []
    for number, settings in enumerate(candidates):
        before = time.perf_counter()
        result, own_free = fit_budget(tools, pool, test, label, settings)
        seconds.append(time.perf_counter() - before)
        free, score, status = free and own_free, float("nan"), result.status
        if result.fits:
            try:
                score = float(np.mean([judge.score(Case(tools, rule, given, fitted)) for given, fitted in result.fits]))
            except NotApplicable as why:
                reason = status = f"not_applicable: {rule}: {why}"
        found.append(_trial(number, settings, search, rule, status, score=score))
        if best is None or score < lowest:
            lowest, place, best = score if isfinite(score) else lowest, number, replace(result, fits=[])
        if reason or result.status.startswith("not_applicable"):  # so it is for the other trials
            break
    assert best is not None
    best = (
        replace(best, values=None, status=reason, fitted=None, spread=Spread()) if reason else _with_labels(tools, best)
    )
    return _searched(best, free, found, place, time.perf_counter() - begun - seconds[place])


def _before(
    tools: Tools,
    pool: Dataset | None,
    test: Samples,
    label: str,
    rule: str,
    judge: ModuleType,
    candidates: Sequence[Mapping[str, Any]],
    search: Mapping[str, Any],
) -> Searched:
    """Score the settings of every trial without the target, then fit the chosen ones to it."""
    begun = time.perf_counter()
    found: list[Trial] = []
    size = max(0, size_of(tools.job, pool, label))
    for number, settings in enumerate(candidates):
        score, status = float("nan"), "ok"
        try:
            score = float(judge.score_settings(tools, settings, size))
        except (NotApplicable, Diverged) as why:
            status = f"{'failed' if isinstance(why, Diverged) else 'not_applicable'}: {rule}: {why}"
        found.append(_trial(number, settings, search, rule, status, score=score))
        if status.startswith("not_applicable"):
            break
    scores = [trial.score if isfinite(trial.score) else float("inf") for trial in found]
    place = int(np.argmin(scores))
    seconds = time.perf_counter() - begun
    result, free = fit_budget(tools, pool, test, label, candidates[place])
    if found[-1].status.startswith("not_applicable") and result.values is not None:
        result = replace(result, values=None, status=found[-1].status, fitted=None, spread=Spread())
    return _searched(replace(result, fits=[]), free, found, place, seconds)


def _all(
    tools: Tools,
    pool: Dataset | None,
    test: Samples,
    label: str,
    rule: str,
    candidates: Sequence[Mapping[str, Any]],
    search: Mapping[str, Any],
) -> Searched:
    """Fit every trial to the target and keep them all, without intervals of their predictions."""
    results: list[Result] = []
    found: list[Trial] = []
    seconds: list[float] = []
    free = True
    for number, settings in enumerate(candidates):
        before = time.perf_counter()
        result, own_free = fit_budget(tools, pool, test, label, settings)
        seconds.append(time.perf_counter() - before)
        free = free and own_free
        found.append(_trial(number, settings, search, rule, result.status))
        fitted = result.fitted if number == 0 else None  # one stands for all in the table of costs
        spread = Spread(NO_SPREAD) if result.values is not None else result.spread
        results.append(replace(result, fits=[], fitted=fitted, spread=spread, trial=number))
        if result.status.startswith("not_applicable"):  # so it is for the other trials
            break
    return Searched(results, free, found, sum(seconds[1:]))


def _searched(result: Result, free: bool, found: list[Trial], place: int, seconds: float) -> Searched:
    logger.info("trial %d of %d was chosen by %s: %s", place, len(found), found[place].rule, found[place].settings)
    stands = not result.status.startswith("not_applicable")
    trials = [replace(trial, chosen=stands and trial.number == place) for trial in found]
    return Searched([result], free, trials, seconds)


def _trial(
    number: int,
    settings: Mapping[str, Any],
    search: Mapping[str, Any],
    rule: str,
    status: str,
    *,
    score: float = float("nan"),
    chosen: bool = False,
) -> Trial:
    chosen = chosen and not status.startswith("not_applicable")
    return Trial(number, {name: settings[name] for name in search}, score, rule, chosen, status)


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
