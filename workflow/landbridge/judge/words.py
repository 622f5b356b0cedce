"""What the numbers say in plain words: a sentence for each scenario and budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from landbridge.judge.tables import as_float

# The recipe that sentences speak of: the first that ran. It is fixed beforehand, since the best of many by its test
# score is the best by luck, too.
SPOKEN_OF = {
    "full_finetune": "fine-tuning",
    "simulate_then_finetune": "fine-tuning a network of the simulation",
    "lp_ft": "training the last layer and then fine-tuning",
    "linear_probe": "training the last layer anew",
    "embedding_only": "fitting a vector for each place",
    "residual_over_simulator": "learning what the simulator misses",
    "pooled": "training on source and target together",
}
SHARES = ("classification", "segmentation")  # tasks whose scores are shares, told in points of a hundredth
MINUS = "−"

Row = Mapping[str, Any]


def spoken_of(rows: Sequence[Row]) -> list[Row]:
    """Rows of the recipe that sentences speak of, of its first model and variant, at labelled budgets with a gain."""
    for recipe in SPOKEN_OF:
        own = [row for row in rows if row["recipe"] == recipe and row["budget"] != "0" and row["delta"] != ""]
        if own:
            first = own[0]
            return [row for row in own if all(row[key] == first[key] for key in ("model", "variant"))]
    return []


def sentence(scenario: Mapping[str, Any], row: Row) -> str:
    """What a recipe brings at one budget, for example:

    "With 10 labelled trips, fine-tuning gains 12 points of macro F1 (8 to 16) and saves about 40 labelled trips."
    """
    name = SPOKEN_OF[row["recipe"]]
    begin = f"With {budget_words(scenario, row['budget'])}, "
    direction = direction_of(row)
    if row["status"].startswith("failed"):
        reason = row["status"].partition(": ")[2] or "no reason given"
        name = f"{name} (which failed: {reason}, and is scored as the naive reference)"
    if direction == 0:
        text = f"{begin}it is unclear whether {name} helps: {_change(scenario, row)}"
        if row["verdict"].startswith("harms"):
            text = f"{begin}{name} does worse than the source model left as it is, and so harms: against training "
            text += f"from scratch, {_change(scenario, row)}"
        return f"{text}."
    text = f"{begin}{name} {_moves(scenario, row, direction)}"
    if direction < 0:
        return f"{text} against training from scratch: it harms{_here(row)}."
    if row["verdict"].startswith("harms"):
        return f"{text} against training from scratch, yet does worse than the source model left as it is: it harms."
    if not row["verdict"].startswith("helps"):
        return f"{text} against training from scratch, yet is not surely better than the naive reference: unclear."
    return f"{text}{_labels(scenario, row)}{_here(row)}."


def direction_of(row: Row) -> int:
    """1 where the whole interval of the gain over training from scratch lies above zero, -1 below, else 0."""
    low, high = as_float(row["low"]), as_float(row["high"])
    return int(low > 0) - int(high < 0)


def budget_words(scenario: Mapping[str, Any], budget: str) -> str:
    """A budget with what it counts, such as "10 labelled trips" or "the first 30 labelled days"."""
    noun = scenario["budget_words"]
    if budget == "all":
        return f"all labelled {noun} of the pool"
    if scenario["budget_axis"] != "time":
        return _counted(scenario, budget)
    return "the first labelled day" if budget == "1" else f"the first {_counted(scenario, budget)}"


def metric_words(scenario: Mapping[str, Any]) -> str:
    """The headline's metric, and of what: "macro F1 (votes of units)", "RMSE of gross primary production"."""
    title = str(scenario["metric"]["title"])
    return (
        title
        if scenario["task"] in SHARES
        else f"{title} of {scenario['target_words'].get('long_name') or 'the target'}"
    )


def amount(scenario: Mapping[str, Any], value: float) -> str:
    """A difference without its sign: in points where the metric is a share, else with two significant digits."""
    size = abs(value)
    if not math.isfinite(size):
        return "unknown"
    if in_points(scenario):
        return f"{100 * size:.0f}" if 100 * size >= 0.95 or size == 0 else f"{100 * size:.1f}"
    digits = 1 - math.floor(math.log10(size)) if size > 0 else 0
    return f"{round(size, digits):.{max(digits, 0)}f}"


def in_points(scenario: Mapping[str, Any]) -> bool:
    """Whether differences are told in points, hundredths of a score between 0 and 1."""
    return scenario["task"] in SHARES and scenario["metric"]["better"] == "higher"


def signed(scenario: Mapping[str, Any], value: float) -> str:
    """A difference with its sign."""
    text = amount(scenario, value)
    nothing = not math.isfinite(value) or float(text) == 0
    return text if nothing else f"{'+' if value > 0 else MINUS}{text}"


def units_of(scenario: Mapping[str, Any]) -> str:
    """Unit of a difference: "points", the target's unit, or nothing."""
    if in_points(scenario):
        return "points"
    units = scenario["target_words"].get("units") if scenario["metric"]["units"] == "target" else "1"
    return "" if units in (None, "1") else str(units)


def _moves(scenario: Mapping[str, Any], row: Row, direction: int) -> str:
    """Such as "gains 12 points of macro F1 (8 to 16)" or "lowers the RMSE of methane emission by 3 mg m-2 d-1"."""
    values = [as_float(row[key]) for key in ("delta", "low", "high")]
    units, metric = units_of(scenario), metric_words(scenario)
    first, second = sorted(values[1:], key=abs)
    # Of a sum with several signs the smaller number comes first: "loses 5 points (1 to 9)".
    bounds = f"({amount(scenario, first)} to {amount(scenario, second)})"
    number = " ".join(filter(None, (amount(scenario, values[0]), units)))
    if scenario["metric"]["better"] == "higher":
        return f"{'gains' if direction > 0 else 'loses'} {number} of {metric} {bounds}"
    return f"{'lowers' if direction > 0 else 'raises'} the {metric} by {number} {bounds}"


def _change(scenario: Mapping[str, Any], row: Row) -> str:
    """The change of the metric itself with its interval: "macro F1 changes by +2 points (−3 to +7)"."""
    turned = 1 if scenario["metric"]["better"] == "higher" else -1
    delta, low, high = (turned * as_float(row[key]) for key in ("delta", "low", "high"))
    number = " ".join(filter(None, (signed(scenario, delta), units_of(scenario))))
    text = f"the {metric_words(scenario)} changes by {number}"
    if math.isnan(low):
        return f"{text} (no interval: too few groups)"
    return f"{text} ({signed(scenario, min(low, high))} to {signed(scenario, max(low, high))})"


def _labels(scenario: Mapping[str, Any], row: Row) -> str:
    """How many labels are saved, where some are; bounds beyond the budgets that were tried are words."""
    saved = str(row["saved"])
    if saved.startswith(">"):
        most = saved.removeprefix("> ")
        return f", better than training from scratch with {_counted(scenario, most)}"
    if not saved or saved.startswith("<") or float(saved) < 0.5:
        return ""
    text = f" and saves about {_counted(scenario, f'{float(saved):.0f}')}"
    low, high = as_float(row["saved_low"]), as_float(row["saved_high"])
    if math.isnan(low) or math.isnan(high):
        return text
    bottom = f"{low:.0f}".replace("-", MINUS) if math.isfinite(low) else "less than can be told"
    top = f"{high:.0f}".replace("-", MINUS) if math.isfinite(high) else "more than were tried"
    return f"{text} ({bottom} to {top})"


def _counted(scenario: Mapping[str, Any], number: str) -> str:
    """A number of labels with what they are: "1 labelled tower", "40 labelled trips"."""
    noun = scenario["budget_words"]
    if number != "1":
        return f"{number} labelled {noun}"
    return "1 labelled person" if noun == "people" else f"1 labelled {noun.removesuffix('s')}"


def _here(row: Row) -> str:
    """What a verdict from blocks of time is about."""
    return f", which holds for these {row['groups']} test groups alone" if row["interval"] == "blocks" else ""
