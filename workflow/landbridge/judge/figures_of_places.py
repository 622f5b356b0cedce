"""The map of the test groups of scenarios whose units have places."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.judge.canvas import figure, what_is_measured

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
    with figure(path, height=2.6 * len(shown) + 0.6) as drawn:
        axes = np.atleast_1d(drawn.subplots(len(shown), 1, sharex=True))
        for axis, name in zip(axes, shown, strict=True):
            axis.set_facecolor("#f4f4f4")
            axis.grid(color="white", linewidth=1)
            axis.set_axisbelow(True)
            axis.axhline(0, color="#cccccc", linewidth=0.8)
            dots = axis.scatter(
                lon, lat, c=values[name], cmap="cividis", vmin=low, vmax=high, s=46, edgecolor="black", lw=0.5
            )
            for place in places:
                axis.annotate(
                    str(place["class_of"]),
                    (place["lon"], place["lat"]),
                    xytext=(5, 3),
                    textcoords="offset points",
                    fontsize=6.5,
                )
            axis.set_xlim(max(-180, lon.min() - 15), min(180, lon.max() + 15))
            axis.set_ylim(max(-90, lat.min() - 8), min(90, lat.max() + 8))
            axis.set_ylabel("latitude, °N")
            axis.set_title(f"{name.replace('_', ' ')}, {labelled}", fontsize=9)
        axes[-1].set_xlabel("longitude, °E")
        measured = textwrap.fill(what_is_measured(settings["headline"], settings), 34)
        drawn.colorbar(dots, ax=axes, label=measured, shrink=0.8)
        title = f"{settings['title']}: {len(places)} test groups"
        drawn.suptitle(textwrap.fill(title, 88), x=0.01, ha="left", fontsize=10)
