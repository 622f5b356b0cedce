"""Figures that look behind the mean: the tails over groups, the classes, single units, and the audit of the split."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from landbridge.contract import Dataset, stamps
from landbridge.judge import bootstrap
from landbridge.judge.canvas import (
    HARMS,
    HELPS,
    UNCLEAR,
    figure,
    footnote,
    headline_rows,
    in_brackets,
    name_of,
    note,
    styles,
    what_is_measured,
)
from landbridge.judge.scores import Run, Scores, by_group
from landbridge.judge.tables import as_float
from landbridge.prepare import ragged
from landbridge.prepare.streams import generator

# Shown first where a figure has no room for every recipe.
FIRST = ("source_only", "full_finetune", "target_only", "group_dro", "naive", "product", "gradient_boosted_trees")
MOST_CURVES = 7
MARKED = (("q10", 0.1), ("q25", 0.25), ("median", 0.5), ("q75", 0.75), ("q90", 0.9))
FEWEST_FOR_INTERVAL = 5
LEVELS = {"ok": HELPS, "warning": "#E69F00", "failure": HARMS}


def shown_runs(scores: Scores, most: int) -> list[tuple[str, Run, int]]:
    """Name, run and number of the largest budget of the recipes that a figure has room for; the truth is no recipe."""
    runs = [run for run in scores.runs if run.recipe != "truth"]
    models = len({run.model for run in runs} - {"none"}) > 1
    found = []
    for run in runs:
        usable = [number for number, status in enumerate(run.status) if status == "ok"]
        if usable:
            row = {"model": run.model, "recipe": run.recipe, "variant": run.variant}
            found.append((name_of(row, models), run, usable[-1]))
    order = {name: number for number, name in enumerate(FIRST)}
    kept = sorted(found, key=lambda item: order.get(item[1].recipe, len(order)))[:most]
    return [item for item in found if item in kept]


def tails(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Share of the groups that reach a score, for each recipe, with intervals at some quantiles."""
    headline, scores, metric = settings["headline"], material.scores, material.metric
    rows = headline_rows(material.leaderboard, {**headline, "statistic": "median"})
    if not rows:
        rows = headline_rows(material.leaderboard, headline)
    quantiles = {
        (row["model"], row["recipe"], row["variant"], row["budget"], row["statistic"]): row
        for row in material.leaderboard
        if row["target"] == headline["target"] and row["metric"] == headline["metric"]
    }
    runs = shown_runs(scores, MOST_CURVES)
    look = styles([name for name, _, _ in runs])
    finite = []
    with figure(path, height=4.8) as drawn:
        axis = drawn.subplots()
        for name, run, number in runs:
            values = np.nanmean(by_group(run, scores, metric, number, headline["target"]), axis=0)
            values = np.sort(values[np.isfinite(values)])
            if len(values) == 0:
                continue
            finite.append(values)
            share = np.linspace(0, 1, len(values)) if len(values) > 1 else np.array([0.5])
            axis.plot(values, share, color=look[name][0], linewidth=1.4, label=name)
            for statistic, place in MARKED:
                row = quantiles.get((*run.key, scores.budgets[number], statistic))
                if row is not None and row["low"]:
                    low, high = as_float(row["low"]), as_float(row["high"])
                    axis.plot([low, high], [place, place], color=look[name][0], linewidth=1.0, alpha=0.6)
                    axis.plot(
                        [as_float(row["value"])], [place], color=look[name][0], marker=look[name][1], markersize=4
                    )
        if metric.better == "higher" and finite and min(values.min() for values in finite) < -1:
            axis.set_xlim(-1.05, max(values.max() for values in finite) + 0.05)
            axis.text(0.0, 1.01, "<  groups below -1 lie outside", transform=axis.transAxes, fontsize=7, va="bottom")
        axis.set_yticks([0, 0.1, 0.25, 0.5, 0.75, 0.9, 1])
        axis.grid(axis="y", color="#e5e5e5", linewidth=0.7)
        axis.set_ylabel("share of test groups at or below")
        axis.set_xlabel(what_is_measured(headline, settings))
        axis.legend(fontsize=7.5, loc="best")
        drawn.suptitle(
            textwrap.fill(f"{settings['title']}: the tails behind the mean", 88), x=0.01, ha="left", fontsize=10
        )
        if rows:
            footnote(drawn, rows[0], settings["bootstrap"]["level"])


def classes(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Mean score of each class and recipe, with intervals where a class has groups enough."""
    headline, scores, metric = settings["headline"], material.scores, material.metric
    names = sorted(set(scores.class_of_group))
    runs = shown_runs(scores, MOST_CURVES)
    table = np.full((len(names), len(runs)), np.nan)
    texts = np.full(table.shape, "", dtype=object)
    counts = []
    for line, name in enumerate(names):
        own = np.array([label == name for label in scores.class_of_group])
        counts.append(int(own.sum()))
        for column, (_, run, number) in enumerate(runs):
            values = by_group(run, scores, metric, number, headline["target"])[:, own]
            value, low, high = class_interval(values, settings["bootstrap"], settings["scenario"])
            table[line, column] = value
            bounds = f"\n{_short(low)} to {_short(high)}" if np.isfinite(low) else ""
            texts[line, column] = f"{_short(value)}{bounds}" if np.isfinite(value) else "-"
    gain = metric.gain(table, np.zeros_like(table))
    spread = np.nanmax(gain, axis=1, initial=-np.inf) - np.nanmin(gain, axis=1, initial=np.inf)
    low = np.nanmin(gain, axis=1, initial=np.inf)
    shade = (gain - low[:, None]) / np.where(spread > 0, spread, 1)[:, None]
    with figure(path, width=max(7.2, 1.6 + 1.05 * len(runs)), height=1.6 + 0.42 * len(names)) as drawn:
        axis = drawn.subplots()
        colours = mpl.colors.LinearSegmentedColormap.from_list("worst to best", ["#F3C9A5", "#ffffff", "#A9CBE6"])
        axis.imshow(np.where(np.isfinite(shade), shade, 0.5), cmap=colours, vmin=0, vmax=1, aspect="auto")
        for line in range(len(names)):
            for column in range(len(runs)):
                axis.text(column, line, texts[line, column], ha="center", va="center", fontsize=7)
        axis.set_yticks(
            range(len(names)), [f"{name or '(none)'}  n={n}" for name, n in zip(names, counts, strict=True)]
        )
        labels = [textwrap.fill(name.replace("_", " "), 14) for name, _, _ in runs]
        axis.set_xticks(range(len(runs)), labels, fontsize=7.5)
        axis.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
        for spine in axis.spines.values():
            spine.set_visible(False)
        title = f"{settings['title']}: {what_is_measured(headline, settings)} by class"
        drawn.suptitle(textwrap.fill(title, 88), x=0.01, ha="left", fontsize=10)
        rows = headline_rows(material.leaderboard, headline)
        if rows:
            level = f"{100 * settings['bootstrap']['level']:.0f} %"
            few = f"no intervals below {FEWEST_FOR_INTERVAL} groups of a class"
            intervals = few if max(counts) < FEWEST_FOR_INTERVAL else f"below a score its {level} interval, {few}"
            note(drawn, rows[0], f"of a line blue is the best, orange the worst; {intervals}")


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"


def class_interval(values: np.ndarray, settings: Mapping[str, Any], scenario: str) -> tuple[float, float, float]:
    """Mean of (seed, group) values with its interval over groups and seeds; without one below five groups."""
    defined = np.isfinite(values)
    if not defined.any():
        return float("nan"), float("nan"), float("nan")
    value = (
        float(np.nanmean(np.nanmean(np.where(defined, values, np.nan), axis=1)))
        if defined.any(axis=1).all()
        else (float(np.nanmean(values)))
    )
    if values.shape[1] < FEWEST_FOR_INTERVAL:
        return value, float("nan"), float("nan")
    random = generator("bootstrap of a class", scenario, values.shape[1])
    replicates = settings["replicates"]
    groups = random.multinomial(values.shape[1], np.full(values.shape[1], 1 / values.shape[1]), size=replicates)
    seeds = random.multinomial(len(values), np.full(len(values), 1 / len(values)), size=replicates)
    weights = seeds[:, :, None] * groups[:, None, :] * defined
    total = weights.sum((1, 2))
    means = np.where(total > 0, (weights * np.nan_to_num(values)).sum((1, 2)) / np.maximum(total, 1), np.nan)
    return (value, *bootstrap.interval(np.concatenate([[value], means]), settings["level"]))


def examples(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Observed and predicted series of the best, the median and the worst unit."""
    name, dataset = material.example()
    if dataset is None or "prediction" not in dataset or "time" not in dataset:
        with figure(path, height=2) as drawn:
            drawn.text(0.02, 0.5, "No recipe of this scenario has examples of series.")
        return
    time = stamps(dataset)
    ranks = np.asarray(dataset["rank"]).astype(str)
    units = np.asarray(dataset["unit_name"]).astype(str)
    target = settings["targets"].get(str(dataset.attributes.get("target", "")), {})
    with figure(path, height=6.0) as drawn:
        axes = drawn.subplots(3, 1)
        for axis, rank in zip(axes, ("best", "median", "worst"), strict=True):
            own = ranks == rank
            if not own.any():
                axis.set_axis_off()
                continue
            order = np.argsort(time[own])
            observed, predicted = dataset["label"][own][order], dataset["prediction"][own][order]
            axis.plot(time[own][order], observed, ".", color=UNCLEAR, markersize=2.5, label="observed")
            _line(axis, time[own][order], predicted, HELPS, "predicted")
            product = _product(material, settings, units[own][0], time[own][order])
            if product is not None:
                _line(axis, time[own][order], product[1], HARMS, product[0])
            error = float(np.sqrt(np.mean((predicted - observed) ** 2)))
            beyond = _leave_outliers_outside(axis, observed, predicted)
            told = f", {beyond} beyond the axis" if beyond else ""
            axis.set_title(f"{rank}: {units[own][0]}, RMSE {error:.2f}, {int(own.sum())} scored rows{told}", fontsize=9)
        axes[0].legend(fontsize=7.5, loc="upper right", ncols=3)
        axes[1].set_ylabel(textwrap.fill(f"{target.get('long_name', '')} {in_brackets(target.get('units', ''))}", 40))
        budget = f"{dataset.attributes['budget']} labelled target {settings['budget_unit']}"
        title = f"{settings['title']}: {name.replace('_', ' ')}, {budget}"
        drawn.suptitle(textwrap.fill(title, 88), x=0.01, ha="left", fontsize=10)


def _leave_outliers_outside(axis: Any, observed: np.ndarray, predicted: np.ndarray) -> int:
    """Limit an axis to the predictions and 99 % of what was observed, if that is less than half; how many are beyond.

    A few spikes of a sensor would else press a year into a line.
    """
    inner = np.concatenate([np.nanquantile(observed, [0.005, 0.995]), [np.nanmin(predicted), np.nanmax(predicted)]])
    low, high = float(inner.min()), float(inner.max())
    if not 0 < high - low < 0.5 * (np.nanmax(observed) - np.nanmin(observed)):
        return 0
    low, high = low - 0.08 * (high - low), high + 0.08 * (high - low)
    axis.set_ylim(low, high)
    return int(((observed < low) | (observed > high)).sum())


def find_unit(tests: Sequence[Dataset], unit: str) -> tuple[Dataset, np.ndarray] | None:
    """Test inputs of the fold that tests a unit, and the places of its segments there; None where no fold does."""
    for test in tests:
        places = np.flatnonzero(np.asarray(test["unit_name"]).astype(str) == unit)
        if len(places):
            return test, places
    return None


def _product(material: Any, settings: Mapping[str, Any], unit: str, time: np.ndarray) -> tuple[str, np.ndarray] | None:
    """Name and values (row,) of an existing product or a simulator at some times of a test unit; None without one."""
    name = settings["product"].get(settings["headline"]["target"])
    found = find_unit(material.tests, unit) if name is not None else None
    if found is None or name not in found[0]:
        return None
    test, places = found
    bounds = ragged.offsets(test["row_size"])
    rows = ragged.ranges(bounds[places], bounds[places + 1])
    known = dict(zip(stamps(test)[rows].tolist(), np.asarray(test[name])[rows].tolist(), strict=True))
    return name.replace("_", " "), np.array([known.get(moment, np.nan) for moment in time.tolist()])


def _line(axis: Any, time: np.ndarray, values: np.ndarray, colour: str, name: str) -> None:
    """A line that is broken where more than a month of rows is missing."""
    gaps = np.flatnonzero(np.diff(time).astype("timedelta64[D]").astype(int) > 31) + 1
    for number, (start, stop) in enumerate(zip([0, *gaps], [*gaps, len(time)], strict=True)):
        label = name if number == 0 else None
        axis.plot(time[start:stop], values[start:stop], color=colour, linewidth=0.9, label=label)


def audit(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """The checks of the split, and the size of its parts, as a page."""
    audits: Sequence[Mapping[str, Any]] = material.audits
    lines: list[tuple[str, str, str]] = []
    for number, report in enumerate(audits):
        if len(audits) > 1 and number > 0 and all(check["level"] == "ok" for check in report["checks"]):
            continue  # of several folds the first, and those with something to say
        if len(audits) > 1:
            lines.append(("head", "", f"fold {report['fold']}"))
        for check in report["checks"]:
            lines.append((check["level"], check["check"], check["text"]))
        for part, count in report["counts"].items():
            text = f"{count['groups']} groups, {count['units']} units, {count['rows']} rows"
            lines.append(("count", part.replace("_", " "), text))
        for item in report["left_out"]:
            names = ", ".join(item["units"][:4]) + (" and more" if len(item["units"]) > 4 else "")
            lines.append(("count", f"left out: {len(item['units'])}", f"{item['reason']} ({names})"))
        rows = ", ".join(f"{count} {name}" for name, count in report["rows"].items())
        lines.append(("count", "rows of the test", rows))
    wrapped = [(level, textwrap.wrap(title, 24), textwrap.wrap(text, 88) or [""]) for level, title, text in lines]
    height = sum(max(len(title), len(text)) for _, title, text in wrapped) * 0.165 + 0.06 * len(wrapped) + 0.9
    with figure(path, height=height) as drawn:
        axis = drawn.subplots()
        axis.set_axis_off()
        axis.set_xlim(0, 1)
        axis.set_ylim(height - 0.9, 0)
        place = 0.0
        for level, title, words in wrapped:
            colour = LEVELS.get(level, "#444444")
            if level in LEVELS:
                axis.text(0.0, place, level, color=colour, fontsize=7.5, weight="bold", va="top")
            weight = "bold" if level == "head" else "normal"
            axis.text(0.1, place, "\n".join(title), fontsize=7.5, va="top")
            axis.text(0.32 if title else 0.0, place, "\n".join(words), fontsize=7.5, va="top", weight=weight)
            place += 0.165 * max(len(words), len(title)) + 0.06
        leaks = any(check["level"] == "failure" for report in audits for check in report["checks"])
        verdict = "leaks were found and allowed" if leaks else "no leak was found"
        drawn.suptitle(textwrap.fill(f"{settings['title']}: {verdict}", 88), x=0.01, ha="left", fontsize=10)
