"""Figures of smart meters alone: the appliances of three days stacked, as measured and as predicted."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Dataset, stamps
from landbridge.judge.canvas import PALETTE, figure

CAPTIONS = {
    "days": (
        "Power of the appliances, stacked, on the best, the median and the worst day of a test home of {scenario} by "
        "the headline score, on the left as measured and on the right as predicted by one recipe at its largest budget "
        "and its first seed. What is white was not scored, as around gaps of the meter. Examples carry no interval; "
        "the leaderboard gives the {level} % interval of the score (bootstrap over test groups and seeds)."
    )
}


def days(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Three days of homes, measured beside predicted."""
    name, example = material.example()
    if example is None or "target_name" not in example:
        with figure(path, height=2) as drawn:
            drawn.text(0.02, 0.5, "No recipe of this scenario has examples of days.")
        return
    names = [str(word).replace("_", " ") for word in example["target_name"]]
    ranks = np.asarray(example["rank"]).astype(str)
    with figure(path, height=6.4) as drawn:
        axes = drawn.subplots(3, 2, sharex=True, sharey="row")
        for pair, rank in zip(axes, ("best", "median", "worst"), strict=True):
            own = np.flatnonzero(ranks == rank)
            hours = _hours(example)[own]
            for axis, column in zip(pair, ("label", "prediction"), strict=True):
                power = np.nan_to_num(np.asarray(example[column])[own]) / 1000
                axis.stackplot(*_with_gaps(hours, power), colors=PALETTE, labels=names)
                axis.set_xlim(0, 24)
            date = str(stamps(example)[own[0]].astype("datetime64[D]")) if len(own) else ""
            unit = str(example["unit_name"][own[0]]) if len(own) else ""
            pair[0].set_title(f"{rank} day: {unit}, {date}, measured", fontsize=9)
            pair[1].set_title("predicted", fontsize=9)
            pair[0].set_ylabel("power, kW")
        for axis in axes[-1]:
            axis.set_xlabel("hour of the day, UTC")
            axis.set_xticks(range(0, 25, 6))
        handles, labels = axes[0, 0].get_legend_handles_labels()
        drawn.legend(handles, labels, fontsize=7.5, loc="outside lower center", ncols=len(names))
        text = f"{settings['title']}: days by {name.replace('_', ' ')}"
        drawn.suptitle(textwrap.fill(text, 88), x=0.01, ha="left", fontsize=10)


def _hours(example: Dataset) -> np.ndarray:
    """(row,) hour of the day, UTC."""
    time = stamps(example).astype("datetime64[s]")
    return (time - time.astype("datetime64[D]")).astype(np.int64) / 3600


def _with_gaps(hours: np.ndarray, power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hours (n,) and power (target, n), missing wherever steps are left out, so that no line spans them."""
    step = np.diff(hours).min(initial=1.0)
    breaks = np.flatnonzero(np.diff(hours) > 1.5 * step) + 1
    return np.insert(hours, breaks, hours[breaks - 1]), np.insert(power, breaks, np.nan, axis=0).T


FIGURES = {"days": days}
