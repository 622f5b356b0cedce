"""What a flattering rule does to a score: one model under two splits of the same units: the stage `contrast`.

Both rules test the same units, so the difference is taken unit by unit. Independent groups are those of the honest
rule; they are resampled, and seeds. A unit counts as leaked where the flattering split trained on another unit of its
honest group, or on a planted copy of it, while it was tested. Where a leak was planted it must inflate the score: a run
whose copies give nothing away shows that something hides answers from the model, or the copies from the training.
"""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.judge import bootstrap, tables
from landbridge.judge.canvas import HARMS, HELPS, figure, footnote, what_is_measured
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scores import MACRO, Scores, mean_of_targets, read_scores
from landbridge.prepare.plant import COPY
from landbridge.stage import Job, StageError

COLUMNS = (
    *("target", "metric", "statistic", "subset", "units", "groups", "seeds", "flattering", "flattering_low"),
    *("flattering_high", "honest", "honest_low", "honest_high", "inflation", "low", "high", "interval"),
)
SUBSETS = ("all", "leaked", "clean")
LEARNED_FROM = ("source_train", "source_val", "target_pool", "target_unlabelled", "target_val")


def run(job: Job) -> None:
    """Inputs: `flattering`, `honest` (scores), `flattering_splits`, `honest_splits`. Outputs: `table`, `figure`."""
    settings = job.settings
    budgets = [settings["contrast"]["budget"]]
    arms = {name: read_scores(job.input_list(name), budgets) for name in ("flattering", "honest")}
    leaked = leaked_units(job.input_list("flattering_splits"), job.input_list("honest_splits"))
    rows = contrast_rows(arms["flattering"], arms["honest"], leaked, settings)
    if settings["contrast"]["must_inflate"]:
        refuse_no_inflation(rows, settings)
    tables.write(job.outputs["table"], COLUMNS, rows)
    draw(job.outputs["figure"], rows, settings)


def _split(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def leaked_units(flattering: Sequence[Path], honest: Sequence[Path]) -> set[str]:
    """Units that the flattering split tested while another unit of their honest group was in another part."""
    group_of = {row["unit"]: row["group"] for path in honest for row in _split(path)}
    found: set[str] = set()
    for path in flattering:
        rows = _split(path)
        learned: dict[str, set[str]] = {}
        for row in rows:
            if row["part"] in LEARNED_FROM:
                original = row["unit"].removesuffix(COPY)
                learned.setdefault(group_of.get(original, original), set()).add(row["unit"])
        for row in rows:
            others = learned.get(group_of.get(row["unit"], row["unit"]), set()) - {row["unit"]}
            if row["part"] == "target_test" and others:
                found.add(row["unit"])
    return found


def by_unit(scores: Scores, units: Sequence[str], target: str) -> np.ndarray:
    """(seed, unit, sum) of the one run of `scores`, blocks added up."""
    sums = scores.runs[0].sums[target][0]  # (seed, cell, sum)
    place = {unit: number for number, unit in enumerate(units)}
    found = np.zeros((sums.shape[0], len(units), sums.shape[2]))
    for cell, unit in enumerate(scores.unit_of_cell):
        if unit in place:
            found[:, place[unit]] += sums[:, cell]
    return found


def contrast_rows(
    flattering: Scores, honest: Scores, leaked: set[str], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """One row for each target, metric, statistic and subset of the units that both arms tested.

    Raises:
        StageError: a recipe without a score at the budget, or no common unit.
    """
    for arm in (flattering, honest):
        if not arm.runs[0].status or arm.runs[0].status[0] != "ok":
            status = arm.runs[0].status[0] if arm.runs[0].status else "no such budget"
            raise StageError(f"contrasts: {arm.runs[0].recipe} has no score at that budget ({status})")
    group_of = dict(zip(honest.unit_of_cell, (honest.groups[g] for g in honest.group_of_cell), strict=True))
    common = sorted(set(flattering.unit_of_cell) & set(group_of))
    if not common:
        raise StageError("contrasts: the two scenarios test no common unit; give both the same data and full folds")
    rows = []
    for subset in SUBSETS:
        units = [unit for unit in common if subset == "all" or (unit in leaked) == (subset == "leaked")]
        if not units:
            continue
        groups = sorted({group_of[unit] for unit in units})
        index = np.array([groups.index(group_of[unit]) for unit in units])
        shared = replace(
            honest, groups=groups, group_of_cell=index, class_of_group=[""] * len(groups), unit_of_cell=units
        )
        draws = bootstrap.draw(shared, settings["bootstrap"]["replicates"], settings["contrast"]["title"])
        arrays = {target: [by_unit(arm, units, target) for arm in (flattering, honest)] for target in honest.targets}
        for name in settings["metrics"]:
            metric = find_metric(honest.task, name, honest.classes)
            statistics = settings["statistics"]
            pairs = {
                target: [bootstrap.replicate_values(own, shared, draws, metric, statistics) for own in both]
                for target, both in arrays.items()
            }
            if settings["headline"]["target"] == MACRO:
                every = list(pairs.values())
                pairs[MACRO] = [
                    {s: mean_of_targets([pair[arm][s] for pair in every]) for s in statistics} for arm in (0, 1)
                ]
            for target, pair in pairs.items():
                for statistic in statistics:
                    values = [own[statistic] for own in pair]
                    gain = metric.gain(*values)
                    row: dict[str, Any] = {
                        "target": target,
                        "metric": name,
                        "statistic": statistic,
                        "subset": subset,
                        "units": len(units),
                        "groups": len(groups),
                        "seeds": len(honest.seeds),
                        "interval": draws.interval,
                        "inflation": float(gain[0]),
                    }
                    for key, own in zip(("flattering_", "honest_", ""), (*values, gain), strict=True):
                        row[f"{key}low"], row[f"{key}high"] = bounds(own, draws.interval, settings)
                    row["flattering"], row["honest"] = float(values[0][0]), float(values[1][0])
                    rows.append(row)
    return rows


def headline_row(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row of the honest scenario's headline over all units."""
    wanted = {**settings["headline"], "subset": "all"}
    return next(row for row in rows if all(row[key] == value for key, value in wanted.items()))


def refuse_no_inflation(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> None:
    """Stop where a planted leak does not inflate the headline.

    Raises:
        StageError: its inflation is not above 0 by its whole interval, or has none.
    """
    row, contrast = headline_row(rows, settings), settings["contrast"]
    if np.isnan(row["low"]):
        raise StageError(
            f"contrasts: {contrast['flattering']} and {contrast['honest']} share {row['groups']} test groups, and an "
            f"interval needs {bootstrap.FEWEST_GROUPS}; whether planted copies inflate the score can't be told. Give "
            f"the test more groups in both scenarios"
        )
    if not row["low"] > 0:
        raise StageError(
            f"contrasts: copies of the test were planted in {contrast['flattering']}, and they do not inflate the "
            f"score of {contrast['recipe']}: {row['inflation']:.3g} [{row['low']:.3g}, {row['high']:.3g}] over "
            f"{row['units']} units. Either labels or inputs of the copies do not reach the training, or this learner "
            f"cannot remember them; look into split.csv of both scenarios, and take a learner that remembers, such as "
            f"nearest_neighbour.source"
        )


def sentence(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    """What the contrast shows, in words."""
    row, level = headline_row(rows, settings), 100 * settings["bootstrap"]["level"]
    metric = find_metric(settings["task"], row["metric"], settings["classes"])
    of_target = {"label": "", MACRO: " over all targets"}.get(row["target"], f" of {row['target']}")
    interval = f"{level:g} % interval {row['low']:.3g} to {row['high']:.3g}"
    if row["interval"] == "none":
        interval = "no interval"
    return (
        f"The flattering split makes the {row['statistic']} {metric.title}{of_target} look {abs(row['inflation']):.3g} "
        f"{'better' if row['inflation'] > 0 else 'worse'} than it is ({interval}): {row['flattering']:.3g} instead of "
        f"{row['honest']:.3g}."
    )


def bounds(values: np.ndarray, interval: str, settings: Mapping[str, Any]) -> tuple[float, float]:
    """Interval of replicates; none where neither groups nor blocks suffice."""
    if interval == "none":
        return float("nan"), float("nan")
    return bootstrap.interval(values, settings["bootstrap"]["level"])


def draw(path: Path, rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> None:
    """Both scores of every target and subset, and the inflation beside them."""
    headline = settings["headline"]
    shown = [row for row in rows if all(row[key] == headline[key] for key in ("metric", "statistic"))]
    whole = max((row["units"] for row in shown), default=0)
    shown = [row for row in shown if row["subset"] == "all" or row["units"] < whole]  # all once, where all are leaked
    titles = {name: find_metric(settings["task"], name, settings["classes"]) for name in {headline["metric"]}}
    words = {
        **settings,
        "metric_titles": {name: metric.title for name, metric in titles.items()},
        "metric_units": {name: metric.units for name, metric in titles.items()},
    }
    with figure(path, height=1.9 + 0.42 * len(shown)) as drawn:
        axes = drawn.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        labels = []
        for place, row in enumerate(reversed(shown)):
            for shift, key, colour in ((0.12, "flattering", HARMS), (-0.12, "honest", HELPS)):
                axes[0].plot([row[f"{key}_low"], row[f"{key}_high"]], [place + shift] * 2, color=colour, linewidth=1.6)
                axes[0].plot([row[key]], [place + shift], color=colour, marker="o", markersize=5)
            axes[1].plot([row["low"], row["high"]], [place] * 2, color="black", linewidth=1.6)
            axes[1].plot([row["inflation"]], [place], color="black", marker="D", markersize=4.5)
            bounded = row["interval"] != "none"
            text = f"{row['inflation']:+.2f}" + (f" [{row['low']:.2f}, {row['high']:.2f}]" if bounded else "")
            axes[1].annotate(
                text, (row["inflation"], place), (0, 6), textcoords="offset points", fontsize=7, ha="center"
            )
            labels.append(f"{row['target']}, {row['subset']} ({row['units']} units)")
        axes[0].set_yticks(range(len(shown)), labels, fontsize=8)
        axes[0].set_ylim(-0.6, len(shown) - 0.3)
        name = what_is_measured({**headline, "target": ""}, {**words, "targets": {"": settings["target_words"]}})
        axes[0].set_xlabel(f"{headline['statistic']} {name}")
        axes[1].axvline(0, color="#999999", linewidth=0.8)
        axes[1].set_xlabel("how much better it looks")
        axes[1].margins(x=0.2)  # room for the numbers
        handles = [
            axes[0].plot([], [], color=HARMS, marker="o", label=f"flattering: {settings['contrast']['flattering']}")[0],
            axes[0].plot([], [], color=HELPS, marker="o", label=f"honest: {settings['contrast']['honest']}")[0],
        ]
        axes[0].legend(handles=handles, fontsize=7.5, loc="lower left", bbox_to_anchor=(-0.02, 0.99), ncols=2)
        said = [textwrap.fill(settings["contrast"]["title"], 88), textwrap.fill(sentence(rows, settings), 88)]
        drawn.suptitle("\n".join(said), x=0.01, ha="left", fontsize=10)
        if shown:
            level = settings["bootstrap"]["level"]
            footnote(drawn, {key: str(shown[0][key]) for key in ("groups", "seeds", "interval")}, level)
