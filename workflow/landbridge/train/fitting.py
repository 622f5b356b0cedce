"""Fit a recipe to one label budget and predict the test rows: once, or once for each target group."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.methods.given import Diverged, Fitted, NotApplicable
from landbridge.prepare import budgets, ragged
from landbridge.prepare.budgets import Budget
from landbridge.prepare.streams import stream
from landbridge.stage import Job
from landbridge.train import guards
from landbridge.train.harness import Given, Tools
from landbridge.train.layout import Layout
from landbridge.train.samples import Samples
from landbridge.train.spread import Spread, joined, spread_of

if TYPE_CHECKING:
    from landbridge.models.learner import Learner

log = logging.getLogger(__name__)


@dataclass
class Result:
    """What one budget gave.

    Attributes:
        values: predictions in the contract's shape and type; None unless the status is "ok".
        selection: rule by which the number of steps or rounds was chosen.
        labels_used: labelled groups, units or days that the recipe looked at.
        fits: what was handed to each fit and what came of it, for rules that compare trials; one for each target group
            where these are fitted by themselves.
        spread: how far the predictions may be off.
        trial: number of the trial; None where the job chose one.
    """

    budget: Budget
    values: np.ndarray | None
    status: str
    selection: str
    fitted: Fitted | None
    labels_used: int = 0
    fits: list[tuple[Given, Fitted]] = field(default_factory=list)
    spread: Spread = field(default_factory=Spread)
    trial: int | None = None


def size_of(job: Job, pool: Dataset | None, label: str) -> int:
    """Size of a budget that a recipe does not look at; -1 for "all" of a pool that it may not open."""
    if label != "all":
        return int(label)
    budget = cut(job, pool, label) if pool is not None else None
    return budget.size if budget is not None else -1


def cut(job: Job, pool: Dataset | None, label: str) -> Budget | None:
    """The budget of that label; None where the pool holds fewer, and without data for a recipe that opens no pool.

    Raises:
        TooSmallError: a quarter is to be kept for selection, and the budget is too small for that.
    """
    if pool is None:
        return Budget(label, size_of(job, None, label), None)
    selection = job.settings.get("stops_by", job.settings["selection"])
    keep = {"target_val_k": True, None: None}.get(selection, False)
    found = budgets.cut(
        pool,
        job.settings["budget_axis"],
        label,
        scenario=job.settings["scenario"],
        seed=job.subset_seed,
        keep_for_selection=keep if label != "0" else False,
        stratify=job.settings["budget_stratify"],
        selection_from=job.settings["selection_from"],
    )
    return found and guards.check_cut(
        found,
        pool,
        job.settings["budget_axis"],
        guards.recipe_of(job.settings),
        scenario=job.settings["scenario"],
        seed=job.subset_seed,
        stratify=job.settings["budget_stratify"],
    )


def settings_of(tools: Tools) -> dict[str, Any]:
    """The recipe's own settings with those of the configuration laid over them."""
    return {**getattr(tools.recipe, "DEFAULTS", {}), **tools.job.settings["recipe_settings"]}


def fit_budget(
    tools: Tools, pool: Dataset | None, test: Samples, label: str, settings: Mapping[str, Any]
) -> tuple[Result, bool]:
    """One budget by these settings of the recipe, and whether the recipe made do without looking at it."""
    job = tools.job
    if job.settings["budget_axis"] == "time" and job.settings["per_group"] and pool is not None:
        return _budget_per_group(tools, pool, test, label, settings)
    try:
        budget = cut(job, pool, label)
    except budgets.TooSmallError as reason:
        return Result(Budget(label, 0, None), None, f"not_applicable: {reason}", "", None), False
    if budget is None:
        return Result(Budget(label, 0, None), None, "not_applicable: the pool holds fewer", "", None), False
    given = given_of(tools, budget, f"{job.wildcards.get('recipe', '')} budget {label}", settings)
    result = _fit(given, test)
    return result, not given.used_budget


def _budget_per_group(
    tools: Tools, pool: Dataset, test: Samples, label: str, settings: Mapping[str, Any]
) -> tuple[Result, bool]:
    """One fit for each target group, on its own leading days, predicting its own rows."""
    groups = np.asarray(pool["group"]).astype(str)
    values: np.ndarray | None = None
    last: Result | None = None
    hashes: list[str] = []
    fits: list[tuple[Given, Fitted]] = []
    spreads: list[tuple[np.ndarray, Spread]] = []
    try:
        start = _begin(tools, pool, label, settings) if len(test.by_group) > 1 else None
    except NotApplicable as reason:
        return Result(Budget(label, 0, None), None, f"not_applicable: {reason}", "", None), False
    except Diverged as reason:
        return Result(Budget(label, 0, None), None, f"failed: {reason}", "fixed", None), False
    for group, (rows, own) in test.by_group.items():
        budget = cut(tools.job, ragged.select_units(pool, groups == group), label)
        if budget is None:
            text = f"not_applicable: {group} has fewer labelled days"
            return Result(Budget(label, 0, None), None, text, "", None), False
        what = f"{tools.job.wildcards.get('recipe', '')} {group} budget {label}"
        given = given_of(tools, budget, what, settings, start)
        result = _fit(given, own)
        if result.values is None:  # one group without a fit leaves the budget without a fair score
            text = f"{result.status} ({group})"
            return Result(budget, None, text, result.selection, None), not given.used_budget
        if not given.used_budget:  # the same for every group
            assert result.fitted is not None
            values = predicted(tools.layout, result.fitted, test)
            return replace(result, values=values, spread=spread_of(given, result.fitted, test, values)), True
        values = np.full((test.prediction_rows, *result.values.shape[1:]), np.nan) if values is None else values
        values[rows] = result.values
        spreads.append((rows, result.spread))
        last = result
        hashes.append(result.budget.rows)
        fits += result.fits
    assert last is not None and values is not None
    budget = replace(last.budget, rows=guards.together(hashes))
    spread = joined(spreads, values.shape)
    return replace(last, values=values, budget=budget, fits=fits, spread=spread), False


def _begin(tools: Tools, pool: Dataset, label: str, settings: Mapping[str, Any]) -> Learner | None:
    """What the recipe learns of all groups' labelled days before it is fitted to each; None where it does not."""
    if not hasattr(tools.recipe, "begin"):
        return None
    budget = cut(tools.job, pool, label)
    if budget is None or budget.train is None:
        return None
    what = f"{tools.job.wildcards.get('recipe', '')} all groups budget {label}"
    begun: Learner = _within_budget(tools, budget, lambda: tools.recipe.begin(given_of(tools, budget, what, settings)))
    return begun


def _within_budget(tools: Tools, budget: Budget, learn: Callable[[], Any]) -> Any:
    """What `learn` gives, if it has read no labels of the target but those of its budget and of its selection rule."""
    tools.layout.read.clear()
    found = learn()
    of_rule = () if tools.large is None else (tools.large.dataset,)
    read = [dataset for dataset in tools.layout.read if not any(dataset is own for own in of_rule)]
    guards.check_read(read, budget, guards.recipe_of(tools.job.settings))
    return found


def given_of(
    tools: Tools, budget: Budget, what: str, settings: Mapping[str, Any], start: Learner | None = None
) -> Given:
    """What one fit is handed: a budget, and settings of the recipe."""
    job = tools.job
    return Given(
        tools=tools,
        cut=budget,
        seed=stream("fit", job.settings["scenario"], job.init_seed),
        settings=settings,
        variant=job.settings["variant"],
        what=what,
        start=start,
    )


def _fit(given: Given, test: Samples) -> Result:
    """Fit and predict; a fit that diverges, or that predicts what is not finite, is a result too."""
    tools, budget = given.tools, given.cut
    selection = tools.job.settings["selection"] or ("target_val_k" if budget.selection_size else "fixed")
    try:
        fitted = _within_budget(tools, budget, lambda: tools.recipe.fit(given))
        values = predicted(tools.layout, fitted, test)
    except NotApplicable as reason:
        return Result(budget, None, f"not_applicable: {reason}", "", None)
    except Diverged as reason:
        log.warning("%s diverged: %s", given.what, reason)
        return Result(budget, None, f"failed: {reason}", selection, None)
    if not given.used_budget:
        selection = tools.job.settings["selection"] or "source_val"
    used = budget.size if given.used_budget else 0
    if not np.isfinite(values).all():
        return Result(budget, None, "failed: a prediction is not finite", selection, fitted, used)
    tools.last = (fitted, test, values)
    return Result(
        budget, values, "ok", selection, fitted, used, [(given, fitted)], spread_of(given, fitted, test, values)
    )


def predicted(layout: Layout, fitted: Fitted, test: Any) -> np.ndarray:
    """What a fit predicts; nothing that is on or off lies below off."""
    return layout.bounded(fitted.predict(test))
