"""The map of gains on the overview: recipes by scenarios and budgets, as HTML tables."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

from landbridge.judge.canvas import HARMS, HELPS, REFERENCES
from landbridge.judge.tables import as_float
from landbridge.judge.words import budget_words, direction_of, metric_words, signed, units_of

WIDEST = 20  # columns of one table, so that it fits a screen of 1280 points and a page across
FULL = 40.0  # hundredths of skill at which a colour is full, alike for gain and harm

Row = Mapping[str, Any]
Column = tuple[str, str, str, str]  # domain, scenario, model and budget


class Reasons:
    """Why cells are empty, each once, with the mark that stands in the cell."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, text: str) -> str:
        """Letters of a reason: a to z, then aa and so on."""
        if text not in self.texts:
            self.texts.append(text)
        number, letters = self.texts.index(text) + 1, ""
        while number:
            number, rest = divmod(number - 1, 26)
            letters = chr(ord("a") + rest) + letters
        return letters


def tables(scenarios: Sequence[Mapping[str, Any]], rows: Sequence[Row]) -> str:
    """HTML of all tables, the reasons listed below; budget 0, where nothing learns from scratch, is left out."""
    about = {(own["domain"], own["scenario"]): own for own in scenarios}
    models: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        if row["model"] != "none":
            models.setdefault((row["domain"], row["scenario"]), {})[row["model"]] = None
    by_place: dict[Column, dict[tuple[str, str], Row]] = {}
    for row in rows:
        if row["budget"] != "0" and row["recipe"] != "truth":
            place = row["domain"], row["scenario"]
            # A learner without a network stands beside every network of its scenario.
            for model in [row["model"]] if row["model"] != "none" else models.get(place, ["none"]):
                by_place.setdefault((*place, model, row["budget"]), {})[row["recipe"], row["variant"]] = row
    if not by_place:
        return "<p>No scenario of this run has a labelled budget with training from scratch to compare with.</p>"
    reasons = Reasons()
    found = [_table(panel, by_place, about, reasons) for panel in _panels(list(by_place))]
    notes = "".join(f"<li><b>{reasons.mark(text)}</b> {html.escape(text)}</li>" for text in reasons.texts)
    return "\n".join(found) + (f'\n<ul class="reasons">{notes}</ul>' if notes else "")


def _panels(columns: Sequence[Column]) -> list[list[Column]]:
    """Columns in tables of at most `WIDEST`, those of one scenario and model together as long as they fit."""
    panels: list[list[Column]] = []
    blocks: dict[tuple[str, str, str], list[Column]] = {}
    for column in columns:
        blocks.setdefault(column[:3], []).append(column)
    for block in blocks.values():
        for first in range(0, len(block), WIDEST):
            part = block[first : first + WIDEST]
            if panels and len(panels[-1]) + len(part) <= WIDEST:
                panels[-1] += part
            else:
                panels.append(list(part))
    return panels


def _table(
    panel: Sequence[Column],
    by_place: Mapping[Column, Mapping[tuple[str, str], Row]],
    about: Mapping[tuple[str, str], Mapping[str, Any]],
    reasons: Reasons,
) -> str:
    names = dict.fromkeys(name for column in panel for name in by_place[column])
    ordered = sorted(names, key=lambda name: name[0] not in REFERENCES)
    lines = ['<table class="gains">', "<thead>", _heads(panel, about), "</thead>", "<tbody>"]
    for recipe, variant in ordered:
        name = html.escape(recipe.replace("_", " ") + (f" ({variant})" if variant else ""))
        line = [f'<th scope="row">{name}</th>']
        before: Column | None = None
        for column in panel:
            own = about[column[:2]]
            edge = "" if before is not None and before[:3] == column[:3] else " edge"
            line.append(_cell(by_place[column].get((recipe, variant)), own, recipe, column, reasons, edge))
            before = column
        lines.append(f"<tr>{''.join(line)}</tr>")
    return "\n".join([*lines, "</tbody>", "</table>"])


def _heads(panel: Sequence[Column], about: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    """Three lines of heads: domains, scenarios (with their model where they have several), budgets."""
    of_scenario: dict[tuple[str, str], set[str]] = {}
    for column in panel:
        of_scenario.setdefault(column[:2], set()).add(column[2])
    lines = [["<td></td>"], ["<td></td>"], ['<th scope="col" class="corner">recipe</th>']]
    for level in (1, 3):
        starts = [
            place for place, column in enumerate(panel) if not place or panel[place - 1][:level] != column[:level]
        ]
        for start, end in zip(starts, [*starts[1:], len(panel)], strict=True):
            own = about[panel[start][:2]]
            if level == 1:
                text = html.escape(own["domain_title"])
            else:
                several = len(of_scenario[panel[start][:2]]) > 1
                text = f"{html.escape(own['title'])}" + (f"<br>{html.escape(panel[start][2])}" if several else "")
                text += f'<br><span class="axis">labelled {html.escape(own["budget_words"])}:</span>'
            lines[0 if level == 1 else 1].append(
                f'<th scope="colgroup" colspan="{end - start}" class="edge">{text}</th>'
            )
    for place, column in enumerate(panel):
        edge = ' class="edge"' if not place or panel[place - 1][:3] != column[:3] else ""
        lines[2].append(f'<th scope="col"{edge}>{html.escape(column[3])}</th>')
    return "\n".join(f"<tr>{''.join(line)}</tr>" for line in lines)


def _cell(
    row: Row | None, scenario: Mapping[str, Any], recipe: str, column: Column, reasons: Reasons, edge: str
) -> str:
    where = f"{scenario['title']}, {recipe}, {budget_words(scenario, column[3])}"
    if row is None:
        return _empty(where, "not among the recipes of this scenario", "·", reasons, edge)
    if row["delta"] == "":
        status = str(row["status"])
        why = status.partition("not_applicable: ")[2] or status
        return _empty(where, f"not applicable: {why}", "n/a", reasons, edge)
    gain = 100 * float(row["skill_gain"]) if row["skill_gain"] not in ("", None) else math.nan
    title = f"{where}: gain of {spoken(scenario, row)}; {str(row['verdict']).replace('_', ' ')}"
    failed = str(row["status"]).startswith("failed")
    text = f"{round(gain):+d}".replace("-", "−") if math.isfinite(gain) else signed(scenario, float(row["delta"]))
    note = ""
    if failed:
        note = reasons.mark(f"{row['status']}; scored as the naive reference")
    elif not math.isfinite(gain):
        note = reasons.mark("no naive reference to measure skill by: the gain stands in the unit of the metric")
    if failed:
        title += f"; {row['status']}"
    marks = f'<span class="mark">{mark_of(row)}</span>' + ("✕" if failed else "")
    sup = f"<sup>{note}</sup>" if note else ""
    style = f"background:{colour(gain)};color:{ink(colour(gain))}"
    return f'<td class="gain{edge}" style="{style}" title="{html.escape(title)}">{text}{marks}{sup}</td>'


def _empty(where: str, why: str, text: str, reasons: Reasons, edge: str) -> str:
    title = html.escape(f"{where}: {why}")
    return f'<td class="none{edge}" title="{title}">{text}<sup>{reasons.mark(why)}</sup></td>'


def spoken(scenario: Mapping[str, Any], row: Row) -> str:
    """A gain with its interval and unit, for those who rest on a cell."""
    delta, low, high = (as_float(row[key]) for key in ("delta", "low", "high"))
    bounds = f" ({signed(scenario, low)} to {signed(scenario, high)})" if math.isfinite(low) else " (no interval)"
    number = " ".join(filter(None, (signed(scenario, delta), units_of(scenario))))
    return f"{number}{bounds} in {metric_words(scenario)}"


def mark_of(row: Row) -> str:
    """▲ helps, ▼ harms, hollow ones where a reference other than training from scratch decides; else nothing."""
    direction, verdict = direction_of(row), str(row["verdict"])
    if direction > 0:
        return "▲" if verdict.startswith("helps") else "△"
    if direction < 0:
        return "▼"
    return "▽" if verdict.startswith("harms") else ""


def colour(gain: float) -> str:
    """Blue for gain, orange for harm, white between, with the same reach on both sides; grey where unknown."""
    if not math.isfinite(gain):
        return "#eeeeee"
    share = min(abs(gain) / FULL, 1.0)
    end = HELPS if gain > 0 else HARMS
    mixed = [round(255 + share * (int(end[place : place + 2], 16) - 255)) for place in (1, 3, 5)]
    return "#" + "".join(f"{value:02x}" for value in mixed)


def ink(background: str) -> str:
    """Black or white, whichever stands out more from a colour (WCAG 2.2, relative luminance)."""
    shares = [int(background[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"
