"""The rule `oracle`: which trial the test chooses on small known cases, and what is written of it."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from landbridge.contract import CONVENTIONS, ContractError, Dataset, Variable
from landbridge.io import netcdf
from landbridge.judge import evaluate
from landbridge.stage import Job

ROWS = 4  # of each group
SETTINGS = {
    "scenario": "s",
    "step": "day",
    "task": "regression",
    "targets": ["y"],
    "classes": [],
    "model": "m",
    "recipe": "good",
    "variant": "",
    "min_scored": 1,
}
MODULES = {"oracle": "landbridge.judge.oracle"}


def headline(statistic="mean", metric="rmse", target="y"):
    return {"headline": {"target": target, "metric": metric, "statistic": statistic}}


def write_answers(path, fold, label=0.0, targets=("y",)):
    """Two groups of one unit each, every label the same."""
    names = np.array([f"u{2 * fold}", f"u{2 * fold + 1}"])
    columns = {name: Variable(("unit",), names) for name in ("unit_name", "group", "class_of")}
    unit = np.repeat([0, 1], ROWS).astype(np.int32)
    rows = {"row_unit": unit, "block": 0 * unit, "scorable": np.ones(len(unit), np.int8)}
    rows |= {name: np.full(len(unit), label) for name in targets}
    columns |= {name: Variable(("row",), values) for name, values in rows.items()}
    columns["row_time"] = Variable(("row",), unit.astype(np.int64), {"units": "days since 1970-01-01"})
    attributes = {"Conventions": CONVENTIONS, "kind": "answers", "rows_table_hash": f"rows of {fold}"}
    netcdf.write(path, Dataset(columns, attributes))


def write_predictions(path, fold, trials, budget="4"):
    """Predictions of a fold: of each trial the value at both groups, for each target, or a status in its place."""
    targets = np.size(next(own for own in trials if not isinstance(own, str))[0])
    values = np.full((len(trials), 2 * ROWS, targets), np.nan, np.float32)
    for number, own in enumerate(trials):
        if not isinstance(own, str):
            values[number] = np.repeat(np.reshape(own, (2, targets)), ROWS, axis=0)
    status = [own if isinstance(own, str) else "ok" for own in trials]
    numbers = range(len(trials))
    heads = {"budget": [budget for _ in trials], "selection": ["oracle" for _ in trials], "status": status}
    heads |= {name: [4 for _ in trials] for name in ("budget_size", "labels_used", "labels_for_selection")}
    heads |= {"trial": list(numbers), "spread": ["none: the test chooses among the trials" for _ in trials]}
    columns = {name: Variable(("budget",), np.asarray(own)) for name, own in heads.items()}
    columns["prediction"] = Variable(("budget", "row", "target"), values)
    attributes = {"Conventions": CONVENTIONS, "kind": "predictions", "task": "regression"}
    netcdf.write(path, Dataset(columns, {**attributes, "rows_table_hash": f"rows of {fold}"}))


def kept(folder, folds, label=0.0, **changes):
    """Root mean square error by group, of the trials that are kept, seed by seed; folds: by fold, seed and trial."""
    settings = {**SETTINGS, **headline(), **changes}
    predictions, answers = [], []
    for fold, seeds in enumerate(folds):
        answers.append(folder / f"answers{fold}.nc")
        write_answers(answers[-1], fold, label, settings["targets"])
        for seed, trials in enumerate(seeds):
            predictions.append(folder / f"fold{fold}-seed{seed}.nc")
            write_predictions(predictions[-1], fold, trials)
    inputs = {"predictions": list(map(str, predictions)), "answers": list(map(str, answers)), "truth": []}
    outputs = {name: folder / name for name in ("scores", "examples")}
    evaluate.run(Job("evaluate", inputs, outputs, settings, {}, MODULES))
    assert not netcdf.read(outputs["examples"]).variables  # it is shown nowhere
    table = pq.read_table(outputs["scores"]).to_pylist()
    assert {row["selection"] for row in table} == {"oracle"}
    assert {row["spread"] for row in table} == {"none: the test chooses among the trials"}
    found = {}
    for row in sorted(table, key=lambda row: (row["seed"], row["group"], row["target"])):
        found.setdefault(row["seed"], []).append(round(float(np.sqrt(row["sum_sq_error"] / row["n"])), 4))
    return list(found.values())


def test_one_trial_is_kept_for_each_seed_over_all_folds_together(tmp_path):
    """Seed 0: trial 1 has a mean error of 2.25 and trial 0 of 2.5, although it is the better one in the first fold."""
    first = [[(1.0, 1.0), (3.0, 3.0)], [(1.0, 1.0), (3.0, 3.0)]]
    second = [[(4.0, 4.0), (1.5, 1.5)], [(1.0, 2.0), (1.5, 1.5)]]
    assert kept(tmp_path, [first, second]) == [[3.0, 3.0, 1.5, 1.5], [1.0, 1.0, 1.0, 2.0]]


def test_other_answers_choose_another_trial(tmp_path):
    trials = [[[(1.0, 1.0), (3.0, 3.0)]]]
    assert kept(tmp_path, trials) == [[1.0, 1.0]]
    assert kept(tmp_path, trials, label=3.0) == [[0.0, 0.0]]  # which are the predictions of the other


def test_the_statistic_and_the_metric_of_the_headline_choose(tmp_path):
    trials = [[[(2.0, 2.0), (0.0, 3.0), (-0.2, 4.0)]]]
    assert kept(tmp_path, trials, **headline("q10")) == [[0.0, 3.0]]
    assert kept(tmp_path, trials, **headline("q90")) == [[2.0, 2.0]]
    assert kept(tmp_path, [[[(2.0, 2.0), (-3.0, 2.9)]]], **headline("mean", "bias")) == [[3.0, 2.9]]  # nearest to 0
    own = headline("mean", "rmse", "macro") | {"targets": ["y", "z"]}
    two = [[[((1.0, 9.0), (1.0, 9.0)), ((4.0, 4.0), (4.0, 4.0))]]]
    assert kept(tmp_path, two, **own) == [[4.0, 4.0, 4.0, 4.0]]  # by the mean over targets


def test_a_trial_that_fails_somewhere_is_not_kept_and_where_all_do_the_status_stands(tmp_path):
    failed = "failed: the training loss became nan"
    folds = [[[(1.0, 1.0), (0.1, 0.1)]], [[(1.0, 1.0), failed]]]
    assert kept(tmp_path, folds) == [[1.0] * 4]
    kept(tmp_path, [[[failed, (1.0, 1.0)]], [[(1.0, 1.0), failed]]])
    assert set(pq.read_table(tmp_path / "scores")["status"].to_pylist()) == {"ok", failed}
    folds = [[[(1.0, 1.0), (0.1, 0.1)]], [[(1.0, 1.0)]]]  # the second fold stopped after one
    assert kept(tmp_path, folds) == [[1.0] * 4]


def test_a_trial_may_not_come_twice_at_a_budget(tmp_path):
    write_predictions(tmp_path / "p.nc", 0, [(1.0, 1.0), (2.0, 2.0)])
    whole = netcdf.read(tmp_path / "p.nc")
    twice = {**whole.variables, "trial": Variable(("budget",), np.zeros(2, np.int64))}
    with pytest.raises(ContractError, match="a trial of a label comes twice: 4, 4"):
        netcdf.write(tmp_path / "q.nc", Dataset(twice, whole.attributes))
