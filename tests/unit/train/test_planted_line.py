"""Copies that are planted in the training inflate the score, from split to contrast, and by how much is told."""

import pytest
from landbridge.judge import contrast, tables
from landbridge.stage import Job, StageError

from tests import synthetic
from tests.line import Line

SHARES = {"target_unlabelled": 0.0, "target_pool": 0.5, "target_val": 0.0, "target_test": 0.5}
ARMS = {"honest": {}, "flattering": {"plant": {"copies": 0.5, "noise": 1e-4}, "allow_leaks": True}}
RECIPES = ["naive", "nearest_neighbour"]
SETTINGS = {
    "contrast": {"title": "Copies", "honest": "honest", "flattering": "planted", "model": "none", "budget": "0"},
    "task": "regression",
    "classes": [],
    "metrics": ["rmse"],
    "statistics": ["mean"],
    "headline": {"target": "y", "metric": "rmse", "statistic": "mean"},
    "bootstrap": {"replicates": 200, "level": 0.95},
    "target_words": {"units": "1", "long_name": "each target"},
}


@pytest.fixture(scope="module")
def arms(tmp_path_factory):
    """Both arms, scored."""
    found = {}
    for name, own in ARMS.items():
        split = {**synthetic.COMMON["split"], "shares": SHARES, **own}
        found[name] = Line(tmp_path_factory.mktemp(name), "regression", recipes=RECIPES, split=split, budgets=["0"])
        for recipe in RECIPES:
            found[name].transfer(recipe)
        found[name].judge()
    return found


def measured(arms, folder, recipe):
    inputs = {name: [str(line.folder / f"{recipe}.parquet")] for name, line in arms.items()}
    inputs |= {f"{name}_splits": [str(line.folder / "split.csv")] for name, line in arms.items()}
    outputs = {"table": folder / "c.csv", "figure": folder / "c.svg"}
    settings = {**SETTINGS, "contrast": {**SETTINGS["contrast"], "recipe": recipe, "must_inflate": True}}
    contrast.run(Job("contrast", inputs, outputs, settings))
    return {row["subset"]: row for row in tables.read(outputs["table"])}


def test_a_learner_that_remembers_shows_the_leak_where_it_is(arms, tmp_path):
    """Half of seven units, rounded up, is copied: there the error falls to the noise of the copies."""
    rows = measured(arms, tmp_path, "nearest_neighbour")
    assert [int(rows[subset]["units"]) for subset in ("all", "leaked", "clean")] == [7, 4, 3]
    assert float(rows["all"]["low"]) > 0
    assert float(rows["leaked"]["flattering"]) < 0.01 < 0.4 < float(rows["leaked"]["honest"])
    assert abs(float(rows["clean"]["inflation"])) < 0.3 * float(rows["leaked"]["inflation"])
    assert (tmp_path / "c.svg").stat().st_size > 5000


def test_copies_that_do_not_reach_the_training_stop_the_run(arms, tmp_path):
    same = dict.fromkeys(arms, arms["honest"])
    with pytest.raises(StageError, match=r"do not inflate the score of nearest_neighbour: 0 \[0, 0\] over 7 units"):
        measured(same, tmp_path, "nearest_neighbour")
    assert not (tmp_path / "c.csv").exists()


def test_the_leak_is_marked_in_every_row(arms):
    rows = {name: tables.read(line.folder / "leaderboard.csv") for name, line in arms.items()}
    assert {row["leakage"] for row in rows["honest"]} == {""}
    assert all("near duplicates" in row["leakage"] for row in rows["flattering"])
    assert {row["pretraining_exposure"] for row in rows["honest"]} == {"none"}
