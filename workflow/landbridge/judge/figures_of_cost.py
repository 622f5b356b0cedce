"""What a score costs: error over the weights that a new place must be sent, and over the seconds of a job."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from landbridge.judge.canvas import (
    INTERVALS,
    figure,
    footnote,
    headline_rows,
    name_of,
    note,
    several_models,
    styles,
    what_is_measured,
)
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
    costs = _as_named(material.cost, rows)
    models = several_models(rows)
    look = styles([name_of(row, models) for row in rows])
    with figure(path, height=4.2) as drawn:
        axes = drawn.subplots(1, 2, sharey=True)
        for axis, (column, label) in zip(axes, PANELS, strict=True):
            for row in rows:
                name = name_of(row, models)
                price = _mean(costs, row, column)
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
    """The rows of each run at the largest budget where it has a score; one for each rule that it was selected by."""
    scored = [row for row in rows if row["value"]]
    largest: dict[tuple[str, str, str], int] = {}
    for row in scored:
        run = row["model"], row["recipe"], row["variant"]
        largest[run] = max(largest.get(run, 0), budgets.index(row["budget"]))
    return [
        row for row in scored if budgets.index(row["budget"]) == largest[row["model"], row["recipe"], row["variant"]]
    ]


def _mean(cost_rows: Sequence[Mapping[str, str]], row: Mapping[str, str], column: str) -> float:
    """Mean of a column over the jobs of a run."""
    own = [as_float(other[column]) for other in cost_rows if _is_of(other, row) and other["stage"] == "transfer"]
    return float(np.mean(own)) if own else float("nan")


def _as_named(cost_rows: Sequence[Mapping[str, str]], rows: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Rows of costs with the variants that the leaderboard's rows have, whose rule follows where there are several.

    Jobs of a rule that no row of the leaderboard has, since its rows stand apart, are left out.
    """
    variants, rules = {row["variant"] for row in rows}, {"", *(row["selection"] for row in rows)}
    found: list[Mapping[str, str]] = []
    for row in cost_rows:
        with_rule = ".".join(filter(None, (row["variant"], row["selection"])))
        if with_rule in variants:
            found.append({**row, "variant": with_rule})
        elif row["selection"] in rules:
            found.append(row)
    return found


def _is_of(other: Mapping[str, str], row: Mapping[str, str]) -> bool:
    """Whether a row of costs is of the run of a row of the leaderboard."""
    return all(other[key] == row[key] for key in ("model", "recipe", "variant"))


# -- score against cost, and who is beaten by nobody ----------------------------------------------------------------

EQUIVALENT = 0.01  # of the best value: nearer than that a score is as good in practice
COSTS = {
    "labels": "labelled target {unit}",
    "seconds": "seconds of a job with all of\nits budgets, and of pretraining",
    "bytes": "bytes that a new place is sent",
}


def pareto(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Headline score over labels, seconds and bytes, with the line of recipes that none beats in both."""
    rows = headline_rows(material.leaderboard, settings["headline"])
    rows = [row for row in rows if row["value"] and row["status"] == "ok" and row["recipe"] != "truth"]
    if not rows:
        with figure(path, height=2) as drawn:
            drawn.text(0.02, 0.5, "No recipe has a score.")
        return
    costs = _as_named(material.cost, rows)
    better = settings["metric_better"][settings["headline"]["metric"]]
    models = several_models(rows)
    names = list(dict.fromkeys(name_of(row, models) for row in rows))
    look = styles(names)
    largest = _largest_budget(rows, settings["budgets"])
    shown = {"labels": rows, "seconds": largest, "bytes": largest}
    shared = any(row.get("shared") == "yes" for row in costs)
    bold: dict[str, set[str]] = {}
    with figure(path, width=8.6, height=4.6) as drawn:
        axes = drawn.subplots(1, len(COSTS), sharey=True)
        for axis, (what, label) in zip(axes, COSTS.items(), strict=True):
            points = [(_price(costs, row, what), row) for row in shown[what]]
            points = [(price, row) for price, row in points if np.isfinite(price)]
            loss = np.array([_loss(as_float(row["value"]), better) for _, row in points])
            prices = np.array([price for price, _ in points])
            for place in cheap(prices, loss, np.array([as_float(row["value"]) for _, row in points]), better):
                bold.setdefault(name_of(points[place][1], models), set()).add(what)
            for price, row in points:
                name = name_of(row, models)
                value, low, high = (as_float(row[key]) for key in ("value", "low", "high"))
                axis.plot([price], [value], color=look[name][0], marker=look[name][1], linestyle="", markersize=5)
                if np.isfinite(low):
                    axis.plot([price, price], [low, high], color=look[name][0], linewidth=0.8, alpha=0.6)
            line = front(prices, loss)
            values = np.array([as_float(points[place][1]["value"]) for place in line])
            axis.step(prices[line], values, where="post", color="black", linewidth=0.9, linestyle="--", zorder=0)
            _scale(axis, what, prices)
            axis.set_xlabel(label.format(unit=settings["budget_unit"]))
        axes[0].set_ylabel(textwrap.fill(what_is_measured(settings["headline"], settings), 44))
        handles = [
            axes[0].plot([], [], color=look[name][0], marker=look[name][1], linestyle="", label=_told(name, bold))[0]
            for name in names
        ]
        handles.append(axes[0].plot([], [], color="black", linewidth=0.9, linestyle="--", label="beaten by none")[0])
        legend = drawn.legend(handles=handles, fontsize=7, loc="outside right center")
        for text, name in zip(legend.get_texts(), names, strict=False):
            text.set_fontweight("bold" if name in bold else "normal")
        told = "; some jobs shared their cores, so seconds are too high" if shared else ""
        drawn.suptitle(f"{settings['title']}: score by cost", x=0.01, ha="left")
        intervals = f"{100 * settings['bootstrap']['level']:.0f} % intervals: {INTERVALS[rows[0]['interval']]}"
        note(drawn, rows[0], f"bold: within {100 * EQUIVALENT:g} % of the best, and cheaper{told}\n{intervals}")


def _told(name: str, bold: Mapping[str, set[str]]) -> str:
    """A recipe, and what it is cheap in."""
    return f"{name}\n(cheap: {', '.join(sorted(bold[name]))})" if name in bold else name


def _loss(value: float, better: str) -> float:
    """Smaller is better."""
    return -value if better == "higher" else abs(value) if better == "zero" else value


def front(prices: np.ndarray, loss: np.ndarray) -> list[int]:
    """Places of the points that no other beats in one of price and loss and equals in the other, by price.

    Args:
        prices, loss: (point,) smaller is better.
    """
    found: list[int] = []
    for place in np.lexsort((loss, prices)).tolist():
        if not found or loss[place] < loss[found[-1]]:
            found.append(place)
    return found


def cheap(prices: np.ndarray, loss: np.ndarray, values: np.ndarray, better: str) -> list[int]:
    """Places of the points that are as good as the best in practice, and cost less.

    Args:
        prices, loss: (point,) smaller is better.
        values: (point,) of the metric; 1 % of the best one is the band.
        better: of the metric.
    """
    if len(loss) == 0:
        return []
    best = int(np.lexsort((prices, loss))[0])
    band = EQUIVALENT * abs(values[best])
    return [int(place) for place in np.flatnonzero((loss - loss[best] <= band) & (prices < prices[best]))]


def _price(cost_rows: Sequence[Mapping[str, str]], row: Mapping[str, str], what: str) -> float:
    """What a row of the leaderboard costs: labels of its budget, or means over the jobs of its recipe."""
    if what == "labels":
        used = _mean(cost_rows, row, "labels_used")
        return used if row["budget"] == "all" or used == 0 else float(row["budget"])
    if what == "bytes":
        return _mean(cost_rows, row, "bytes_to_ship")
    objectives = {other["objective"] for other in cost_rows if _is_of(other, row) and other["stage"] == "transfer"}
    pretraining = [
        as_float(other["seconds"])
        for other in cost_rows
        if other["stage"] == "pretrain" and other["model"] == row["model"] and other["recipe"] in objectives
    ]
    return _mean(cost_rows, row, "seconds") + (float(np.mean(pretraining)) if pretraining else 0.0)


def _scale(axis: Axes, what: str, prices: np.ndarray) -> None:
    """A logarithmic axis; one that begins at 0 where something costs nothing. Ticks are plain numbers of labels."""
    least = float(prices[prices > 0].min(initial=np.inf))
    if not np.isfinite(least):
        return
    if (prices > 0).all():
        axis.set_xscale("log")
    else:
        axis.set_xscale("symlog", linthresh=least, linscale=0.5)
        axis.set_xlim(left=-0.3 * least)
    if what == "labels":
        places = np.unique(prices)
        axis.set_xticks(places, [f"{place:g}" for place in places])
        axis.xaxis.set_minor_locator(NullLocator())
    elif (prices == 0).any():
        powers = np.arange(np.ceil(np.log10(least)), np.floor(np.log10(prices.max())) + 1)
        axis.set_xticks([0, *10.0**powers])
