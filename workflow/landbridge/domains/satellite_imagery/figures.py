"""Figures of satellite imagery alone: images, what burned there, and what was predicted before and after transfer."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import IGNORE, PROBABILITY_SCALE, Dataset
from landbridge.judge.canvas import figure
from landbridge.judge.figures_of_units import find_unit
from landbridge.judge.scores import by_group

CAPTIONS = {
    "panels": (
        "An image of the best, the median and the worst test event of {scenario} by the score of the adapted network: "
        "the image in false colours (burned ground is dark red or brown, vegetation green), what burned, and the "
        "probability of having burned before and after transfer, at the largest budget and the first seed. The bar "
        "tells its length; what is grey was not seen. Of each event the image that burned most is shown; whole scenes "
        "are GeoTIFF files in results/satellite_imagery/maps/{scenario}, for the recipes that ``maps:`` names. "
        "Examples carry no interval; the leaderboard gives the {level} % interval of the score (bootstrap over test "
        "groups and seeds). Links to the files work while the report lies in their results folder. {maps}"
    )
}
COLOURS = ("swir2", "nir", "red")  # as red, green and blue; without a red band the short-wave band next to it
INSTEAD = {"red": "swir1"}
BEFORE, AFTER = "source_only", ("full_finetune", "linear_probe", "adabn")
GREY = 0.75


def panels(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Three events: image, truth, probabilities before and after transfer."""
    runs = [(run.recipe, run.model) for name in AFTER for run in material.scores.runs if run.recipe == name]
    after, model = runs[0] if runs else ("", "")
    examples = {name: material.examples_of(name, model) for name in (BEFORE, after)}
    shown = {name: dataset for name, dataset in examples.items() if dataset is not None}
    if settings["task"] != "segmentation" or after not in shown:
        with figure(path, height=2) as drawn:
            drawn.text(0.02, 0.5, "Panels show pixels, and no adapted network of this scenario predicts those.")
        return
    events = _ranked(material, after, model, settings)
    titles = {BEFORE: "before transfer", after: f"after: {after.replace('_', ' ')}"}
    with figure(path, height=0.8 + 1.7 * len(events)) as drawn:
        axes = np.atleast_2d(drawn.subplots(len(events), 2 + len(shown)))
        for line, (rank, event, score) in zip(axes, events, strict=True):
            row = int(np.flatnonzero(np.asarray(shown[after]["group"]).astype(str) == event)[0])
            found = find_unit(material.tests, str(shown[after]["unit_name"][row]))
            assert found is not None  # examples are of tested units
            image, pixel_m = _image(found[0], int(found[1][0]))
            line[0].imshow(image, interpolation="nearest")
            _bar(line[0], image.shape, pixel_m)
            label = np.asarray(shown[after]["label"])[row]
            line[1].imshow(_masked(label, label), cmap="inferno", vmin=0, vmax=1, interpolation="nearest")
            for axis, dataset in zip(line[2:], shown.values(), strict=True):
                probability = np.asarray(dataset["prediction"])[row] / PROBABILITY_SCALE
                drawn_image = axis.imshow(
                    _masked(probability, label), cmap="inferno", vmin=0, vmax=1, interpolation="nearest"
                )
            line[0].set_ylabel(f"{rank}: {event}\n{score:.2f}", fontsize=8)
            for axis in line:
                axis.set_xticks([])
                axis.set_yticks([])
                axis.set_facecolor(str(GREY))
        axes[0, 0].set_title("image", fontsize=9)
        axes[0, 1].set_title("burned", fontsize=9)
        for axis, name in zip(axes[0, 2:], shown, strict=True):
            axis.set_title(titles[name], fontsize=9)
        drawn.colorbar(drawn_image, ax=axes[:, 2:], label="probability", shrink=0.6)
        metric = settings["metric_titles"][settings["headline"]["metric"]]
        title = f"{settings['title']}: the best, the median and the worst event by {metric}"
        drawn.suptitle(textwrap.fill(title, 88), x=0.01, ha="left", fontsize=10)


def _ranked(material: Any, recipe: str, model: str, settings: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """Rank, name and score of the best, the median and the worst event that has one."""
    run = next(run for run in material.scores.runs if (run.recipe, run.model) == (recipe, model))
    number = max(number for number, status in enumerate(run.status) if status == "ok")
    first = by_group(run, material.scores, material.metric, number, settings["headline"]["target"])[0]
    known = np.flatnonzero(np.isfinite(first))
    gains = material.metric.gain(first[known], np.zeros(len(known)))
    order = known[np.argsort(-gains, kind="stable")]
    places = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]} if len(order) else {}
    chosen: dict[int, str] = {}
    for rank, place in places.items():
        chosen.setdefault(int(place), rank)
    return [(rank, material.scores.groups[place], float(first[place])) for place, rank in chosen.items()]


def _image(test: Dataset, chip: int) -> tuple[np.ndarray, float]:
    """(y, x, 3) false colours, each stretched between its 2nd and 98th percentile, and the side of a pixel in m."""
    bands = [str(name) for name in test["band_name"]]
    own = [name if name in bands else INSTEAD.get(name, name) for name in COLOURS]
    layers = np.asarray(test["reflectance"])[chip][[bands.index(name) for name in own]]
    seen = np.isfinite(layers).all(axis=0) & (np.asarray(test["valid"])[chip] > 0)
    low, high = (np.nanquantile(layers, share, axis=(1, 2), keepdims=True) for share in (0.02, 0.98))
    stretched = np.clip((layers - low) / np.maximum(high - low, 1e-6), 0, 1)
    return np.moveaxis(np.where(seen, stretched, GREY), 0, -1), float(test["pixel_m"][chip])


def _masked(values: np.ndarray, label: np.ndarray) -> np.ndarray:
    return np.where(label == IGNORE, np.nan, values)


def _bar(axis: Any, shape: tuple[int, ...], pixel_m: float) -> None:
    """A white bar that is a kilometre long, or a hundred metres where the image is smaller."""
    metres = 1000 if shape[1] * pixel_m > 1500 else 100
    length = metres / pixel_m
    x, y = 0.06 * shape[1], 0.92 * shape[0]
    for colour, width in (("black", 5), ("white", 3)):
        axis.plot([x, x + length], [y, y], color=colour, linewidth=width, solid_capstyle="butt")
    box = {"facecolor": "black", "alpha": 0.6, "pad": 1, "linewidth": 0}
    axis.text(x, y - 0.06 * shape[0], f"{metres:g} m", color="white", fontsize=7, va="bottom", bbox=box)


FIGURES = {"panels": panels}
