"""Figures of GPS traces alone: three trips on a plain map with their speeds, coloured by the predicted mode."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.domains.gps_traces.fixes import METRES_PER_DEGREE
from landbridge.domains.gps_traces.modes import CLASSES
from landbridge.judge.canvas import PALETTE, UNCLEAR, figure
from landbridge.judge.figures_of_units import find_unit
from landbridge.prepare import ragged

CAPTIONS = {
    "traces": (
        "The best, the median and the worst test trip of {scenario} for one recipe at its largest budget and its first "
        "seed: on the left where it went, in kilometres from its start, on the right its speed. Colour is the mode "
        "that the window was taken for; grey was in no window. Positions are relative to the start of the trip, so "
        "that no home is shown. Examples carry no interval; the leaderboard gives the {level} % interval of the score "
        "(bootstrap over test groups and seeds)."
    )
}
KM_PER_DEGREE = METRES_PER_DEGREE / 1000
COLOURS = dict(zip(CLASSES, PALETTE, strict=False))


def relative_km(latitude: np.ndarray, longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kilometres east and north of the first fix, on a plane that touches the Earth there."""
    east = (longitude - longitude[0]) * KM_PER_DEGREE * np.cos(np.radians(latitude[0]))
    return east, (latitude - latitude[0]) * KM_PER_DEGREE


def predicted_modes(test: Dataset, unit: int, example: Dataset, rank: str) -> tuple[np.ndarray, int]:
    """(fix,) number of the mode that each fix of a unit was taken for, -1 in no window; and the true mode.

    Where windows overlap the later one counts.
    """
    bounds = ragged.offsets(test["row_size"])
    modes = np.full(int(test["row_size"][unit]), -1)
    chosen = np.flatnonzero(np.asarray(example["rank"]).astype(str) == rank)
    by_time = {int(example["time"][row]): int(example["prediction"][row]) for row in chosen}
    for end, length in zip(test["row_end"], test["row_length"], strict=True):
        if bounds[unit] <= end < bounds[unit + 1] and int(test["time"][end]) in by_time:
            last = end - bounds[unit] + 1
            modes[last - length : last] = by_time[int(test["time"][end])]
    return modes, int(example["label"][chosen[0]])


def traces(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Three trips, each with its track and its speed."""
    name, example = material.example()
    if example is None or "row_end" not in material.tests[0] or "prediction" not in example:
        with figure(path, height=2) as drawn:
            drawn.text(0.02, 0.5, "No recipe of this scenario has examples of trips.")
        return
    ranks = np.asarray(example["rank"]).astype(str)
    with figure(path, height=7.4) as drawn:
        axes = drawn.subplots(3, 2, width_ratios=(1, 1.5))
        for (track, profile), rank in zip(axes, ("best", "median", "worst"), strict=True):
            own = np.flatnonzero(ranks == rank)
            if not len(own):
                track.set_axis_off()
                profile.set_axis_off()
                continue
            found = find_unit(material.tests, str(example["unit_name"][own[0]]))
            assert found is not None  # examples are of tested units
            test, unit = found[0], int(found[1][0])
            modes, true = predicted_modes(test, unit, example, rank)
            fixes = slice(*ragged.offsets(test["row_size"])[[unit, unit + 1]])
            minutes = (test["time"][fixes] - test["time"][fixes][0]) / 60_000
            if "latitude" in test:
                _track(track, *relative_km(test["latitude"][fixes], test["longitude"][fixes]), modes)
            else:
                track.text(0.5, 0.5, "no positions", ha="center", va="center", transform=track.transAxes)
                track.set_axis_off()
            colours = [_colour(mode) for mode in modes]
            profile.plot(minutes, test["speed"][fixes], color="#bbbbbb", linewidth=0.8, zorder=1)
            profile.scatter(minutes, test["speed"][fixes], c=colours, s=6, zorder=2)
            profile.set_ylabel("speed [km/h]")
            profile.set_title(f"{rank}: truly {CLASSES[true]}", fontsize=9)
        axes[2, 0].set_xlabel("km east of the start")
        axes[2, 1].set_xlabel("minutes from the start")
        marks = [axes[0, 1].plot([], [], "o", color=colour, label=mode)[0] for mode, colour in COLOURS.items()]
        drawn.legend(handles=marks, fontsize=8, loc="outside lower right", ncols=5, title="predicted", title_fontsize=8)
        budget = f"{example.attributes['budget']} labelled target {settings['budget_unit']}"
        title = f"{settings['title']}: {name}, {budget}"
        drawn.suptitle(textwrap.fill(title, 88), x=0.01, ha="left", fontsize=10)


def _colour(mode: int) -> str:
    return COLOURS[CLASSES[mode]] if mode >= 0 else UNCLEAR


def _track(axis: Any, east: np.ndarray, north: np.ndarray, modes: np.ndarray) -> None:
    axis.set_facecolor("#f4f4f4")
    axis.grid(color="white", linewidth=1)
    axis.set_axisbelow(True)
    axis.plot(east, north, color="#bbbbbb", linewidth=0.8, zorder=1)
    axis.scatter(east, north, c=[_colour(mode) for mode in modes], s=5, zorder=2)
    axis.plot([0], [0], marker="s", color="black", markersize=4, zorder=3)
    axis.set_aspect("equal", adjustable="datalim")
    axis.set_ylabel("km north")


FIGURES = {"traces": traces}
