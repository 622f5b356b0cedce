"""Verdicts and tables of made-up scores."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landbridge.contract import CONVENTIONS, Dataset, Variable
from landbridge.io import netcdf
from landbridge.judge import compare, effects, tables
from landbridge.judge.metrics import regression
from landbridge.judge.scores import read_scores
from landbridge.plan import TABLES
from landbridge.stage import Job, StageError

GROUPS = 8
SETTINGS = {
    "scenario": "s",
    "task": "regression",
    "metrics": ["rmse", "bias"],
    "statistics": ["mean", "median"],
    "headline": {"target": "y", "metric": "rmse", "statistic": "mean"},
    "bootstrap": {"replicates": 200, "level": 0.95},
    "budgets": ["0", "1", "4"],
    "budget_axis": "groups",
}


def write(folder, recipe, errors, model="m", variant="", groups=GROUPS, seeds=2, blocks=1):
    """Scores whose RMSE at each budget is given; a text in place of a number is a status."""
    rows = []
    random = np.random.default_rng(7)
    spread = random.uniform(0.9, 1.1, groups)
    for budget, error in errors.items():
        status = error if isinstance(error, str) else "ok"
        for seed in range(seeds):
            for group in range(groups):
                for block in range(blocks):
                    value = (
                        np.nan
                        if isinstance(error, str)
                        else (error * spread[group] * (1 + 0.01 * seed) * (1 + 0.1 * block)) ** 2
                    )
                    sums = {
                        **dict.fromkeys(regression.SUMS, 1.0),
                        "sum_sq_error": value,
                        "sum_p": 1.0 if status == "ok" else np.nan,
                    }
                    head = {"model": model, "recipe": recipe, "variant": variant, "fold": 0, "seed": seed}
                    head |= {"budget": budget, "budget_size": int(budget or 0), "selection": "fixed", "status": status}
                    cell = {"target": "y", "unit": f"u{group}", "group": f"g{group}", "class_of": "c", "block": block}
                    rows.append({**head, **cell, **sums})
    notes = json.dumps({"task": "regression", "targets": ["y"], "classes": []})
    table = pa.Table.from_pylist(rows).replace_schema_metadata({"landbridge": notes})
    pq.write_table(table, folder / f"{model}-{recipe}{variant}.parquet")


def write_units(path):
    """Test units as `split` writes them, as far as the table of units reads them."""
    names = np.array([f"u{group}" for group in range(12)])
    column = {
        name: Variable(("unit",), values)
        for name, values in {
            "unit_name": names,
            "group": np.char.replace(names, "u", "g"),
            "class_of": np.full(12, "c"),
        }.items()
    }
    netcdf.write(path, Dataset(column, {"Conventions": CONVENTIONS, "kind": "examples", "task": "regression"}))


def run(folder, apart=(), cost=(), **changes):
    outputs = {name: folder / f"{name}.csv" for name in TABLES}
    scores = [str(path) for path in sorted(folder.glob("*.parquet")) if path not in apart]
    test = folder / "test_inputs.nc"
    if not test.exists():
        write_units(test)
    inputs = {"scores": scores, "apart": list(map(str, apart)), "cost": list(map(str, cost)), "tests": [str(test)]}
    compare.run(Job("compare", inputs, outputs, {**SETTINGS, **changes}))
    return {name: tables.read(path) for name, path in outputs.items()}


NA = "not_applicable: needs labels"


@pytest.fixture
def made(tmp_path):
    write(tmp_path, "naive", {"0": 3.0, "1": 2.5, "4": 2.4}, model="none", variant="climatology")
    write(tmp_path, "source_only", {"0": 1.5, "1": 1.5, "4": 1.5})
    write(tmp_path, "target_only", {"0": NA, "1": 2.0, "4": 1.0})
    write(tmp_path, "good", {"0": NA, "1": 1.2, "4": 0.9})
    write(tmp_path, "bad", {"0": NA, "1": 2.2, "4": 1.6})
    write(tmp_path, "truth", {"": 0.1}, model="none")
    return tmp_path


def effect(found, recipe, reference, budget):
    rows = [
        row
        for row in found["effects"]
        if (row["recipe"], row["reference"], row["budget"], row["metric"], row["statistic"])
        == (recipe, reference, budget, "rmse", "mean")
    ]
    assert len(rows) == 1
    return rows[0]


def test_tables_have_exactly_their_columns(made):
    run(made)
    for name in ("leaderboard", "effects", "labels", "cost"):
        header = (made / f"{name}.csv").read_text().splitlines()[0]
        assert header == ",".join(getattr(tables, name.upper()))


def test_help_and_harm(made):
    found = run(made)
    assert effect(found, "good", "target_only", "1")["verdict"] == "helps"
    assert float(effect(found, "good", "target_only", "1")["delta"]) == pytest.approx(0.8, rel=0.1)
    assert effect(found, "bad", "target_only", "1")["verdict"] == "harms"
    assert effect(found, "bad", "source_only", "4")["verdict"] == "harms"
    assert effect(found, "good", "truth", "4")["verdict"] == "harms"
    headline = SETTINGS["headline"]
    assert effects.helps_at(found["effects"], "good", "1", headline) == "helps"
    assert effects.helps_at(found["effects"], "bad", "1", headline) == "harms"


def test_signed_ranks_over_groups_are_corrected_for_the_recipes_of_one_reference_and_budget(made):
    rows = [row for row in run(made)["effects"] if row["delta"]]
    tested = [row for row in rows if row["metric"] == "rmse"]
    assert {row["p_wilcoxon"] for row in rows if row["metric"] == "bias"} == {""}
    smallest = 2 / 2**GROUPS  # of all gains with one sign; seeds are averaged and add nothing
    assert {float(row["p_wilcoxon"]) for row in tested} == {smallest}
    family = [row for row in tested if row["reference"] == "naive" and row["budget"] == "1"]
    family = [row for row in family if row["statistic"] == "mean"]
    assert {row["recipe"] for row in family} == {"source_only", "target_only", "good", "bad"}
    assert {float(row["p_holm"]) for row in family} == {4 * smallest}


@pytest.mark.parametrize(("groups", "blocks"), [(5, 1), (2, 6)])
def test_too_few_groups_have_no_p(tmp_path, groups, blocks):
    for recipe, error in (("source_only", 3.0), ("target_only", 2.0), ("good", 1.0)):
        write(tmp_path, recipe, {"1": error}, groups=groups, blocks=blocks)
    row = effect(run(tmp_path), "good", "target_only", "1")
    assert (row["verdict"].startswith("helps"), row["p_wilcoxon"], row["p_holm"]) == (True, "", "")


def test_harm_against_the_source_is_no_help(tmp_path):
    write(tmp_path, "source_only", {"1": 0.5})
    write(tmp_path, "target_only", {"1": 2.0})
    write(tmp_path, "middling", {"1": 1.0})
    found = run(tmp_path)
    assert effect(found, "middling", "target_only", "1")["verdict"] == "helps"
    assert effects.helps_at(found["effects"], "middling", "1", SETTINGS["headline"]) == "harms"


def test_a_gain_over_an_overfit_network_that_the_naive_reference_shares_is_no_help(tmp_path):
    write(tmp_path, "naive", {"1": 1.0}, model="none", variant="climatology")
    write(tmp_path, "source_only", {"1": 3.0})
    write(tmp_path, "target_only", {"1": 2.0})
    write(tmp_path, "middling", {"1": 1.0})
    found = run(tmp_path)
    assert effect(found, "middling", "target_only", "1")["verdict"] == "helps"
    assert effect(found, "middling", "naive", "1")["verdict"] == "unclear"
    assert effects.helps_at(found["effects"], "middling", "1", SETTINGS["headline"]) == "unclear"


def test_budget_zero_knows_no_target_only(made):
    found = run(made)
    row = effect(found, "source_only", "target_only", "0")
    assert (row["delta"], row["verdict"], row["status"]) == (
        "",
        "not_applicable",
        "not_applicable: target_only needs labels",
    )
    assert effect(found, "source_only", "naive", "0")["verdict"] == "helps"


def test_what_is_not_applicable_says_why(made):
    rows = [row for row in run(made)["leaderboard"] if row["recipe"] == "good" and row["budget"] == "0"]
    assert {(row["value"], row["status"]) for row in rows} == {("", NA)}


def test_a_metric_that_is_not_defined_says_so(made):
    rows = run(made, metrics=["rmse", "kge"])["leaderboard"]  # made-up labels do not vary
    told = {(row["metric"], row["value"] == "", row["status"].partition(" ")[0]) for row in rows if row["status"] != NA}
    assert told == {("rmse", False, "ok"), ("kge", True, "no_value:")}


def test_a_failed_fit_counts_as_naive_and_keeps_its_status(made):
    write(made, "good", {"0": NA, "1": "failed: diverged", "4": 0.9})
    found = run(made)
    row = next(
        r for r in found["leaderboard"] if r["recipe"] == "good" and r["budget"] == "1" and r["metric"] == "rmse"
    )
    assert row["status"] == "failed: diverged"
    naive = next(
        r for r in found["leaderboard"] if r["recipe"] == "naive" and r["budget"] == "1" and r["metric"] == "rmse"
    )
    assert row["value"] == naive["value"]
    assert effect(found, "good", "target_only", "1")["verdict"] == "harms"


def test_labels_saved_are_bounded_by_what_was_seen(made):
    rows = {(r["recipe"], r["budget"]): r for r in run(made)["labels"] if r["metric"] == "rmse"}
    saved = rows["good", "1"]  # 1.2 lies between 2.0 at one label and 1.0 at four
    assert 1 < float(saved["n_equivalent"]) < 4
    assert float(saved["low"]) <= float(saved["saved"]) <= float(saved["high"])
    assert rows["good", "4"]["censored"] == "> 4"
    assert rows["bad", "1"]["censored"] == "< 1"


def test_few_groups_speak_of_this_place_alone(tmp_path):
    for recipe, error in (("source_only", 3.0), ("target_only", 2.0), ("good", 1.0)):
        write(tmp_path, recipe, {"1": error}, groups=2, blocks=6)
    row = effect(run(tmp_path), "good", "target_only", "1")
    assert (row["interval"], row["verdict"]) == ("blocks", "helps_here")


def test_equal_runs_write_equal_bytes(made):
    run(made)
    first = {path.name: path.read_bytes() for path in made.glob("*.csv")}
    run(made)
    assert first == {path.name: path.read_bytes() for path in made.glob("*.csv")}


def test_recipes_that_were_scored_on_other_units_are_refused(made):
    write(made, "other", {"0": NA, "1": 1.0, "4": 1.0}, groups=GROUPS + 1)
    with pytest.raises(StageError, match="scored on other units than the other recipes"):
        read_scores(sorted(made.glob("*.parquet")), ["0", "1", "4"])


def test_an_unknown_metric_lists_the_known_ones(made):
    with pytest.raises(
        StageError, match=r"metric rsme is not known; metrics of regression are rmse, mae.*such as rmse\.monthly"
    ):
        run(made, metrics=["rsme"])


def test_an_interval_decides_the_word():
    assert effects.verdict(0.1, 0.2, "groups") == "helps"
    assert effects.verdict(-0.2, -0.1, "groups") == "harms"
    assert effects.verdict(-0.1, 0.1, "groups") == "unclear"
    assert effects.verdict(0.0, 0.1, "groups") == "unclear"
    assert effects.verdict(0.1, 0.2, "blocks") == "helps_here"
    assert effects.verdict(0.1, 0.2, "none") == "unclear"


def test_a_recipe_that_can_not_run_has_a_row_that_says_why(tmp_path):
    write(tmp_path, "source_only", {"0": 1.0, "1": 1.0, "4": 1.0})
    why = "not_applicable: needs one of the models refquery, and the scenario has none of them"
    found = run(tmp_path, unfit=[{"recipe": "embedding_only", "variant": "", "status": why}])
    told = [row for row in found["leaderboard"] if row["recipe"] == "embedding_only"]
    assert [(row["budget"], row["metric"], row["value"], row["status"]) for row in told] == [
        (budget, "rmse", "", why) for budget in ("0", "1", "4")
    ]
    assert not [row for name in ("effects", "labels") for row in found[name] if row["recipe"] == "embedding_only"]


def test_several_rules_of_one_recipe_are_told_apart_and_a_reference_is_by_its_default(made):
    for recipe in ("good", "target_only"):
        (made / f"m-{recipe}.parquet").rename(made / f"m-{recipe}.fixed.parquet")
    write(made, "good", {"0": NA, "1": 3.2, "4": 3.9})
    write(made, "target_only", {"0": NA, "1": 4.0, "4": 4.0})
    found = run(made)
    own = [row for row in found["leaderboard"] if row["recipe"] == "good" and row["metric"] == "rmse" and row["value"]]
    values = {(row["variant"], row["budget"]): float(row["value"]) for row in own if row["statistic"] == "mean"}
    assert {key: round(value) for key, value in values.items()} == {
        ("fixed", "1"): 1,
        ("fixed", "4"): 1,
        ("", "1"): 3,
        ("", "4"): 4,
    }
    against = [
        row
        for row in found["effects"]
        if (row["reference"], row["budget"], row["metric"], row["statistic"]) == ("target_only", "4", "rmse", "mean")
    ]
    deltas = {(row["recipe"], row["variant"]): float(row["delta"]) for row in against if row["delta"]}
    assert deltas["good", "fixed"] > 2.5 and 0 < deltas["good", ""] < 1  # against 4.0, not against 1.0


@pytest.mark.parametrize(("rule", "looked_at"), [("target_val_large", "7"), ("oracle", "all of the test")])
def test_rows_of_a_rule_that_looks_at_other_labels_stand_in_a_table_of_their_own(made, rule, looked_at):
    before = run(made)
    write(made, "good", {"0": NA, "1": 0.5, "4": 0.4}, variant=f".{rule}")
    path = made / f"m-good.{rule}.parquet"
    table = pq.read_table(path)
    selections = [rule if status == "ok" else "" for status in table["status"].to_pylist()]
    for name, texts in (("variant", [""] * len(table)), ("selection", selections)):
        table = table.set_column(table.column_names.index(name), name, [texts])
    pq.write_table(table, path)
    row = {"model": "m", "recipe": "good", "variant": "", "selection": rule, "fold": 0, "seed": 0}
    row |= dict.fromkeys(tables.COST[len(row) :], 1) | {"labels_for_selection": 7}
    (made / "cost.json").write_text(json.dumps([row]))
    found = run(made, apart=[path], cost=[made / "cost.json"])
    for name in ("leaderboard", "effects", "labels", "units"):
        assert found[name] == before[name]
    apart = [row for row in found["leaderboard_large"] if row["metric"] == "rmse" and row["statistic"] == "mean"]
    assert [(row["recipe"], row["variant"], row["budget"]) for row in apart] == [
        ("good", "", b) for b in ("0", "1", "4")
    ]
    assert float(apart[1]["value"]) < 0.6 and apart[1]["low"]
    assert [row["labels_for_selection"] for row in apart] == ["0", looked_at, looked_at]
    assert before["leaderboard_large"] == []
