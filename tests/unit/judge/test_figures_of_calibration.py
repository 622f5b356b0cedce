"""Reliability: which numbers it shows, when it has no interval, and equal bytes."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from landbridge.judge import bootstrap, figures_of_calibration
from landbridge.judge.figures_of_calibration import reliability, reliability_of
from landbridge.judge.metrics import calibration
from landbridge.judge.scores import Run, Scores
from landbridge.stage import StageError

SUMS = ("n", *calibration.SUMS)
NAMES = (*SUMS, *(f"{name}.unit" for name in SUMS))
SETTINGS = {
    "title": "From here to there",
    "scenario": "s",
    "headline": {"target": "label", "metric": "accuracy", "statistic": "pooled"},
    "budget_unit": "units",
    "bootstrap": {"replicates": 40, "level": 0.95},
}


def scores_of(groups=6, task="classification"):
    """Two budgets and seeds. Of the second budget every group has 4 rows at 0.55, 3 of them right, and the first has
    4 more at 0.95, all of them right; votes of units are 1 row at 0.75, wrong.
    """
    sums = np.zeros((2, 2, groups, len(NAMES)))

    def put(group, number, n, confidence, right, suffix=""):
        for what, value in (("n", n), ("confidence", n * confidence), ("right", right)):
            sums[1, :, group, NAMES.index(f"bin_{what}_{number}{suffix}")] += value
        sums[1, :, group, NAMES.index(f"n{suffix}")] += n

    put(slice(None), 5, 4, 0.55, 3)
    put(0, 9, 4, 0.95, 4)
    put(slice(None), 7, 1, 0.75, 0, ".unit")
    names = [f"g{number}" for number in range(groups)]
    runs = [
        Run("m", recipe, "", {"label": sums}, ["", ""], ["ok", "ok"], [0, 5])
        for recipe in ("source_only", "full_finetune")
    ]
    where = {"class_of_group": [""] * groups, "group_of_cell": np.arange(groups), "classes": ["a", "b"]}
    return Scores(runs, NAMES, ["label"], ["0", "5"], groups=names, seeds=[0, 1], task=task, **where)


def found_of(scores, votes=False):
    draws = bootstrap.draw(scores, 200, "s")
    return reliability_of(scores.runs[0].sums["label"][1], scores, draws, 0.95, votes)


def test_known_answers():
    found = found_of(scores_of())
    assert found.accuracy[[5, 9]] == pytest.approx([0.75, 1])
    assert found.confidence[[5, 9]] == pytest.approx([0.55, 0.95])
    assert found.share[[5, 9]] == pytest.approx([24 / 28, 4 / 28])
    assert found.share.sum() == pytest.approx(1)
    assert np.isnan(np.delete(found.accuracy, [5, 9])).all()
    error, low, high = found.error
    assert error == pytest.approx((24 * 0.2 + 4 * 0.05) / 28)
    assert low < error <= high


def test_votes_on_request():
    found = found_of(scores_of(), votes=True)
    assert (found.accuracy[7], found.share[7], found.error[0]) == pytest.approx((0, 1, 0.75))


def test_a_bin_that_few_groups_fill_has_no_interval():
    found = found_of(scores_of())
    assert (found.low[5], found.high[5]) == pytest.approx((0.75, 0.75))  # all groups are alike
    assert np.isnan(found.low[9])  # one group
    assert np.isnan(found.low[0])  # none


def test_without_groups_and_blocks_there_is_no_interval():
    found = found_of(scores_of(groups=3))  # each is a single cell
    assert np.isnan(found.low).all()
    assert np.isnan(found.error[1:]).all()
    assert found.accuracy[5] == pytest.approx(0.75)


@pytest.mark.parametrize("metric", ["accuracy", "accuracy.unit"])
def test_equal_bytes(tmp_path, metric):
    settings = {**SETTINGS, "headline": {**SETTINGS["headline"], "metric": metric}}
    texts = []
    for name in ("one", "two"):
        reliability(tmp_path / f"{name}.svg", SimpleNamespace(scores=scores_of()), settings)
        texts.append((tmp_path / f"{name}.svg").read_bytes())
    assert texts[0] == texts[1]


def test_four_recipes_have_room(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(figures_of_calibration, "_curve", lambda axis, *given: drawn.append(axis))
    scores = scores_of()
    scores = replace(scores, runs=[replace(scores.runs[0], recipe=f"r{number}") for number in range(6)])
    reliability(tmp_path / "a.svg", SimpleNamespace(scores=scores), SETTINGS)
    assert len(drawn) == 4


def test_recipes_without_a_score_are_said(tmp_path):
    scores = scores_of()
    scores = replace(scores, runs=[replace(run, status=["failed: diverged"] * 2) for run in scores.runs])
    reliability(tmp_path / "a.svg", SimpleNamespace(scores=scores), SETTINGS)
    assert (tmp_path / "a.svg").exists()


def test_values_have_no_probabilities(tmp_path):
    with pytest.raises(StageError, match="take it out of `figures:`"):
        reliability(tmp_path / "a.svg", SimpleNamespace(scores=scores_of(task="regression")), SETTINGS)
