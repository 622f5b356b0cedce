"""Gain of each test group over its distance to the source."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.judge.canvas import HARMS, HELPS, UNCLEAR, figure, name_of, what_is_measured
from landbridge.judge.figures_of_places import ADAPTED

TITLES = {
    "proxy_a": "proxy A-distance",
    "mmd": "squared MMD",
    "sliced_wasserstein": "sliced Wasserstein distance",
}

Key = tuple[str, str, str, str, str]  # model, recipe, variant, selection, budget


def gains_by_distance(
    path: Path,
    measured: Mapping[tuple[str, str, str], Mapping[str, Any]],
    gains: Mapping[Key, np.ndarray | None],
    ranks: Sequence[Mapping[str, Any]],
    groups: Sequence[str],
    settings: Mapping[str, Any],
) -> None:
    """A line of panels for the source model as it is and one for the adapted one, a panel for each distance.

    Args:
        measured: by model, measure and group.
        gains: (group,) by model, recipe, variant, selection and budget.
        ranks: the correlation of each.
        groups: names of the test groups, in the order of the gains.
        settings: headline and words.
    """
    shown = _shown(gains, settings["budgets"])
    if not shown:
        with figure(path, height=1.2) as drawn:
            drawn.text(0.02, 0.5, "No network has a gain over training from scratch here.")
        return
    with figure(path, height=2.7 * len(shown) + 0.5) as drawn:
        axes = drawn.subplots(len(shown), len(TITLES), sharex="col", sharey="row", squeeze=False)
        for line, key in zip(axes, shown, strict=True):
            model, recipe, variant, _, budget = key
            values = np.asarray(gains[key])
            for axis, measure in zip(line, TITLES, strict=True):
                found = [measured.get((model, measure, group)) for group in groups]
                distances = np.array([own["value"] if own else np.nan for own in found], float)
                colours = np.where(values > 0, HELPS, np.where(values < 0, HARMS, UNCLEAR))
                axis.axhline(0, color="#999999", linewidth=0.8)
                axis.scatter(distances, values, c=colours, s=18, zorder=2)
                rank = next(row for row in ranks if _key(row) == key and row["measure"] == measure)
                axis.set_title(_in_words(rank), fontsize=7.5)
                axis.locator_params(axis="x", nbins=4)
            name = name_of({"model": model, "recipe": recipe, "variant": variant})
            unit = settings["budget_axis"] if settings["budget_axis"] != "time" else "days"
            line[0].set_ylabel(f"gain of {name}\nat {budget} labelled {unit}", fontsize=8)
        for axis, title in zip(axes[-1], TITLES.values(), strict=True):
            axis.set_xlabel(title)
        measured_words = what_is_measured(settings["headline"], settings)
        text = f"{settings['title']}: gain over training from scratch by the distance of a test group from the source"
        drawn.suptitle(textwrap.fill(text, 92), x=0.01, ha="left", fontsize=10)
        level = f"{100 * settings['bootstrap']['level']:.0f} %"
        seeds = f"mean over {settings['seeds']} seeds" if settings["seeds"] > 1 else "of one seed"
        notes = (
            f"Gain in {measured_words}, above 0 is better; a dot is a test group, {seeds}.",
            f"r: Spearman's rank correlation and its {level} interval (bootstrap over test groups), none below six.",
        )
        note = "\n".join(textwrap.fill(line, 112) for line in notes)
        drawn.supxlabel(note, fontsize=8, color="#444444", x=0.01, ha="left")


def _shown(gains: Mapping[Key, np.ndarray | None], budgets: Sequence[str]) -> list[Key]:
    """The source model unchanged and an adapted one of the first network, each at its largest budget with a gain."""
    known = [key for key in gains if gains[key] is not None]
    known = [key for key in known if key[0] == known[0][0]]
    recipes = ["source_only", *[name for name in ADAPTED if any(key[1] == name for key in known)][:1]]
    found = []
    for recipe in recipes:
        own = sorted((key for key in known if key[1] == recipe), key=lambda key: budgets.index(key[4]))
        found += own[-1:]
    return found or known[-1:]


def _key(row: Mapping[str, Any]) -> Key:
    return row["model"], row["recipe"], row["variant"], row["selection"], row["budget"]


def _in_words(rank: Mapping[str, Any]) -> str:
    """A correlation as a line, and what it says."""
    if not np.isfinite(rank["spearman"]):
        return textwrap.fill(rank["status"].removeprefix("not_applicable: "), 34)
    head = f"r = {rank['spearman']:.2f}"
    if not np.isfinite(rank["low"]):
        return f"{head}, no interval\n{rank['groups']} groups"
    words = "no order shown"
    if rank["low"] > 0:
        words = "farther groups gain more"
    elif rank["high"] < 0:
        words = "farther groups gain less"
    return f"{head} ({rank['low']:.2f} to {rank['high']:.2f})\n{words}; {rank['groups']} groups"
