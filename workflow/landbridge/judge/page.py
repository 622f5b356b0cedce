"""The overview: one page that says in words, in a map and in tables whether transfer helps, without any script."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from landbridge.judge import heatmap
from landbridge.judge.page_tables import count, harm_section, ranks_section
from landbridge.judge.skill import Key
from landbridge.judge.words import SPOKEN_OF, metric_words, sentence, spoken_of, units_of

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 "DejaVu Sans", Verdana, Arial, sans-serif; color: #111; background: #fff; max-width: 1240px;
  margin: 0 auto; padding: 16px 20px 40px; }
h1 { font-size: 24px; margin: 8px 0; } h2 { font-size: 19px; margin: 30px 0 6px; border-top: 1px solid #bbb;
  padding-top: 14px; } h3 { font-size: 15px; margin: 14px 0 2px; }
p { max-width: 900px; margin: 6px 0; } .small, .reasons, .axis { font-size: 12px; color: #444; }
.says { font-size: 16px; border-left: 5px solid #8c8c8c; padding: 2px 0 2px 10px; margin: 4px 0; }
.says.helps { border-color: #0072B2; } .says.harms { border-color: #D55E00; }
.more { margin: 2px 0 2px 15px; font-size: 13px; }
table { border-collapse: collapse; margin: 10px 0; font-size: 12.5px; font-variant-numeric: tabular-nums; }
th { font-weight: 600; text-align: center; padding: 2px 5px; vertical-align: bottom; }
th[scope=row] { text-align: left; white-space: nowrap; font-weight: 400; padding-right: 10px; }
th.corner { text-align: left; } td { padding: 2px 5px; text-align: right; vertical-align: middle; }
tbody th { vertical-align: middle; } table.plain td { white-space: nowrap; }
table.gains td.gain, table.gains td.none { border: 1px solid #ddd; text-align: center; min-width: 42px; height: 20px;
  white-space: nowrap; }
table.gains .edge { border-left: 2px solid #555 !important; }
td.none { color: #555; background: repeating-linear-gradient(135deg, #fff 0 4px, #eee 4px 6px); }
.mark { margin-left: 2px; } sup { font-size: 9px; line-height: 0; }
table.plain td, table.plain th { border-bottom: 1px solid #ccc; } table.plain td.text { text-align: left;
  white-space: normal; }
.reasons { list-style: none; padding: 0; columns: 2; } .reasons li { break-inside: avoid; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 26px; align-items: center; font-size: 12.5px; }
@page { size: A4 landscape; margin: 12mm; }
@media print { body { font-size: 10.5px; padding: 0; max-width: none; } table { font-size: 9px; }
  .says { font-size: 11.5px; } .more, .small, .reasons, .axis, .legend { font-size: 9px; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  tr, .answer, .legend, figure { break-inside: avoid; } thead { display: table-header-group; }
  h2, h3 { break-after: avoid; } h2.map { break-before: page; }
  table.gains td.gain, table.gains td.none { min-width: 30px; height: 13px; } }
"""


def overview(
    scenarios: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    leaky: Sequence[Mapping[str, Any]],
    harm: Sequence[Mapping[str, Any]],
    ranked: Sequence[Mapping[str, Any]],
    by_domain: Mapping[str, Mapping[Key, float]],
    settings: Mapping[str, Any],
) -> str:
    """The whole page as HTML.

    Args:
        scenarios: of the run, with what their metric is called.
        rows: of the summary.
        leaky: scenarios that are left out, since leaks are known of them.
        harm: of the table of negative transfer.
        ranked: of the table of ranks.
        by_domain: skill of each recipe in each domain.
        settings: `tier` and `bootstrap`.
    """
    level = f"{100 * settings['bootstrap']['level']:g} %"
    titles = {str(own["domain"]): str(own["domain_title"]) for own in scenarios}
    parts = [
        "<h1>Does transfer learning help?</h1>",
        f"<p>{_about(settings['tier'], len(scenarios), len(titles))}</p>",
        "<h2>In words</h2>",
        f"<p>Each sentence sets one recipe against training from scratch on the same labels. Brackets hold the {level} "
        "interval (bootstrap over independent test groups and seeds). The recipe is fixed beforehand, the first of "
        f"{_listed(SPOKEN_OF)} that ran: the best of many by its test score would be the best by luck, too.</p>",
        *_sentences(scenarios, rows, titles),
        *([_left_out(leaky)] if leaky else []),
        '<h2 class="map">Every recipe</h2>',
        _legend(level),
        heatmap.tables(scenarios, rows),
        "<h2>Negative transfer</h2>",
        *harm_section(harm, titles, scenarios, level),
        "<h2>Ranks over domains</h2>",
        *ranks_section(ranked, titles, by_domain),
    ]
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Does transfer learning help? ({settings['tier']})</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _about(tier: str, scenarios: int, domains: int) -> str:
    data = "synthetic twins, whose truth is known" if tier == "twin" else "published data"
    return (
        f"{count(scenarios, 'scenario')} in {count(domains, 'domain')}, on {data}. Harm is told as plainly as help. "
        "The tables of each scenario, <code>results/DOMAIN/compare/SCENARIO/</code>, have every number that is here."
    )


def _left_out(leaky: Sequence[Mapping[str, Any]]) -> str:
    """Which scenarios the page says nothing of."""
    names = ", ".join(f"<code>{scenario['domain']}/{scenario['scenario']}</code>" for scenario in leaky)
    return (
        f'<p class="small">Left out here and from all rates and ranks, since leaks are known of them: {names}. What '
        "leaks bring is shown where such a scenario stands beside an honest one: "
        "<code>results/DOMAIN/contrast/</code>.</p>"
    )


def _listed(names: Mapping[str, str]) -> str:
    return ", ".join(f"<code>{name}</code>" for name in names)


def _sentences(
    scenarios: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str]
) -> list[str]:
    """For each domain a heading, for each scenario a sentence at the smallest labelled budget, and the others below."""
    parts = []
    for domain, title in titles.items():
        parts.append(f'<div class="answer"><h3>{html.escape(title)}</h3>')
        for scenario in (own for own in scenarios if own["domain"] == domain):
            own = [row for row in rows if (row["domain"], row["scenario"]) == (domain, scenario["scenario"])]
            told = spoken_of(own)
            parts.append(f'<p class="small">{html.escape(scenario["title"])}: {_measured(scenario, told)}</p>')
            if not told:
                parts.append(f'<p class="says">{_why_silent(own)}</p>')
            for number, row in enumerate(told):
                verdict = str(row["verdict"]).partition("_")[0]
                look = f"says {verdict}" if number == 0 else "more"
                parts.append(f'<p class="{look}">{html.escape(sentence(scenario, row))}</p>')
        parts.append("</div>")
    return parts


def _measured(scenario: Mapping[str, Any], told: Sequence[Mapping[str, Any]]) -> str:
    """Which number the sentences are about, and what it stands on."""
    statistic = {"pooled": "all test groups pooled"}.get(
        scenario["headline"]["statistic"], f"{scenario['headline']['statistic'].replace('_', ' ')} over test groups"
    )
    units = units_of(scenario)
    text = f"{metric_words(scenario)}{f' [{units}]' if units else ''}, {statistic}"
    if told:
        groups, seeds = int(told[0]["groups"]), int(told[0]["seeds"])
        text += f"; {count(groups, 'test group')}, {count(seeds, 'seed')}; {told[0]['recipe']}"
        text += f" of {told[0]['model']}" if told[0]["model"] != "none" else ""
    return html.escape(text)


def _why_silent(rows: Sequence[Mapping[str, Any]]) -> str:
    """Why there is no sentence on a scenario."""
    if not rows:
        return "Nothing is trained from scratch here, so nothing can be said of what transfer brings; see its tables."
    if all(row["budget"] == "0" for row in rows):
        return "No labelled budget, so there is nothing to train from scratch on; see its tables."
    return "None of the recipes that sentences speak of ran here; see the map below."


def _legend(level: str) -> str:
    """What colours, numbers and marks of the map mean."""
    full = heatmap.FULL
    steps = [-full + 2 * full * place / 16 for place in range(17)]
    boxes = "".join(
        f'<rect x="{14 * place}" y="0" width="14" height="14" fill="{heatmap.colour(gain)}"/>'
        for place, gain in enumerate(steps)
    )
    ticks = "".join(
        f'<text x="{x}" y="27" font-size="11" text-anchor="{anchor}">{text}</text>'
        for x, anchor, text in ((0, "start", f"−{full:g} harm"), (119, "middle", "0"), (238, "end", f"help +{full:g}"))
    )
    return (
        "<p>Numbers are the gain of a recipe over training from scratch on the same labels, in hundredths of skill: 0 "
        "is the naive reference and 100 a perfect prediction. Rest on a cell to read the gain in the metric's own unit "
        "with its interval. Labels are what the budget counts; at no labels there is nothing to train from scratch "
        "on.</p>"
        '<div class="legend"><svg width="238" height="30" role="img" aria-label="Colours from harm to help" '
        f'xmlns="http://www.w3.org/2000/svg">{boxes}<rect x="0" y="0" width="238" height="14" fill="none" '
        f'stroke="#888"/>{ticks}</svg>'
        f"<span>▲ helps: the whole {level} interval lies above zero</span>"
        "<span>▼ harms: it lies below zero</span>"
        "<span>△ above zero, yet worse than the source model or not surely better than naive</span>"
        "<span>▽ unclear against scratch, surely worse than the source model</span>"
        "<span>no mark: unclear</span><span>✕ a fit failed</span><span>n/a, ·: see the letters</span></div>"
    )
