"""Set all scenarios beside each other: the stage `summarise`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landbridge.judge import tables
from landbridge.judge.canvas import headline_rows
from landbridge.judge.compare import helps_at
from landbridge.judge.figures import overview
from landbridge.judge.tables import as_float
from landbridge.stage import Job

COLUMNS = (
    *("domain", "scenario", "title", "model", "recipe", "variant", "budget", "budget_unit", "target", "metric"),
    *("statistic", "value", "delta", "low", "high", "relative_gain", "interval", "groups", "seeds", "verdict"),
    *("n_equivalent", "saved", "status", "leakage"),
)


def run(job: Job) -> None:
    """Inputs: `effects`, `leaderboards`, `labels` of every scenario. Outputs: `summary`, `overview`."""
    rows: list[dict[str, Any]] = []
    files = zip(*(job.input_list(name) for name in ("effects", "leaderboards", "labels")), strict=True)
    for scenario, paths in zip(job.settings["scenarios"], files, strict=True):
        rows += scenario_rows(scenario, *paths)
    tables.write(job.outputs["summary"], COLUMNS, rows)
    overview(job.outputs["overview"], rows)


def scenario_rows(scenario: dict[str, Any], effects: Path, leaderboard: Path, labels: Path) -> list[dict[str, Any]]:
    """The headline of every recipe and budget, against training from scratch."""
    headline = scenario["headline"]
    all_effects = tables.read(effects)
    against = [row for row in headline_rows(all_effects, headline) if row["reference"] == "target_only"]
    values = {
        (row["model"], row["recipe"], row["variant"], row["budget"]): row
        for row in headline_rows(tables.read(leaderboard), headline)
    }
    saved = {
        (r["model"], r["recipe"], r["variant"], r["budget"]): r for r in headline_rows(tables.read(labels), headline)
    }
    rows = []
    for row in against:
        key = (row["model"], row["recipe"], row["variant"], row["budget"])
        scratch = _scratch(values, row["model"], row["budget"])
        reference = as_float(scratch["value"]) if scratch else float("nan")
        delta = as_float(row["delta"])
        decided = not row["status"].startswith("not_applicable") and row["delta"]
        own = [item for item in all_effects if item["model"] == row["model"] and item["variant"] == row["variant"]]
        rows.append(
            {
                **{name: scenario[name] for name in ("domain", "scenario", "title")},
                **{name: row[name] for name in ("model", "recipe", "variant", "budget", "budget_unit")},
                **{name: row[name] for name in ("target", "metric", "statistic", "delta", "low", "high")},
                **{name: row[name] for name in ("interval", "groups", "seeds", "status", "leakage")},
                "value": values[key]["value"],
                "relative_gain": delta / abs(reference) if reference and row["delta"] else "",
                "verdict": helps_at(own, row["recipe"], row["budget"], headline) if decided else "not_applicable",
                "n_equivalent": saved[key]["n_equivalent"] if key in saved else "",
                "saved": (saved[key]["saved"] or saved[key]["censored"]) if key in saved else "",
            }
        )
    return rows


def _scratch(values: Mapping[tuple[str, str, str, str], Any], model: str, budget: str) -> Any:
    """The row of training from scratch: of the same model, of any for a learner without a network."""
    found = {key[0]: row for key, row in values.items() if key[1] == "target_only" and key[3] == budget}
    return found.get(model, next(iter(found.values()), None))
