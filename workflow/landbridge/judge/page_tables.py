"""Tables of the overview: negative transfer by recipe, skill and ranks over domains."""

from __future__ import annotations

import html
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.judge.canvas import name_of
from landbridge.judge.figures_of_ranks import draw_ranks
from landbridge.judge.negative import FEWEST_GROUPS
from landbridge.judge.significance import why_no_diagram
from landbridge.judge.skill import Key
from landbridge.judge.words import MINUS, amount, budget_words, in_points, metric_words, units_of


def count(number: int, noun: str) -> str:
    """A number with its noun, such as "1 seed" or "3 seeds"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def harm_section(
    harm: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str],
    scenarios: Sequence[Mapping[str, Any]],
    level: str,
) -> list[str]:
    """The table of negative transfer."""
    if not harm:
        return ["<p>No recipe that transfers has a pair of a scenario and a labelled budget to be tested on.</p>"]
    about = {(own["domain"], own["scenario"]): own for own in scenarios}
    lines = [
        '<table class="plain"><thead><tr><th class="corner">recipe</th><th>targets</th><th>pairs</th><th>flagged</th>'
        f"<th>rate ({level} interval)</th><th>below zero</th>"
        '<th class="corner">worst case</th><th class="corner">where</th></tr></thead><tbody>'
    ]
    for row in harm:
        own = about[row["worst_domain"], row["worst_scenario"]]
        interval = f" ({_percent(row['low'])} to {_percent(row['high'])})" if math.isfinite(row["low"]) else ""
        rate = f"{_percent(row['rate'])}{interval}" if row["tested"] else "no pair has an interval"
        tested = f"{row['flagged']} of {row['tested']}"
        word = "gain" if row["worst_delta"] > 0 else "loss"
        number = f"{word} of {amount(own, row['worst_delta'])} {units_of(own)}".strip()
        number += " of" if in_points(own) else " in"
        skill = (
            f" ({100 * row['worst_skill']:+.0f} of skill)".replace("-", MINUS)
            if math.isfinite(row["worst_skill"])
            else ""
        )
        where = f"{titles[row['worst_domain']]}, {row['worst_scenario']}, "
        where += budget_words(own, row["worst_budget"])
        lines.append(
            f'<tr><th scope="row">{html.escape(_name(row))}</th><td>{row["targets"]}</td><td>{row["pairs"]}</td>'
            f"<td>{tested}</td><td>{rate}</td><td>{_percent(row['share_below_zero'])}</td>"
            f'<td class="text">{html.escape(f"{number} {metric_words(own)}{skill}")}</td>'
            f'<td class="text">{html.escape(where)}</td></tr>'
        )
    lines.append("</tbody></table>")
    targets = max(row["targets"] for row in harm)
    without = (
        f" Here there are at most {count(targets, 'target population')}, so rates have no interval."
        if targets < FEWEST_GROUPS
        else ""
    )
    return [
        "<p>A pair is a scenario, with its model, at a labelled budget. It is flagged if the whole interval of the "
        "gain over training from scratch lies below zero. The share below zero asks for no interval. The worst case is "
        "the lowest gain, whether flagged or not, by its skill. The interval of a rate draws target populations, since "
        f"pairs that share one are not independent, and takes at least {FEWEST_GROUPS} of them.{without}</p>",
        "\n".join(lines),
    ]


def ranks_section(
    ranked: Sequence[Mapping[str, Any]], titles: Mapping[str, str], by_domain: Mapping[str, Mapping[Key, float]]
) -> list[str]:
    """The table of skill and ranks, and a critical-difference diagram or why there is none."""
    if not ranked:
        return ["<p>No recipe has a skill, which takes a naive reference beside it.</p>"]
    domains = [domain for domain in titles if domain in by_domain]
    heads = "".join(f"<th>{html.escape(titles[domain])}</th>" for domain in domains)
    lines = [
        f'<table class="plain"><thead><tr><th class="corner">recipe</th>{heads}<th>median</th><th>mean</th>'
        "<th>mean rank</th><th>domains</th></tr></thead><tbody>"
    ]
    for row in ranked:
        cells = "".join(f"<td>{_hundredths(row[domain])}</td>" for domain in domains)
        rank = f"{row['mean_rank']:.2f}" if math.isfinite(row["mean_rank"]) else "–"
        lines.append(
            f'<tr><th scope="row">{html.escape(_name(row))}</th>{cells}<td>{_hundredths(row["median_skill"])}</td>'
            f"<td>{_hundredths(row['mean_skill'])}</td><td>{rank}</td><td>{row['domains']}</td></tr>"
        )
    lines.append("</tbody></table>")
    everywhere = [row for row in ranked if math.isfinite(row["mean_rank"])]
    return [
        "<p>Skill in hundredths, means over labelled budgets, by domain, then over domains: 0 is the naive reference, "
        "100 perfect. A dash: the recipe has no score at some budget, or does not run in that domain; only recipes "
        "with a skill in every domain are ranked, among themselves. "
        f"<b>Ranking across {count(len(domains), 'domain')} is descriptive:</b> domains are the independent "
        "tasks, and so few of them carry no test and no interval. What holds in your domain stands in the tables of "
        "that domain.</p>",
        "\n".join(lines),
        _diagram(everywhere, domains),
        "<p>Within a scenario the independent tasks are its test groups: its figure <code>critical_difference</code> "
        "ranks the recipes over them where there are enough.</p>",
    ]


def _diagram(ranked: Sequence[Mapping[str, Any]], domains: Sequence[str]) -> str:
    """Critical-difference diagram over domains as inline SVG, or the sentence in its place."""
    refused = why_no_diagram(len(domains), len(ranked), "domain" if len(domains) == 1 else "domains")
    if refused:
        return f"<p>{refused}</p>"
    values = np.array([[row[domain] for row in ranked] for domain in domains])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ranks.svg"
        draw_ranks(path, [_name(row) for row in ranked], values, "Mean ranks over domains", "domains", "skill")
        svg = path.read_text()
    return f"<figure>{svg[svg.index('<svg') :]}</figure>"


def _name(row: Mapping[str, Any]) -> str:
    return name_of({"model": "none", "recipe": row["recipe"], "variant": row["variant"]})


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _hundredths(value: float) -> str:
    return f"{100 * value:.0f}".replace("-", MINUS) if math.isfinite(value) else "–"
