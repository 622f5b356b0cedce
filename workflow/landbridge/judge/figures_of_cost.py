"""What a score costs: error over the weights that a new place must be sent, and over the seconds of a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.judge.canvas import figure, footnote, headline_rows, name_of, several_models, styles, what_is_measured
from landbridge.judge.tables import as_float

PANELS = (
    ("trained_parameters", "trained parameters,\nwhich is what a new place is sent"),
    ("seconds", "seconds of a job\nwith all of its budgets"),
)


def cost(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Headline score at the largest budget over trained parameters and over seconds, one mark for each recipe.

    A recipe without trained parameters stands at 1/2, since the axis is logarithmic.
    """
    rows = _largest_budget(headline_rows(material.leaderboard, settings["headline"]), settings["budgets"])
    rows = [row for row in rows if row["recipe"] != "truth" and row["value"]]
    if not rows:
        with figure(path, height=2) as drawn:
            drawn.text(0.02, 0.5, "No recipe has a score.")
        return
    models = several_models(rows)
    look = styles([name_of(row, models) for row in rows])
    with figure(path, height=4.2) as drawn:
        axes = drawn.subplots(1, 2, sharey=True)
        for axis, (column, label) in zip(axes, PANELS, strict=True):
            for row in rows:
                name = name_of(row, models)
                price = _mean(material.cost, row, column)
                least = 0.5 if column == "trained_parameters" else 0.01
                value, low, high = (as_float(row[key]) for key in ("value", "low", "high"))
                place = max(price, least)
                axis.plot([place], [value], color=look[name][0], marker=look[name][1], linestyle="", label=name)
                if np.isfinite(low):
                    axis.plot([place, place], [low, high], color=look[name][0], linewidth=1)
            axis.set_xscale("log")
            axis.set_xlabel(label)
        axes[0].set_ylabel(what_is_measured(settings["headline"], settings))
        handles, labels = axes[0].get_legend_handles_labels()
        drawn.legend(handles, labels, fontsize=7.5, loc="outside right center")
        drawn.suptitle(f"{settings['title']}: score by cost", x=0.01, ha="left")
        footnote(drawn, rows[0], settings["bootstrap"]["level"])


def _largest_budget(rows: Sequence[Mapping[str, str]], budgets: Sequence[str]) -> list[Mapping[str, str]]:
    """The row of each run at the largest budget where it has a score."""
    found: dict[tuple[str, str, str, str], Mapping[str, str]] = {}
    for row in sorted((row for row in rows if row["value"]), key=lambda row: budgets.index(row["budget"])):
        found[row["model"], row["recipe"], row["variant"], row["selection"]] = row
    return list(found.values())


def _mean(cost_rows: Sequence[Mapping[str, str]], row: Mapping[str, str], column: str) -> float:
    """Mean of a column over the jobs of a run."""
    own = [
        as_float(other[column])
        for other in cost_rows
        if all(other[key] == row[key] for key in ("model", "recipe", "variant")) and other["stage"] == "transfer"
    ]
    return float(np.mean(own)) if own else float("nan")
