"""What all figures share: size, colours, names and words. Print-ready, colour-blind safe, byte-stable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

Row = Mapping[str, str]

# Okabe and Ito (2008): told apart by readers with every common form of colour blindness, and in grey.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HELPS, HARMS, UNCLEAR = "#0072B2", "#D55E00", "#8C8C8C"
NO_BREAK = "\u00a0"
REFERENCES = ("naive", "source_only", "target_only", "product", "truth")
INTERVALS = {
    "groups": "bootstrap over groups and seeds",
    "blocks": "bootstrap over blocks of time and seeds: valid for these groups alone",
    "none": "no interval: too few groups and blocks",
}
STYLE: Any = {
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


def name_of(row: Row, models: bool = False) -> str:
    """A recipe as figures call it: its name, with variant and rule where it has one; on request with its model."""
    variant = row["variant"].replace(".", ", ").replace("_", " ")
    name = row["recipe"].replace("_", " ") + (f" ({variant})" if variant else "")
    return f"{row['model']}: {name}" if models and row["model"] != "none" else name


def several_models(rows: Sequence[Row]) -> bool:
    """Whether networks of more than one architecture are compared."""
    return len({row["model"] for row in rows} - {"none"}) > 1


def what_is_measured(headline: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """The headline in words, with units."""
    target = settings["targets"].get(headline["target"], {})
    metric = settings["metric_titles"][headline["metric"]]
    name = target.get("long_name", headline["target"])
    units = target.get("units", "1") if settings["metric_units"][headline["metric"]] == "target" else "1"
    return f"{metric} of {name}" + (f" {in_brackets(units)}" if units != "1" else "")


def in_brackets(units: str) -> str:
    """Units in brackets, with spaces at which no line is broken."""
    return f"[{units}]".replace(" ", NO_BREAK)


def footnote(drawn: Figure, row: Row, level: float) -> None:
    """What the numbers stand on, below the figure."""
    note(drawn, row, f"{100 * level:.0f} % intervals: {INTERVALS[row['interval']]}")


def note(drawn: Figure, row: Row, text: str) -> None:
    """How many groups and seeds there are, and a text of the figure's own, below it."""
    text = f"{row['groups']} test groups, {row['seeds']} seeds; {text}"
    drawn.supxlabel(text, fontsize=8, color="#444444", x=0.01, ha="left")


def styles(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each recipe; references first and always alike."""
    return {name: (PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]) for i, name in enumerate(names)}
