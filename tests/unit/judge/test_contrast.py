"""A flattering rule's inflation: known differences, the leaked units, and what can't be compared."""

import csv
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landbridge.judge import contrast, tables
from landbridge.judge.metrics import regression
from landbridge.judge.scores import read_scores
from landbridge.prepare.plant import COPY
from landbridge.stage import Job, StageError

SETTINGS = {
    "contrast": {
        "title": "One tower twice",
        "flattering": "by_name",
        "honest": "by_tower",
        "model": "m",
        "budget": "0",
        "recipe": "r",
        "must_inflate": False,
    },
    "task": "regression",
    "classes": [],
    "metrics": ["rmse"],
    "statistics": ["mean", "median"],
    "headline": {"target": "y", "metric": "rmse", "statistic": "mean"},
    "bootstrap": {"replicates": 200, "level": 0.95},
    "target_words": {"units": "g m-2 d-1", "long_name": "each target"},
}
TOWERS = 12  # the first six stand under two names


def units():
    """(unit, honest group) of each record."""
    found = [(f"A_{tower:02d}", f"t{tower:02d}") for tower in range(TOWERS)]
    return found + [(f"B_{tower:02d}", f"t{tower:02d}") for tower in range(6)]


def write(path, error, honest, seeds=2, status="ok"):
    """Scores whose RMSE of a unit is `error(unit, seed)`."""
    rows = []
    for seed in range(seeds):
        for unit, group in units():
            sums = {**dict.fromkeys(regression.SUMS, 1.0), "sum_sq_error": error(unit, seed) ** 2}
            head = {"model": "m", "recipe": "r", "variant": "", "fold": 0, "seed": seed, "budget": "0"}
            head |= {"budget_size": 0, "selection": "fixed", "status": status, "target": "y", "class_of": ""}
            rows.append({**head, "unit": unit, "group": group if honest else unit, "block": 0, **sums})
    notes = json.dumps({"task": "regression", "targets": ["y"], "classes": []})
    pq.write_table(pa.Table.from_pylist(rows).replace_schema_metadata({"landbridge": notes}), path)


def write_split(path, tested, honest):
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["unit", "segment", "group", "part", "start", "end"])
        for unit, group in units():
            part = "target_test" if unit in tested else "source_train"
            writer.writerow([unit, 0, group if honest else unit, part, "", ""])


@pytest.fixture
def run(tmp_path):
    """Run the stage on two arms whose errors are given."""

    def stage(flattering, honest, status="ok", must_inflate=False):
        write(tmp_path / "f.parquet", flattering, honest=False)
        write(tmp_path / "h.parquet", honest, honest=True, status=status)
        names = [unit for unit, _ in units()]
        for fold, tested in enumerate((names[:TOWERS], names[TOWERS:])):
            write_split(tmp_path / f"f{fold}.csv", tested, honest=False)
        first = [unit for unit, group in units() if int(group[1:]) % 2 == 0]
        for fold, tested in enumerate((first, [name for name in names if name not in first])):
            write_split(tmp_path / f"h{fold}.csv", tested, honest=True)
        inputs = {"flattering": [str(tmp_path / "f.parquet")], "honest": [str(tmp_path / "h.parquet")]}
        inputs |= {"flattering_splits": [str(tmp_path / f"f{fold}.csv") for fold in range(2)]}
        inputs |= {"honest_splits": [str(tmp_path / f"h{fold}.csv") for fold in range(2)]}
        outputs = {"table": tmp_path / "c.csv", "figure": tmp_path / "c.svg"}
        own = {**SETTINGS, "contrast": {**SETTINGS["contrast"], "must_inflate": must_inflate}}
        contrast.run(Job("contrast", inputs, outputs, own))
        return {(row["subset"], row["statistic"]): row for row in tables.read(outputs["table"])}, outputs

    return stage


def leaked(unit):
    return int(unit[2:]) < 6


def test_a_planted_inflation_is_measured_where_it_is(run):
    def flattering(unit, seed):
        return 0.5 if leaked(unit) else 1.0

    rows, outputs = run(flattering, lambda unit, seed: 1.0)
    for subset, units_, groups, inflation in (("all", 18, 12, 0.25), ("clean", 6, 6, 0.0)):
        row = rows[subset, "mean"]
        assert (int(row["units"]), int(row["groups"])) == (units_, groups)
        assert float(row["inflation"]) == pytest.approx(inflation)
    row = rows["all", "mean"]
    assert float(row["low"]) > 0
    assert float(row["flattering"]) == pytest.approx(0.75)
    assert float(row["honest"]) == pytest.approx(1.0)
    assert b"One tower twice" in outputs["figure"].read_bytes() or outputs["figure"].stat().st_size > 5000


def test_without_a_difference_there_is_no_inflation(run):
    rows, _ = run(lambda unit, seed: 1 + 0.1 * seed, lambda unit, seed: 1 + 0.1 * seed)
    assert {float(row["inflation"]) for row in rows.values()} == {0.0}


def test_a_planted_leak_that_does_not_inflate_stops_the_run(run):
    """By its whole interval: a harm, nothing at all, and a gain that one tower alone brings are refused."""

    def of_one(unit, seed):
        return 0.1 if unit == "A_00" else 1.0

    rows, _ = run(lambda unit, seed: 0.5, lambda unit, seed: 1.0, must_inflate=True)
    assert float(rows["all", "mean"]["low"]) > 0
    for flattering in (lambda unit, seed: 1.5, lambda unit, seed: 1.0, of_one):
        with pytest.raises(
            StageError, match=r"planted in by_name, and they do not inflate the score of r: .* 18 units"
        ):
            run(flattering, lambda unit, seed: 1.0, must_inflate=True)


def test_too_few_groups_for_an_interval_are_told_as_such():
    row = {**SETTINGS["headline"], "subset": "all", "units": 4, "groups": 4, "inflation": 16.7}
    nothing = {"low": float("nan"), "high": float("nan")}
    with pytest.raises(StageError, match="by_name and by_tower share 4 test groups, and an interval needs 5"):
        contrast.refuse_no_inflation([{**row, **nothing}], SETTINGS)


def test_the_inflation_is_said_in_a_sentence(run):
    rows, _ = run(lambda unit, seed: 0.5, lambda unit, seed: 1.0)
    numbers = ("inflation", "low", "high", "flattering", "honest")
    typed = [{**row, **{name: float(row[name]) for name in numbers}} for row in rows.values()]
    assert contrast.sentence(typed, SETTINGS) == (
        "The flattering split makes the mean RMSE of y look 0.5 better than it is (95 % interval 0.5 to 0.5): 0.5 "
        "instead of 1."
    )


def test_a_unit_is_leaked_where_a_planted_copy_of_it_was_trained_on(tmp_path):
    for name, copies in (("f", ["A_01"]), ("h", [])):
        with (tmp_path / f"{name}.csv").open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["unit", "segment", "group", "part", "start", "end"])
            writer.writerows([unit, 0, group, "target_test", "", ""] for unit, group in units()[:TOWERS])
            writer.writerows([unit + COPY, 0, "t01" + COPY, "source_train", "", ""] for unit in copies)
    assert contrast.leaked_units([tmp_path / "f.csv"], [tmp_path / "h.csv"]) == {"A_01"}


def test_leaked_units_are_those_whose_group_was_trained_on(tmp_path):
    tested = ["A_00", "B_00", "A_01", "A_07"]  # both records of tower 0; one of tower 1; tower 7 has one
    write_split(tmp_path / "f.csv", tested, honest=False)
    write_split(tmp_path / "h.csv", tested, honest=True)
    assert contrast.leaked_units([tmp_path / "f.csv"], [tmp_path / "h.csv"]) == {"A_01"}


def test_a_recipe_without_a_score_is_refused(run):
    with pytest.raises(StageError, match="r has no score at that budget"):
        run(lambda unit, seed: 1.0, lambda unit, seed: 1.0, status="not_applicable: no labels")


def test_no_common_unit_is_refused(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / f"{name}.parquet", lambda unit, seed: 1.0, honest=True)
    a, b = (read_scores([tmp_path / f"{name}.parquet"], ["0"]) for name in ("a", "b"))
    b.unit_of_cell[:] = [f"other {unit}" for unit in b.unit_of_cell]
    with pytest.raises(StageError, match="test no common unit"):
        contrast.contrast_rows(b, a, set(), SETTINGS)


def test_units_are_added_up_over_blocks(tmp_path):
    write(tmp_path / "a.parquet", lambda unit, seed: 2.0, honest=True)
    scores = read_scores([tmp_path / "a.parquet"], ["0"])
    found = contrast.by_unit(scores, ["A_00", "B_03"], "y")
    assert found.shape == (2, 2, len(regression.SUMS))
    np.testing.assert_allclose(found[..., scores.names.index("sum_sq_error")], 4)
