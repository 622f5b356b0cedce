"""What the test itself would have chosen, as dotted lines: bounds to read a learning curve by, never results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from landbridge.judge.canvas import Row, headline_rows
from landbridge.judge.tables import as_float

RULE = "oracle"


def oracle_rows(material: Any, settings: Mapping[str, Any]) -> list[Row]:
    """Headline rows with a score whose trial the test chose; none where no such recipe was asked for."""
    if "trials" not in settings:
        return []
    rows = headline_rows(material.large, settings["headline"])
    return [row for row in rows if row["selection"] == RULE and row["value"]]


def dotted(axis: Axes, rows: Sequence[Row], places: np.ndarray, colour: str, label: str) -> None:
    """A dotted line without bars in the colour of its recipe; a dot where there is one place alone.

    Args:
        axis: of the panel.
        rows: of one recipe, from `oracle_rows`.
        places: (row,) along the axis.
        colour: of the recipe.
        label: in the legend.
    """
    values = [as_float(row["value"]) for row in rows]
    marker = "." if len(rows) == 1 else ""
    axis.plot(places, values, color=colour, linestyle=":", linewidth=1.8, marker=marker, label=label)


def label_of(trials: int) -> str:
    """What a legend says of such a line."""
    return f"oracle: best of {trials} trials by the test"
