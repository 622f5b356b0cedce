"""Votes and marks of leakage from predictions to tables: six trips in two folds, each a group of its own."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from landbridge.contract import CONVENTIONS, Dataset, Variable
from landbridge.io import netcdf
from landbridge.judge import compare, evaluate, tables
from landbridge.judge.metrics import calibration
from landbridge.judge.scales import split_name, voted
from landbridge.plan import TABLES
from landbridge.stage import Job

CLASSES = ["bike", "bus", "car", "train", "walk"]
BIKE, BUS, CAR, TRAIN, WALK = range(5)
TRUE = [WALK, WALK, BIKE, BUS, CAR, TRAIN]
TAKEN = [WALK, BIKE, BIKE, CAR, CAR, TRAIN]  # accuracy 4/6, macro-F1 0.6
FOLDS = [[0, 1, 2], [3, 4, 5]]
WINDOWS = [3, 1, 2, 1, 2, 1]
BUDGETS = ["0", "10"]
SETTINGS = {
    "scenario": "s",
    "step": "irregular",
    "task": "classification",
    "targets": ["mode"],
    "classes": CLASSES,
    "scales": ["unit"],
    "model": "m",
    "variant": "",
    "headline": {"target": "label", "metric": "macro_f1.unit", "statistic": "pooled"},
}
METRICS = ["accuracy", "f1.walk", "accuracy.unit", "macro_f1.unit", "f1.walk.unit", "f1.bus.unit", "brier", "ece.unit"]


def sure(predicted, share=0.9):
    """Log-probabilities (row, class) of rows that are all but sure."""
    found = np.full((len(predicted), len(CLASSES)), np.log((1 - share) / (len(CLASSES) - 1)))
    found[np.arange(len(predicted)), predicted] = np.log(share)
    return found


def values_of(trip, taken):
    """Windows of a trip: the first is surer of `taken` than the others are of train."""
    others = [TRAIN] * (WINDOWS[trip] - 1)
    return np.concatenate([sure([taken], 0.999), sure(others, 0.3)])


def write_answers(path, fold, leakage):
    trips = FOLDS[fold]
    row_unit = np.repeat(np.arange(3), [WINDOWS[trip] for trip in trips])
    names = np.array([f"trip{trip}" for trip in trips])
    variables = {
        "unit_name": Variable(("unit",), names),
        "group": Variable(("unit",), np.char.replace(names, "trip", "user")),
        "class_of": Variable(("unit",), np.array([CLASSES[TRUE[trip]] for trip in trips])),
        "row_unit": Variable(("row",), row_unit.astype(np.int32)),
        "scorable": Variable(("row",), np.ones(len(row_unit), np.int8)),
        "block": Variable(("row",), np.arange(len(row_unit), dtype=np.int32)),  # every window in a block of its own
        "label": Variable(("row",), np.array(TRUE, np.uint8)[trips][row_unit]),
    }
    attributes = {"Conventions": CONVENTIONS, "kind": "answers", "rows_table_hash": f"h{fold}", "leakage": leakage}
    netcdf.write(path, Dataset(variables, attributes))


def write_predictions(path, fold, by_budget):
    """Predictions of one fold: for each budget the class that each trip is taken for, or a status."""
    rows = sum(WINDOWS[trip] for trip in FOLDS[fold])
    values = [
        np.full((rows, len(CLASSES)), np.nan)
        if isinstance(own, str)
        else np.concatenate([values_of(trip, own[trip]) for trip in FOLDS[fold]])
        for own in by_budget
    ]
    statuses = [own if isinstance(own, str) else "ok" for own in by_budget]
    zeros = np.zeros(len(BUDGETS), np.int32)
    variables = {
        "budget": Variable(("budget",), np.array(BUDGETS)),
        "budget_size": Variable(("budget",), np.array([0, 10], np.int32)),
        "selection": Variable(("budget",), np.array(["fixed"] * 2)),
        "status": Variable(("budget",), np.array(statuses)),
        "labels_used": Variable(("budget",), zeros),
        "labels_for_selection": Variable(("budget",), zeros),
        "log_probability": Variable(("budget", "row", "class"), np.stack(values).astype(np.float32)),
    }
    attributes = {"Conventions": CONVENTIONS, "kind": "predictions", "task": "classification"}
    netcdf.write(path, Dataset(variables, {**attributes, "rows_table_hash": f"h{fold}"}))


class Judged:
    """Scores of some recipes in one folder."""

    def __init__(self, folder):
        self.folder = folder
        for fold, leakage in enumerate(("label_filter; shared units", "shared units")):
            write_answers(folder / f"answers{fold}.nc", fold, leakage)

    def score(self, recipe, *by_budget, model="m"):
        place = self.folder / recipe
        place.mkdir()
        for fold in range(2):
            write_predictions(place / f"fold{fold}-seed0.nc", fold, by_budget)
        inputs = {
            "predictions": [str(place / f"fold{fold}-seed0.nc") for fold in range(2)],
            "answers": [str(self.folder / f"answers{fold}.nc") for fold in range(2)],
            "truth": [],
        }
        outputs = {"scores": self.folder / f"{recipe}.parquet", "examples": place / "examples.nc"}
        evaluate.run(Job("evaluate", inputs, outputs, {**SETTINGS, "recipe": recipe, "model": model}))
        return pq.read_table(outputs["scores"])

    def compare(self, **changes):
        names = np.array([f"trip{trip}" for trip in range(6)])
        about = {"unit_name": names, "group": names, "class_of": np.array([CLASSES[own] for own in TRUE])}
        variables = {name: Variable(("unit",), values) for name, values in about.items()}
        netcdf.write(self.folder / "test.nc", Dataset(variables, {"Conventions": CONVENTIONS, "kind": "examples"}))
        settings = {
            **SETTINGS,
            "metrics": METRICS,
            "statistics": ["pooled"],
            "bootstrap": {"replicates": 50, "level": 0.95},
            "budgets": BUDGETS,
            "budget_axis": "units",
            **changes,
        }
        outputs = {name: self.folder / f"{name}.csv" for name in TABLES}
        scores = [str(path) for path in sorted(self.folder.glob("*.parquet"))]
        inputs = {"scores": scores, "cost": [], "tests": [str(self.folder / "test.nc")]}
        compare.run(Job("compare", inputs, outputs, settings))
        return {name: tables.read(path) for name, path in outputs.items()}


@pytest.fixture
def judged(tmp_path):
    return Judged(tmp_path)


def leaderboard_row(found, recipe, budget, metric):
    (row,) = [
        row for row in found["leaderboard"] if (row["recipe"], row["budget"], row["metric"]) == (recipe, budget, metric)
    ]
    return row


def value(found, recipe, budget, metric):
    return float(leaderboard_row(found, recipe, budget, metric)["value"])


# -- sums ---------------------------------------------------------------------------------------------------------


def test_windows_and_votes_stand_side_by_side_in_each_cell(judged):
    table = judged.score("good", TAKEN, TAKEN).to_pylist()
    own = [row for row in table if row["unit"] == "trip0" and row["budget"] == "0"]
    assert [row["block"] for row in own] == [0, 1, 2]
    assert [(row["n"], row["n.unit"]) for row in own] == [(1, 1), (1, 0), (1, 0)]  # the vote stands with the first
    walk_walk, walk_train = f"confusion_{WALK}_{WALK}", f"confusion_{WALK}_{TRAIN}"
    assert [row[walk_walk] for row in own] == [1, 0, 0]
    assert [row[walk_train] for row in own] == [0, 1, 1]
    assert [row[f"{walk_walk}.unit"] for row in own] == [1, 0, 0]  # one sure window against two doubtful ones
    assert sum(row[f"{walk_train}.unit"] for row in own) == 0
    means = values_of(0, WALK).mean(axis=0)
    assert own[0]["nll.unit"] == pytest.approx(-(means - np.log(np.exp(means).sum()))[WALK], rel=1e-5)


def test_votes_have_every_sum_that_windows_have(judged):
    with_votes = judged.score("good", TAKEN, TAKEN).column_names
    assert len([name for name in with_votes if name.endswith(".unit")]) == 2 + len(CLASSES) ** 2 + len(calibration.SUMS)


def test_rows_that_contradict_each_other_beyond_measure_share_the_vote():
    far = np.array([[0.0, -2000.0], [-2000.0, 0.0]])
    votes = voted(far, np.array([0, 0]), np.array([3, 3]), np.array([0, 0]))[0]
    np.testing.assert_allclose(votes, np.log([[0.5, 0.5]]))


# -- tables -------------------------------------------------------------------------------------------------------


def test_known_answers_of_the_table(judged):
    judged.score("good", TAKEN, TRUE)
    found = judged.compare()
    assert value(found, "good", "0", "accuracy.unit") == pytest.approx(4 / 6, abs=1e-6)
    assert value(found, "good", "0", "macro_f1.unit") == pytest.approx(0.6)
    assert value(found, "good", "0", "f1.walk.unit") == pytest.approx(2 / 3, abs=1e-6)
    assert value(found, "good", "0", "f1.bus.unit") == 0
    assert value(found, "good", "0", "accuracy") == pytest.approx(4 / 10)  # the first windows of four trips
    assert [value(found, "good", "10", name) for name in METRICS[2:6]] == [1, 1, 1, 1]


def test_failed_budgets_take_the_votes_of_the_naive_reference(judged):
    judged.score("naive", [BUS] * 6, [WALK] * 6, model="none")
    judged.score("good", TAKEN, "failed: diverged")
    found = judged.compare()
    for name in METRICS:
        assert value(found, "good", "10", name) == value(found, "naive", "10", name)
    row = leaderboard_row(found, "good", "10", "accuracy.unit")
    assert float(row["value"]) == pytest.approx(2 / 6, abs=1e-6)
    assert row["status"] == "failed: diverged"


def test_every_row_of_every_table_is_marked_with_each_leak_once(judged):
    judged.score("target_only", "not_applicable: needs labels", TRUE)
    judged.score("good", TAKEN, TRUE)
    found = judged.compare()
    for name in ("leaderboard", "effects", "labels", "units"):
        assert found[name], name
        assert {row["leakage"] for row in found[name]} == {"label_filter; shared units"}, name


def test_scores_of_units_hold_metrics_of_one_class_and_votes_on_request(judged):
    judged.score("good", TAKEN, TRUE)
    rows = {row["unit"]: row for row in judged.compare()["units"] if row["budget"] == "0"}
    assert list(rows["trip0"])[:4] == ["unit", "class", "accuracy", "f1.walk"]
    assert (rows["trip0"]["class"], rows["trip0"]["accuracy"], rows["trip0"]["f1.walk"]) == ("walk", "0.333333", "0.5")
    chosen = {"trip": "unit_name", "right": "accuracy.unit", "mode": "class_of"}
    rows = {row["trip"]: row for row in judged.compare(unit_columns=chosen)["units"] if row["budget"] == "0"}
    assert [rows[f"trip{trip}"]["right"] for trip in range(6)] == ["1", "0", "1", "0", "1", "1"]
    assert rows["trip3"]["mode"] == "bus"


def test_a_scale_is_the_last_word_of_a_metric_and_a_class_is_none():
    assert split_name("f1.walk.unit") == ("f1.walk", "unit")
    assert split_name("f1.walk") == ("f1.walk", "")
    assert split_name("rmse.seasonal") == ("rmse", "seasonal")
    assert split_name("accuracy") == ("accuracy", "")
