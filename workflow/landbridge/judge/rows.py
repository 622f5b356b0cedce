"""What the rows of all tables of a comparison share: the columns of a run, and the interval of a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from landbridge.judge import bootstrap
from landbridge.judge.bootstrap import Draws
from landbridge.judge.scales import WITHOUT_BLOCKS, split_name
from landbridge.judge.scores import Run, Scores
from landbridge.prepare.budgets import AXES

NOT_EXPOSED = "none"  # no weights from elsewhere

Values = dict[tuple[int, int], np.ndarray]  # (run, budget) to (replicate,)


def head(own: Run, scores: Scores, number: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Columns that say which run a row is of, at the budget of that number."""
    return {
        "model": own.model,
        "recipe": own.recipe,
        "variant": own.variant,
        "selection": own.selection[number],
        "budget": scores.budgets[number],
        "budget_unit": AXES[settings["budget_axis"]],
        "groups": len(scores.groups),
        "seeds": len(scores.seeds),
        "leakage": own.leakage,
        "pretraining_exposure": settings.get("pretraining_exposure", {}).get(own.model, NOT_EXPOSED),
    }


def interval_of(draws: Draws, metric: str) -> str:
    """What the interval of a metric stands on."""
    by_blocks = draws.interval == "blocks" and split_name(metric)[1] in WITHOUT_BLOCKS
    return "none" if by_blocks else draws.interval


def bounds(values: np.ndarray, interval: str, level: float) -> tuple[float, float]:
    """Ends of the interval of replicates; NaN where it stands on nothing."""
    return (float("nan"), float("nan")) if interval == "none" else bootstrap.interval(values, level)
