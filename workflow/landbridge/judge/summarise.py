"""Set all scenarios beside each other: the stage `summarise`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from landbridge.judge import negative, skill, tables
from landbridge.judge.alarms import SHUFFLED
from landbridge.judge.canvas import headline_rows
from landbridge.judge.effects import helps_at
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.page import overview
from landbridge.judge.tables import as_float
from landbridge.stage import Job

COLUMNS = (
    *("domain", "scenario", "title", "model", "recipe", "variant", "budget", "budget_unit", "target", "metric"),
    *("statistic", "value", "delta", "low", "high", "relative_gain", "skill_gain", "interval", "groups", "seeds"),
    *("verdict", "n_equivalent", "saved", "saved_low", "saved_high", "status", "leakage"),
)
OF_RUN = ("model", "recipe", "variant", "budget")


def run(job: Job) -> None:
    """Inputs: `effects`, `leaderboards`, `labels` by scenario. Outputs: `summary`, `negative`, `ranks`, `overview`.

    Scenarios that leaks are known of, such as those that show what a leak brings, stand in the summary alone, and so
    does the alarm of shuffled labels, which is no method.
    """
    bootstrap = job.settings["bootstrap"]
    scenarios = [with_metric(scenario) for scenario in job.settings["scenarios"]]
    rows: list[dict[str, Any]] = []
    skills: list[dict[str, Any]] = []
    leaky: list[dict[str, Any]] = []
    files = zip(*(job.input_list(name) for name in ("effects", "leaderboards", "labels")), strict=True)
    for scenario, paths in zip(scenarios, files, strict=True):
        effects, leaderboard, labels = (tables.read(path) for path in paths)
        rows += scenario_rows(scenario, effects, leaderboard, labels)
        if all(row["leakage"] for row in leaderboard if row["value"]):
            leaky.append(scenario)
        else:
            skills += skill_rows(scenario, leaderboard)
    honest = [scenario for scenario in scenarios if scenario not in leaky]
    counted = [row for row in rows if row["recipe"] != SHUFFLED and any(_is_of(row, own) for own in honest)]
    skills = [row for row in skills if row["recipe"] != SHUFFLED]
    harm = negative.recipe_rows(list(_pairs(honest, counted)), bootstrap["replicates"], bootstrap["level"])
    by_domain = skill.by_domain(skills)
    ranked = skill.rank_rows(by_domain)
    tables.write(job.outputs["summary"], COLUMNS, rows)
    tables.write(job.outputs["negative"], negative.COLUMNS, harm)
    tables.write(job.outputs["ranks"], skill.columns(list(by_domain)), ranked)
    job.outputs["overview"].write_text(overview(honest, counted, leaky, harm, ranked, by_domain, job.settings))


def with_metric(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """A scenario with what its headline's metric is called, measured in, and which way is better."""
    metric = find_metric(scenario["task"], scenario["headline"]["metric"], scenario["classes"])
    about = {"title": metric.title, "units": metric.units, "better": metric.better}
    return {**scenario, "metric": about}


def scenario_rows(
    scenario: Mapping[str, Any],
    effects: Sequence[Mapping[str, str]],
    leaderboard: Sequence[Mapping[str, str]],
    labels: Sequence[Mapping[str, str]],
) -> list[dict[str, Any]]:
    """The headline of every recipe and budget, against training from scratch; then recipes that can't run here."""
    headline = scenario["headline"]
    against = [row for row in headline_rows(effects, headline) if row["reference"] == "target_only"]
    values = {_key(row): row for row in headline_rows(leaderboard, headline)}
    saved = {_key(row): row for row in headline_rows(labels, headline)}
    naive = _naive(headline_rows(leaderboard, headline))
    rows = []
    for row in against:
        key = _key(row)
        scratch = _scratch(values, row["model"], row["budget"])
        reference = as_float(scratch["value"]) if scratch else float("nan")
        delta = as_float(row["delta"])
        decided = not row["status"].startswith("not_applicable") and row["delta"]
        own = [item for item in effects if item["model"] == row["model"] and item["variant"] == row["variant"]]
        labelled = saved.get(key, {})
        rows.append(
            {
                **{name: scenario[name] for name in ("domain", "scenario", "title")},
                **{name: row[name] for name in (*OF_RUN, "budget_unit")},
                **{name: row[name] for name in ("target", "metric", "statistic", "delta", "low", "high")},
                **{name: row[name] for name in ("interval", "groups", "seeds", "status", "leakage")},
                "value": values[key]["value"],
                "relative_gain": delta / abs(reference) if reference and row["delta"] else "",
                "skill_gain": delta / skill.scale(naive.get(row["budget"], float("nan")), scenario["metric"]["better"]),
                "verdict": helps_at(own, row["recipe"], row["budget"], headline) if decided else "not_applicable",
                "n_equivalent": labelled.get("n_equivalent", ""),
                "saved": labelled.get("saved") or labelled.get("censored", ""),
                "saved_low": labelled.get("low", ""),
                "saved_high": labelled.get("high", ""),
            }
        )
    known = {(row["recipe"], row["variant"]) for row in against} | {("target_only", "")}
    rows += [
        {
            **dict.fromkeys(COLUMNS, ""),
            **{name: scenario[name] for name in ("domain", "scenario", "title")},
            **{name: row[name] for name in (*OF_RUN, "budget_unit", "target", "metric", "statistic")},
            **{name: row[name] for name in ("interval", "groups", "seeds", "status", "leakage")},
            "verdict": "not_applicable",
        }
        for row in headline_rows(leaderboard, headline)
        if (row["recipe"], row["variant"]) not in known and row["status"].startswith("not_applicable")
    ]
    return rows


def skill_rows(scenario: Mapping[str, Any], leaderboard: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Skill of the headline of every run and budget; None where it has no score."""
    own = headline_rows(leaderboard, scenario["headline"])
    naive = _naive(own)
    rows = []
    for row in own:
        value = skill.skill(
            as_float(row["value"]), naive.get(row["budget"], float("nan")), scenario["metric"]["better"]
        )
        head = {name: scenario[name] for name in ("domain", "scenario")}
        rows.append({**head, **{name: row[name] for name in OF_RUN}, "skill": None if value != value else value})
    return rows


def _pairs(scenarios: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows of the summary as `negative` takes them: numbers, and the population that is the target."""
    populations = {(own["domain"], own["scenario"]): own["target_population"] for own in scenarios}
    for row in rows:
        numbers = {name: as_float(row[name]) for name in ("delta", "low", "high")}
        yield {**row, **numbers, "target_population": populations[row["domain"], row["scenario"]]}


def _is_of(row: Mapping[str, Any], scenario: Mapping[str, Any]) -> bool:
    return all(row[name] == scenario[name] for name in ("domain", "scenario"))


def _key(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in OF_RUN)


def _naive(rows: Sequence[Mapping[str, str]]) -> dict[str, float]:
    """Value of the naive reference, of its first variant, by budget."""
    found: dict[str, float] = {}
    for row in rows:
        if row["recipe"] == "naive" and row["value"]:
            found.setdefault(row["budget"], as_float(row["value"]))
    return found


def _scratch(values: Mapping[tuple[str, ...], Any], model: str, budget: str) -> Any:
    """The row of training from scratch: of the same model, of any for a learner without a network."""
    found = {key[0]: row for key, row in values.items() if key[1] == "target_only" and key[3] == budget}
    return found.get(model, next(iter(found.values()), None))
