"""Figures that every domain has: learning curves, effects, overview. Print-ready, colour-blind safe, byte-stable."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from landbridge.judge.tables import as_float  # noqa: E402

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
STYLE = {
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


def budgets_of(rows: Sequence[Row]) -> list[str]:
    """Budgets in the order of the table."""
    return list(dict.fromkeys(row["budget"] for row in rows))


def what_is_measured(headline: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """The headline in words, with units."""
    target = settings["targets"].get(headline["target"], {})
    metric = settings["metric_titles"][headline["metric"]]
    name = target.get("long_name", headline["target"])
    units = target.get("units", "1") if settings["metric_units"][headline["metric"]] == "target" else "1"
    return f"{metric} of {name}" + (f" [{units}]" if units != "1" else "")


def footnote(drawn: Figure, row: Row, level: float) -> None:
    """What the numbers stand on, below the figure."""
    text = f"{row['groups']} test groups, {row['seeds']} seeds; {100 * level:.0f} % intervals: {INTERVALS[row['interval']]}"
    drawn.supxlabel(text, fontsize=8, color="#444444", x=0.01, ha="left")


def styles(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each recipe; references first and always alike."""
    return {name: (PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]) for i, name in enumerate(names)}


def learning_curve(path: Path, leaderboard: Sequence[Row], settings: Mapping[str, Any]) -> None:
    """Score over label budget, one panel for references and networks each, with bands."""
    rows = [row for row in headline_rows(leaderboard, settings["headline"]) if row["value"]]
    budgets = budgets_of(rows)
    named = list(dict.fromkeys(name_of(row) for row in rows if row["recipe"] != "truth"))
    look = styles(named)
    with figure(path, height=4.8) as drawn:
        axes = drawn.subplots(1, 2, sharey=True)
        is_network = {name_of(row): row["model"] != "none" for row in rows}
        panels: tuple[tuple[Axes, str, list[str]], ...] = (
            (axes[0], "Networks", [name for name in named if is_network[name]]),
            (axes[1], "References without a network", [name for name in named if not is_network[name]]),
        )
        for axis, title, members in panels:
            for number, name in enumerate(members):
                _curve(axis, [row for row in rows if name_of(row) == name], budgets, look[name], name, number, len(members))
            _truth_line(axis, rows)
            axis.set_title(title, fontsize=9)
            axis.set_xticks(range(len(budgets)), budgets)
            axis.set_xlabel(f"labelled target {rows[0]['budget_unit']}")
            axis.legend(fontsize=7.5, loc="upper left", bbox_to_anchor=(0, -0.16), ncols=2)
        axes[0].set_ylabel(textwrap.fill(what_is_measured(settings["headline"], settings), 44))
        drawn.suptitle(f"{settings['title']}: score by labels", x=0.01, ha="left")
        footnote(drawn, rows[0], settings["bootstrap"]["level"])


def _curve(
    axis: Axes, rows: Sequence[Row], budgets: Sequence[str], look: tuple[str, str], name: str, number: int, count: int
) -> None:
    shift = (number - (count - 1) / 2) * 0.07
    place = np.array([budgets.index(row["budget"]) for row in rows]) + shift
    value, low, high = (np.array([as_float(row[key]) for row in rows]) for key in ("value", "low", "high"))
    axis.plot(place, value, color=look[0], marker=look[1], markersize=4.5, linewidth=1.3, label=name)
    known = np.isfinite(low)
    axis.vlines(place[known], low[known], high[known], color=look[0], linewidth=1.0, alpha=0.75)
    if known.sum() > 1:
        axis.fill_between(place[known], low[known], high[known], color=look[0], alpha=0.08, linewidth=0)


def _truth_line(axis: Axes, rows: Sequence[Row]) -> None:
    truth = [row for row in rows if row["recipe"] == "truth"]
    if truth:
        axis.axhline(as_float(truth[0]["value"]), color="black", linestyle=":", linewidth=1, label="noise-free truth")


def effects(path: Path, effects_table: Sequence[Row], settings: Mapping[str, Any]) -> None:
    """Gain of each recipe over training from scratch and over the source model, by budget; harm as plain as help."""
    rows = headline_rows(effects_table, settings["headline"])
    rows = [row for row in rows if row["delta"] and row["reference"] in ("target_only", "source_only")]
    rows = [row for row in rows if row["recipe"] not in REFERENCES or row["recipe"] == "source_only"]
    references = [name for name in ("target_only", "source_only") if any(row["reference"] == name for row in rows)]
    names = list(dict.fromkeys(name_of(row) for row in rows))
    budgets = [budget for budget in budgets_of(rows)]
    if not rows:
        with figure(path, height=2) as drawn:
            drawn.text(0.02, 0.5, "No recipe could be compared with a reference at any budget.")
        return
    with figure(path, height=1.9 + 0.17 * len(names) * len(budgets)) as drawn:
        axes = np.atleast_1d(drawn.subplots(1, len(references), sharey=True))
        lines = [(name, budget) for name in names for budget in budgets]
        for axis, reference in zip(axes, references, strict=True):
            axis.axvline(0, color="black", linewidth=0.8)
            for place, (name, budget) in enumerate(lines):
                found = [r for r in rows if name_of(r) == name and r["budget"] == budget and r["reference"] == reference]
                if found:
                    _effect(axis, len(lines) - place - (lines[place][0] != name), found[0])
            against = "training from scratch" if reference == "target_only" else "the source model unchanged"
            axis.set_title(f"against {against}", fontsize=9)
            axis.set_xlabel("worse   <   gain   >   better")
            for number in range(1, len(names)):
                axis.axhline(len(lines) - number * len(budgets) + 0.5, color="#dddddd", linewidth=0.6)
        axes[0].set_yticks(
            [len(lines) - place for place in range(len(lines))],
            [f"{name}   {budget}" if number % len(budgets) == 0 else budget
             for number, (name, budget) in enumerate(lines)],
            fontsize=7.5,
        )
        axes[0].set_ylabel(f"recipe, labelled target {rows[0]['budget_unit']}")
        handles = [
            plt.Line2D([], [], color=colour, marker="o", linewidth=1.5, label=word)
            for word, colour in (("helps", HELPS), ("harms", HARMS), ("unclear", UNCLEAR))
        ]
        axes[-1].legend(handles=handles, fontsize=7.5, loc="best")
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
        text = "+ helps, - harms, ? unclear (headline metric, intervals as in the tables); n: labelled target groups, units or days"
        drawn.supxlabel(text, fontsize=8, color="#444444", x=0.01, ha="left")


def _panel(axis: Axes, rows: Sequence[Mapping[str, Any]], names: Sequence[str], title: str) -> None:
    budgets = list(dict.fromkeys(str(row["budget"]) for row in rows))
    table = np.full((len(names), len(budgets)), np.nan)
    for row in rows:
        place = names.index(name_of(row)), budgets.index(str(row["budget"]))
        table[place] = 100 * float(row["relative_gain"]) if row["relative_gain"] != "" else np.nan
        mark = {"helps": "+", "harms": "-"}.get(str(row["verdict"]).removesuffix("_here"), "?")
        shade = "white" if abs(table[place]) > 30 else "black"
        axis.text(place[1], place[0], f"{mark} {table[place]:+.0f} %", ha="center", va="center", fontsize=8, color=shade)
    colours = mpl.colors.LinearSegmentedColormap.from_list("harm to help", [HARMS, "#ffffff", HELPS])
    axis.imshow(np.clip(table, -60, 60), cmap=colours, vmin=-60, vmax=60, aspect="auto")
    axis.set_yticks(range(len(names)), names)
    axis.set_xticks(range(len(budgets)), [f"n = {budget}" for budget in budgets])
    axis.set_title(title, fontsize=9)
    axis.tick_params(length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)


FIGURES = {"learning_curve": learning_curve, "effects": effects}
