"""Figures that every domain has: learning curves, effects, overview. Print-ready, colour-blind safe, byte-stable."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landbridge.judge.tables import as_float

Row = Mapping[str, str]

# Okabe and Ito (2008): told apart by readers with every common form of colour blindness, and in grey.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HELPS, HARMS, UNCLEAR = "#0072B2", "#D55E00", "#8C8C8C"
# Shown beside each figure in the report; {level}, {replicates}, {scenario} and {budget_unit} are filled in.
CAPTIONS = {
    "learning_curve": (
        "Score over the number of labelled target {budget_unit} in {scenario}. Lines are means over seeds; bars and "
        "bands are the {level} % interval of a bootstrap over test groups and seeds ({replicates} replicates). Where "
        "bars of two recipes overlap, look at the effects figure, which compares them pair by pair."
    ),
    "effects": (
        "Gain of each recipe in {scenario}, on the left against training from scratch on the same labels, on the right "
        "against the source model applied unchanged. Bars are the {level} % interval of the paired difference "
        "(bootstrap over test groups and seeds, {replicates} replicates). Blue lies wholly above zero (helps), orange "
        "wholly below (harms), grey holds zero (unclear)."
    ),
}
REFERENCES = ("naive", "source_only", "target_only", "truth")
INTERVALS = {
    "groups": "bootstrap over groups and seeds",
    "blocks": "bootstrap over blocks of time and seeds: valid for these groups alone",
    "none": "no interval: too few groups and blocks",
}
STYLE: Any = {
    "figure.dpi": 100,
    "font.size": 9,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "svg.hashsalt": "landbridge",
    "svg.fonttype": "path",
}


@contextmanager
def figure(path: Path, width: float = 7.2, height: float = 4.4) -> Iterator[Figure]:
    """A figure of a width in inches (7.2 is a page's two columns), saved as SVG without date or random names."""
    with plt.rc_context(STYLE):
        drawn = plt.figure(figsize=(width, height), layout="constrained")
        yield drawn
        drawn.savefig(path, format="svg", metadata={"Date": None})
        plt.close(drawn)


def headline_rows(rows: Sequence[Row], headline: Mapping[str, str]) -> list[Row]:
    """Rows of a scenario's headline target, metric and statistic."""
    return [row for row in rows if all(row[key] == headline[key] for key in ("target", "metric", "statistic"))]


def name_of(row: Row) -> str:
    """A recipe as figures call it: its name, with its variant where it has one."""
    return row["recipe"].replace("_", " ") + (f" ({row['variant']})" if row["variant"] else "")


def what_is_measured(headline: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """The headline in words, with units."""
    target = settings["targets"].get(headline["target"], {})
    metric = settings["metric_titles"][headline["metric"]]
    name = target.get("long_name", headline["target"])
    units = target.get("units", "1") if settings["metric_units"][headline["metric"]] == "target" else "1"
    return f"{metric} of {name}" + (f" [{units}]" if units != "1" else "")


def footnote(drawn: Figure, row: Row, level: float) -> None:
    """What the numbers stand on, below the figure."""
    text = f"{row['groups']} test groups, {row['seeds']} seeds; {100 * level:.0f} % intervals: "
    text += INTERVALS[row["interval"]]
    drawn.supxlabel(text, fontsize=8, color="#444444", x=0.01, ha="left")


def styles(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each recipe; references first and always alike."""
    return {name: (PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]) for i, name in enumerate(names)}


def learning_curve(path: Path, leaderboard: Sequence[Row], settings: Mapping[str, Any]) -> None:
    """Score over label budget with bands; networks in one panel, learners without a network in the other."""
    rows = [row for row in headline_rows(leaderboard, settings["headline"]) if row["value"]]
    budgets = [budget for budget in settings["budgets"] if any(row["budget"] == budget for row in rows)]
    values = np.array([as_float(row[key]) for row in rows for key in ("value", "low", "high")])
    panels = {
        "Networks": [row for row in rows if row["model"] != "none"],
        "Learners without a network": [row for row in rows if row["model"] == "none" and row["recipe"] != "truth"],
    }
    with figure(path, height=5.2) as drawn:
        axes = drawn.subplots(1, 2, sharey=True)
        for axis, (title, members) in zip(axes, panels.items(), strict=True):
            names = list(dict.fromkeys(name_of(row) for row in members))
            look = styles(names)
            for number, name in enumerate(names):
                _curve(
                    axis,
                    [row for row in members if name_of(row) == name],
                    budgets,
                    look[name],
                    name,
                    number,
                    len(names),
                )
            _truth_line(axis, rows)
            axis.set_title(title, fontsize=9)
            axis.set_xticks(range(len(budgets)), budgets)
            axis.set_xlim(-0.5, len(budgets) - 0.5)
            axis.set_xlabel(f"labelled target {rows[0]['budget_unit']}")
            axis.legend(fontsize=7.5, loc="upper left", bbox_to_anchor=(-0.02, -0.14), ncols=2, columnspacing=1.0)
        if np.nanmin(values) > 0:  # errors: a ratio matters, and one bad reference must not flatten the rest
            axes[0].set_yscale("log")
            axes[0].yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 3, 5)))
            axes[0].yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
            axes[0].yaxis.set_minor_locator(mpl.ticker.NullLocator())
        axes[0].set_ylabel(textwrap.fill(what_is_measured(settings["headline"], settings), 44))
        drawn.suptitle(f"{settings['title']}: score by labels", x=0.01, ha="left")
        footnote(drawn, rows[0], settings["bootstrap"]["level"])


def _curve(
    axis: Axes, rows: Sequence[Row], budgets: Sequence[str], look: tuple[str, str], name: str, number: int, count: int
) -> None:
    shift = (number - (count - 1) / 2) * min(0.1, 0.6 / count)
    place = np.array([budgets.index(row["budget"]) for row in rows]) + shift
    value, low, high = (np.array([as_float(row[key]) for row in rows]) for key in ("value", "low", "high"))
    axis.plot(place, value, color=look[0], marker=look[1], markersize=4.5, linewidth=1.3, label=name)
    known = np.isfinite(low)
    axis.vlines(place[known], low[known], high[known], color=look[0], linewidth=1.0, alpha=0.75)
    if known.sum() > 1:
        axis.fill_between(place[known], low[known], high[known], color=look[0], alpha=0.06, linewidth=0)


def _truth_line(axis: Axes, rows: Sequence[Row]) -> None:
    truth = [row for row in rows if row["recipe"] == "truth"]
    if truth:
        axis.axhline(as_float(truth[0]["value"]), color="black", linestyle=":", linewidth=1, label="noise-free truth")


def effects(path: Path, effects_table: Sequence[Row], settings: Mapping[str, Any]) -> None:
    """Gain of each recipe over training from scratch and over the source model, by budget; harm as plain as help."""
    rows = headline_rows(effects_table, settings["headline"])
    rows = [row for row in rows if row["delta"] and row["reference"] in ("target_only", "source_only")]
    rows = [row for row in rows if row["recipe"] not in REFERENCES or row["recipe"] == "source_only"]
    if not rows:
        with figure(path, height=2) as drawn:
            drawn.text(0.02, 0.5, "No recipe could be compared with a reference at any budget.")
        return
    found = {(name_of(row), row["budget"], row["reference"]): row for row in rows}
    names = list(dict.fromkeys(name for name, _, _ in found))
    references = [name for name in ("target_only", "source_only") if any(key[2] == name for key in found)]
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
            against = "training from scratch" if reference == "target_only" else "the source model unchanged"
            axis.set_title(f"against {against}", fontsize=9)
            axis.set_xlabel("worse   <   gain   >   better")
        marks = [f"{name}   {budget}" if firsts[name] == budget else budget for name, budget in lines]
        axes[0].set_yticks(list(places.values()), marks, fontsize=7.5)
        axes[0].set_ylim(0.3, len(lines) + 0.7)
        axes[0].set_ylabel(f"recipe, labelled target {rows[0]['budget_unit']}")
        handles = [
            plt.Line2D([], [], color=colour, marker="o", linewidth=1.5, label=word)
            for word, colour in (("helps", HELPS), ("harms", HARMS), ("unclear", UNCLEAR))
        ]
        drawn.legend(handles=handles, fontsize=7.5, loc="outside lower right", ncols=3)
        measured = what_is_measured(settings["headline"], settings)
        drawn.suptitle(textwrap.fill(f"{settings['title']}: gain in {measured}", 88), x=0.01, ha="left", fontsize=10)
        footnote(drawn, rows[0], settings["bootstrap"]["level"])


def _effect(axis: Axes, place: float, row: Row) -> None:
    word = row["verdict"].removesuffix("_here")
    colour = {"helps": HELPS, "harms": HARMS}.get(word, UNCLEAR)
    delta, low, high = (as_float(row[key]) for key in ("delta", "low", "high"))
    if np.isfinite(low):
        axis.plot([low, high], [place, place], color=colour, linewidth=1.6)
    axis.plot([delta], [place], color=colour, marker="o", markersize=4)


def overview(path: Path, summary: Sequence[Mapping[str, Any]]) -> None:
    """Verdict of every scenario and recipe at each budget, the gain in per cent of training from scratch."""
    rows = [row for row in summary if row["delta"] != ""]
    scenarios = list(dict.fromkeys(str(row["title"]) for row in summary))
    if not rows:
        with figure(path, height=2) as drawn:
            drawn.text(0.02, 0.5, "No scenario has a comparison yet.")
        return
    names = list(dict.fromkeys(name_of(row) for row in rows))
    with figure(path, height=1.6 + 0.28 * len(names) * len(scenarios)) as drawn:
        axes = np.atleast_1d(drawn.subplots(len(scenarios), 1))
        for axis, scenario in zip(axes, scenarios, strict=True):
            _panel(axis, [row for row in rows if row["title"] == scenario], names, scenario)
        drawn.suptitle("Does transfer help? Gain over training from scratch", x=0.01, ha="left")
        text = "bold: the interval of the gain holds no zero (see the tables); n: labelled target groups, units or days"
        drawn.supxlabel(text, fontsize=8, color="#444444", x=0.01, ha="left")


def _panel(axis: Axes, rows: Sequence[Mapping[str, Any]], names: Sequence[str], title: str) -> None:
    budgets = list(dict.fromkeys(str(row["budget"]) for row in rows))
    table = np.full((len(names), len(budgets)), np.nan)
    for row in rows:
        place = names.index(name_of(row)), budgets.index(str(row["budget"]))
        table[place] = 100 * float(row["relative_gain"]) if row["relative_gain"] != "" else np.nan
        verdict = str(row["verdict"]).replace("_", " ")
        shade = "white" if abs(table[place]) > 30 else "black"
        weight = "normal" if verdict == "unclear" else "bold"
        text = f"{table[place]:+.0f} %  {verdict}"
        axis.text(place[1], place[0], text, ha="center", va="center", fontsize=8, color=shade, weight=weight)
    colours = mpl.colors.LinearSegmentedColormap.from_list("harm to help", [HARMS, "#ffffff", HELPS])
    axis.imshow(np.clip(table, -60, 60), cmap=colours, vmin=-60, vmax=60, aspect="auto")
    axis.set_yticks(range(len(names)), names)
    axis.set_xticks(range(len(budgets)), [f"n = {budget}" for budget in budgets])
    axis.set_title(title, fontsize=9)
    axis.tick_params(length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)


FIGURES = {"learning_curve": learning_curve, "effects": effects}
