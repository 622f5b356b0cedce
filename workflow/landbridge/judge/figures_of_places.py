"""The map of the test groups of scenarios whose units have places."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from landbridge.judge.canvas import figure, what_is_measured
from landbridge.judge.spread import label_places, moved_apart

ADAPTED = ("full_finetune", "simulate_then_finetune", "residual_over_simulator")  # the first that ran is shown


def map_of_groups(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Test groups coloured by their headline score: the adapted network beside training from scratch.

    Without those, the first of the references.
    """
    places: Sequence[Mapping[str, Any]] = material.places()
    shown = [name for name in ADAPTED if name in places[0]][:1]
    shown += [name for name in ("target_only",) if name in places[0]]
    others = [name for name in ("source_only", "naive") if name in places[0]]
    shown = shown or others or [name for name in places[0] if name not in ("group", "class_of", "lat", "lon")][:1]
    values = {name: np.array([float(place[name]) for place in places]) for name in shown}
    lat, lon = (np.array([float(place[name]) for place in places]) for name in ("lat", "lon"))
    together = np.concatenate(list(values.values()))
    finite = together[np.isfinite(together)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    largest = f"largest budget of labelled {settings['budget_axis']}"
    labelled = largest if set(settings["budgets"]) != {"0"} else "no labels of the target"
    colours = ScalarMappable(Normalize(low, high), "cividis")
    with figure(path, height=2.6 * len(shown) + 0.6) as drawn:
        axes = np.atleast_1d(drawn.subplots(len(shown), 1, sharex=True))
        for axis, name in zip(axes, shown, strict=True):
            axis.set_facecolor("#f4f4f4")
            axis.grid(color="white", linewidth=1)
            axis.set_axisbelow(True)
            axis.axhline(0, color="#cccccc", linewidth=0.8)
            axis.set_xlim(max(-180, lon.min() - 15), min(180, lon.max() + 15))
            axis.set_ylim(max(-90, lat.min() - 8), min(90, lat.max() + 8))
            axis.set_ylabel("latitude, °N")
            axis.set_title(f"{name.replace('_', ' ')}, {labelled}", fontsize=9)
        axes[-1].set_xlabel("longitude, °E")
        measured = textwrap.fill(what_is_measured(settings["headline"], settings), 34)
        drawn.colorbar(colours, ax=axes, label=measured, shrink=0.8)
        title = f"{settings['title']}: {len(places)} test groups"
        drawn.suptitle(textwrap.fill(title, 88), x=0.01, ha="left", fontsize=10)
        drawn.draw_without_rendering()  # from here on a point of the map has its place on the page
        drawn.set_layout_engine("none")
        classes = [str(place["class_of"]) for place in places]
        spread, labels = _spread(axes[0], np.stack([lon, lat], axis=1), classes)
        for axis, name in zip(axes, shown, strict=True):
            for start, end in zip(zip(lon, lat, strict=True), spread, strict=True):
                axis.plot(*zip(start, end, strict=True), color="#777777", linewidth=0.5, zorder=1.5, clip_on=False)
            dots = {"c": colours.to_rgba(values[name]), "s": 46, "edgecolor": "black", "lw": 0.5}
            axis.scatter(*spread.T, **dots, zorder=2, clip_on=False)
            for (x, y), text in labels:
                axis.text(x, y, text, fontsize=6.5, va="bottom", zorder=3)


def _spread(axis: Any, places: np.ndarray, classes: Sequence[str]) -> tuple[np.ndarray, list[tuple[Any, str]]]:
    """Where dots and labels stand on a map, so that none hides another.

    Args:
        axis: with its final limits and size; all panels have the same.
        places: (n, 2) longitude and latitude.
        classes: of the dots.

    Returns:
        (n, 2) longitude and latitude of the dots, and of the labels that find room their corner and text.
    """
    scale = 72 / axis.figure.dpi  # points of the page in one pixel
    back = axis.transData.inverted()
    dots, middles = moved_apart(axis.transData.transform(places) * scale)
    box = axis.get_window_extent()
    page = (scale * box.x0, scale * box.y0, scale * box.x1, scale * box.y1)
    corners = label_places(dots, dots - middles, classes, page)
    labels = [
        (back.transform(np.array(corner) / scale), text)
        for corner, text in zip(corners, classes, strict=True)
        if corner is not None
    ]
    return back.transform(dots / scale), labels
