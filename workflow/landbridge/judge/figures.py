"""Figures that every domain has: learning curves and effects; and the register of all of them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes

from landbridge.judge.canvas import (
    HARMS,
    HELPS,
    REFERENCES,
    UNCLEAR,
    Row,
    figure,
    footnote,
    headline_rows,
    name_of,
    several_models,
    styles,
    what_is_measured,
)
from landbridge.judge.figures_of_calibration import reliability
from landbridge.judge.figures_of_classes import confusions
from landbridge.judge.figures_of_cost import cost, pareto
from landbridge.judge.figures_of_coverage import coverage
from landbridge.judge.figures_of_oracle import dotted, label_of, oracle_rows
from landbridge.judge.figures_of_places import map_of_groups
from landbridge.judge.figures_of_ranks import critical_difference
from landbridge.judge.figures_of_units import audit, classes, examples, tails
from landbridge.judge.tables import as_float

# Shown beside each figure in the report; {level}, {replicates}, {scenario} and {budget_unit} are filled in.
CAPTIONS = {
    "learning_curve": (
        "Score over the number of labelled target {budget_unit} in {scenario}. Lines are means over seeds; bars and "
        "bands are the {level} % interval of a bootstrap over test groups and seeds ({replicates} replicates). Where "
        "bars of two recipes overlap, look at the effects figure, which compares them pair by pair. A dotted line in "
        "the colour of a recipe, if there is one, is what it would reach if the test itself chose among its trials: a "
        "bound, never a result."
    ),
    "effects": (
        "Gain of each recipe in {scenario} against training from scratch on the same labels, against the source model "
        "applied unchanged and, where there is one, against an existing product or the simulator itself. Bars are the "
        "{level} % interval of the paired difference (bootstrap over test groups and seeds, {replicates} replicates). "
        "Blue lies wholly above zero (helps), orange wholly below (harms), grey holds zero (unclear)."
    ),
    "tails": (
        "Share of the test groups of {scenario} whose score lies at or below the value on the axis, for each recipe at "
        "its largest budget, means over seeds. Marks are the quartiles and the tenths, with their {level} % interval "
        "(bootstrap over test groups and seeds, {replicates} replicates). A curve whose bad end bends far out fails "
        "badly in some places, whatever its median."
    ),
    "classes": (
        "Score by class in {scenario}: mean over the test groups of a class and over seeds, below it its {level} % "
        "interval (bootstrap over the groups of the class and seeds, {replicates} replicates; none below five groups). "
        "Colour compares the recipes of one row: blue is the best of them, orange the worst."
    ),
    "examples": (
        "Observed against predicted in {scenario} at the best, the median and the worst test unit by the headline "
        "score, for one recipe at its largest budget and its first seed. Examples carry no interval; the leaderboard "
        "gives the {level} % interval of the score (bootstrap over test groups and seeds)."
    ),
    "confusion": (
        "Which class is taken for which in {scenario}: the source model unchanged, the adapted one at its largest "
        "budget, and training from scratch on the same labels. A line adds up to 100 %; counts are means over seeds. "
        "The leaderboard gives the {level} % interval of the score and of the F1 of every class (bootstrap over test "
        "groups and seeds, {replicates} replicates)."
    ),
    "reliability": (
        "How often predictions are right over how sure they are of it in {scenario}, for up to four recipes at their "
        "largest budget. Predictions are sorted by their confidence, the probability of the predicted class, into ten "
        "bins of equal width. Above the line: right more often than it claims; below: less often. The error is the "
        "mean distance from the line, weighed by the share of predictions in each bin, which the strip shows (expected "
        "calibration error). Means over seeds; bars are the {level} % interval of a bootstrap over test "
        "groups and seeds ({replicates} replicates); hollow marks have none, since fewer than five groups or blocks "
        "have predictions there. Rules without probabilities are sure of everything."
    ),
    "coverage": (
        "Share of the labels of {scenario} that lie in the 50 % and 90 % intervals of each recipe at its largest "
        "budget: small dots are test groups (means over seeds), the large one is their mean with its {level} % "
        "interval (bootstrap over test groups and seeds, {replicates} replicates), the dashed line what is claimed. To "
        "the right of a panel stands the mean width. Below a recipe stands where its intervals come from: its own "
        "variances, or split conformal prediction over groups that its fit has not learned from (the score of a group "
        "is the quantile of its absolute residuals). An interval that is calibrated on the source promises nothing for "
        "a target that differs from it, which is why its coverage is measured here. The bars show where labels fall "
        "among the quantiles: much orange means labels below the intervals, much blue labels above them."
    ),
    "cost": (
        "Score of each recipe in {scenario} at its largest budget, over the weights that it trains there and over the "
        "seconds of a job. Bars are the {level} % interval (bootstrap over test groups and seeds, {replicates} "
        "replicates). Seconds depend on the machine, so figures of cost alone differ from run to run."
    ),
    "pareto": (
        "What a score of {scenario} costs: labelled target {budget_unit} that a recipe consumes (every budget is a "
        "mark), seconds of its job and of the pretraining that it begins at, and bytes that a new place must be sent, "
        "the last two at the largest budget. Bars are the {level} % interval (bootstrap over test groups and seeds, "
        "{replicates} replicates). The dashed line joins recipes that no other beats in both score and cost. Bold: "
        "within 1 % of the best score, and cheaper than the best in what stands in brackets. Seconds depend on the "
        "machine and on what else ran there, so figures of cost alone differ from run to run."
    ),
    "critical_difference": (
        "Mean rank of each recipe over the test groups of {scenario}, 1 for the best, by the headline's target and "
        "metric averaged over seeds, at the largest budget that all of them have. Recipes under one bar differ by no "
        "more than the critical difference of Nemenyi (Demšar 2006), which is made for ten or more independent tasks "
        "and no more recipes than tasks; otherwise a sentence says why there is none. Ranks say nothing of how large a "
        "difference is: the effects and their {level} % interval (bootstrap over test groups and seeds) do."
    ),
    "map": (
        "Test groups of {scenario}, coloured by their headline score at the largest budget; letters name the class, "
        "where there is room. Groups that would hide each other stand around their place, with lines to it. "
        "Colours are means over seeds and carry no interval; the leaderboard gives the {level} % interval of the "
        "statistic over groups (bootstrap over test groups and seeds)."
    ),
    "audit": (
        "What was checked of the split of {scenario} before any training, and how many groups and rows each part has. "
        "A failure stops the run unless the scenario allows leaks to reproduce a published split; its scores then "
        "flatter, whatever their {level} % interval (bootstrap over test groups and seeds) says."
    ),
}


def learning_curve(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Score over label budget with bands: a panel for each network and one for the learners without a network.

    With a single budget there is no curve, and the recipes stand below each other.
    """
    rows = [row for row in headline_rows(material.leaderboard, settings["headline"]) if row["value"]]
    bounds = oracle_rows(material, settings)
    budgets = [budget for budget in settings["budgets"] if any(row["budget"] == budget for row in rows)]
    if len(budgets) < 2:
        ranking(path, rows, settings, bounds)
        return
    bounds = [row for row in bounds if row["budget"] in budgets]
    values = np.array([as_float(row[key]) for row in (*rows, *bounds) for key in ("value", "low", "high")])
    shown = [row for row in rows if row["recipe"] != "truth"]
    models = sorted(dict.fromkeys(row["model"] for row in (*shown, *bounds)), key=lambda name: name == "none")
    panels = {model: [[row for row in own if row["model"] == model] for own in (shown, bounds)] for model in models}
    columns = 2 if len(panels) > 1 else 1
    lines = -(-len(panels) // columns)
    with figure(path, height=1.2 + 4.0 * lines if lines == 1 else 0.8 + 3.2 * lines) as drawn:
        axes = np.atleast_1d(drawn.subplots(lines, columns, sharey=True, squeeze=False)).ravel()
        for axis, (model, (members, own_bounds)) in zip(axes, panels.items(), strict=False):
            names = list(dict.fromkeys(name_of(row) for row in (*members, *own_bounds)))
            look = styles(names)
            for of_test in (False, True):
                for number, name in enumerate(names):
                    own = [row for row in (own_bounds if of_test else members) if name_of(row) == name]
                    shift = (number - (len(names) - 1) / 2) * min(0.1, 0.6 / len(names))
                    place = np.array([budgets.index(row["budget"]) for row in own]) + shift
                    if own and of_test:
                        dotted(axis, own, place, look[name][0], f"{name}, {label_of(settings['trials'])}")
                    elif own:
                        _curve(axis, own, place, look[name], name)
            _truth_line(axis, rows)
            axis.set_title("without a network" if model == "none" else model.replace("_", " "), fontsize=9)
            axis.set_xticks(range(len(budgets)), budgets)
            axis.set_xlim(-0.5, len(budgets) - 0.5)
            axis.set_xlabel(f"labelled target {rows[0]['budget_unit']}")
            below = -0.14 if lines == 1 else -0.21  # in heights of the panel
            longest = max(len(str(line.get_label())) for line in axis.lines)
            wide = columns > 1 and longest > 24  # two columns of long names reach into the next panel
            axis.legend(
                fontsize=7.5, loc="upper left", bbox_to_anchor=(-0.02, below), ncols=2 - wide, columnspacing=1.0
            )
        for axis in axes[len(panels) :]:
            axis.set_axis_off()
        # Errors are ratios, and one bad reference must not flatten the rest; shares end at one.
        if settings["metric_better"][settings["headline"]["metric"]] == "lower" and np.nanmin(values) > 0:
            axes[0].set_yscale("log")
            axes[0].yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 3, 5)))
            axes[0].yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
            axes[0].yaxis.set_minor_locator(mpl.ticker.NullLocator())
        for axis in axes[::columns]:
            axis.set_ylabel(textwrap.fill(what_is_measured(settings["headline"], settings), 44 if lines == 1 else 34))
        title = f"{settings['title']}: score by labels"
        drawn.suptitle(textwrap.fill(title, 88), x=0.01, ha="left", fontsize=10)
        footnote(drawn, rows[0], settings["bootstrap"]["level"])


def ranking(path: Path, rows: Sequence[Row], settings: Mapping[str, Any], bounds: Sequence[Row] = ()) -> None:
    """Score of each recipe with its interval, where there is one budget alone.

    Args:
        path, rows, settings: as of a figure.
        bounds: what the test itself would have chosen, at that budget.
    """
    if not rows:
        with figure(path, height=2) as drawn:
            drawn.text(0.02, 0.5, "No recipe has a score.")
        return
    shown = [row for row in rows if row["recipe"] != "truth"]
    bounds = [row for row in bounds if row["budget"] == rows[0]["budget"]]
    models = several_models([*shown, *bounds])
    names = list(dict.fromkeys(name_of(row, models) for row in (*shown, *bounds)))
    places = {name: place for place, name in enumerate(reversed(names))}
    with figure(path, height=1.5 + 0.26 * len(names)) as drawn:
        axis = drawn.subplots()
        for row in shown:
            place = places[name_of(row, models)]
            value, low, high = (as_float(row[key]) for key in ("value", "low", "high"))
            colour = UNCLEAR if row["model"] == "none" else HELPS
            if np.isfinite(low):
                axis.plot([low, high], [place, place], color=colour, linewidth=1.6)
            axis.plot([value], [place], color=colour, marker="o", markersize=5)
        for row in bounds:
            place = places[name_of(row, models)]
            axis.plot([as_float(row["value"])], [place], color="black", marker="D", markersize=5, fillstyle="none")
        _truth_line(axis, rows, vertical=True)
        axis.set_yticks(list(places.values()), list(places))
        axis.set_xlabel(what_is_measured(settings["headline"], settings))
        handles = [
            plt.Line2D([], [], color=colour, marker="o", label=word)
            for colour, word in ((HELPS, "network"), (UNCLEAR, "without a network"))
        ]
        if bounds:
            label = label_of(settings["trials"])
            handles.append(plt.Line2D([], [], color="black", marker="D", fillstyle="none", linestyle="", label=label))
        handles += [line for line in axis.lines if line.get_label() == TRUTH_LABEL]
        axis.legend(handles=handles, fontsize=7.5, loc="best")
        what = f"{rows[0]['budget']} labelled target {rows[0]['budget_unit']}"
        drawn.suptitle(textwrap.fill(f"{settings['title']}: score with {what}", 88), x=0.01, ha="left", fontsize=10)
        footnote(drawn, rows[0], settings["bootstrap"]["level"])


def _curve(axis: Axes, rows: Sequence[Row], place: np.ndarray, look: tuple[str, str], name: str) -> None:
    value, low, high = (np.array([as_float(row[key]) for row in rows]) for key in ("value", "low", "high"))
    axis.plot(place, value, color=look[0], marker=look[1], markersize=4.5, linewidth=1.3, label=name)
    known = np.isfinite(low)
    axis.vlines(place[known], low[known], high[known], color=look[0], linewidth=1.0, alpha=0.75)
    if known.sum() > 1:
        axis.fill_between(place[known], low[known], high[known], color=look[0], alpha=0.06, linewidth=0)


TRUTH_LABEL = "noise-free truth"


def _truth_line(axis: Axes, rows: Sequence[Row], vertical: bool = False) -> None:
    truth = [row for row in rows if row["recipe"] == "truth"]
    if truth:
        line = axis.axvline if vertical else axis.axhline
        line(as_float(truth[0]["value"]), color="black", linestyle=":", linewidth=1, label=TRUTH_LABEL)


def effects(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Gain of each recipe over training from scratch, the source model and a product, by budget; harm as plain as help.

    Without labels of the target the climatology takes the place of training from scratch.
    """
    rows = [row for row in headline_rows(material.effects, settings["headline"]) if row["delta"]]
    scratch = "target_only" if any(row["reference"] == "target_only" for row in rows) else "naive"
    compared = (scratch, "source_only", "product")
    rows = [row for row in rows if row["reference"] in compared]
    rows = [row for row in rows if row["recipe"] not in REFERENCES or row["recipe"] == "source_only"]
    models = several_models(rows)
    if not rows:
        with figure(path, height=2) as drawn:
            drawn.text(0.02, 0.5, "No recipe could be compared with a reference at any budget.")
        return
    found = {(name_of(row, models), row["budget"], row["reference"]): row for row in rows}
    names = list(dict.fromkeys(name for name, _, _ in found))
    references = [name for name in compared if any(key[2] == name for key in found)]
    lines = [
        (name, budget)
        for name in names
        for budget in settings["budgets"]
        if any((name, budget, reference) in found for reference in references)
    ]
    places = {line: len(lines) - number for number, line in enumerate(lines)}
    firsts = {name: next(budget for other, budget in lines if other == name) for name in names}
    with figure(path, height=1.7 + 0.17 * len(lines)) as drawn:
        axes = np.atleast_1d(drawn.subplots(1, len(references), sharey=True))
        for axis, reference in zip(axes, references, strict=True):
            axis.axvline(0, color="black", linewidth=0.8)
            for line, place in places.items():
                if (*line, reference) in found:
                    _effect(axis, place, found[(*line, reference)])
            for name in names[1:]:
                axis.axhline(places[name, firsts[name]] + 0.5, color="#dddddd", linewidth=0.6)
            axis.set_title(textwrap.fill(f"against {AGAINST[reference]}", 66 // len(references)), fontsize=9)
            # The empty line is the legend's, which is wider than a panel and so has no part in the layout.
            axis.set_xlabel("worse < gain > better\n", fontsize=8)
        marks = [f"{name}   {budget}" if firsts[name] == budget else budget for name, budget in lines]
        axes[0].set_yticks(list(places.values()), marks, fontsize=7.5)
        axes[0].set_ylim(0.3, len(lines) + 0.7)
        label = f"recipe, labelled target {rows[0]['budget_unit']}"
        axes[0].set_ylabel(label if len(lines) > 12 else textwrap.fill(label, 16), fontsize=8)
        handles = [
            plt.Line2D([], [], color=colour, marker="o", linewidth=1.5, label=word)
            for word, colour in (("helps", HELPS), ("harms", HARMS), ("unclear", UNCLEAR))
        ]
        below = -0.5 / (0.2 + 0.17 * len(lines))  # half an inch, in heights of the panel
        legend = axes[-1].legend(handles=handles, fontsize=7.5, loc="upper right", bbox_to_anchor=(1, below), ncols=3)
        legend.set_in_layout(False)
        measured = what_is_measured(settings["headline"], settings)
        drawn.suptitle(textwrap.fill(f"{settings['title']}: gain in {measured}", 88), x=0.01, ha="left", fontsize=10)
        footnote(drawn, rows[0], settings["bootstrap"]["level"])


AGAINST = {
    "target_only": "training from scratch",
    "source_only": "the source model unchanged",
    "naive": "the climatology of the source",
    "product": "the product or simulator itself",
}


def _effect(axis: Axes, place: float, row: Row) -> None:
    word = row["verdict"].removesuffix("_here")
    colour = {"helps": HELPS, "harms": HARMS}.get(word, UNCLEAR)
    delta, low, high = (as_float(row[key]) for key in ("delta", "low", "high"))
    if np.isfinite(low):
        axis.plot([low, high], [place, place], color=colour, linewidth=1.6)
    axis.plot([delta], [place], color=colour, marker="o", markersize=4)


FIGURES = {
    "learning_curve": learning_curve,
    "effects": effects,
    "tails": tails,
    "classes": classes,
    "examples": examples,
    "audit": audit,
    "confusion": confusions,
    "reliability": reliability,
    "coverage": coverage,
    "cost": cost,
    "critical_difference": critical_difference,
    "pareto": pareto,
    "map": map_of_groups,
}
