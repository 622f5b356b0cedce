"""Shuffled labels must not beat the naive reference: honest runs pass, and a leak that is planted raises the alarm."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landbridge.judge import alarms, bootstrap
from landbridge.judge.metrics import calibration, confusion, regression
from landbridge.judge.scores import read_scores
from landbridge.stage import StageError
from scipy.stats import ttest_1samp

GROUPS, SEEDS = 10, 3
SETTINGS = {
    "scenario": "towers",
    "headline": {"target": "y", "metric": "rmse", "statistic": "mean"},
    "bootstrap": {"replicates": 200, "level": 0.95},
}
CLASSES = ["a", "b"]


def write(folder, recipe, error, *, variant="", status="ok", classes=False, groups=GROUPS):
    """Scores of one recipe: RMSE `error(group, seed)` of each group, or that log loss on ten rows."""
    rows = []
    names = (*confusion.sum_names(len(CLASSES)), *calibration.SUMS) if classes else regression.SUMS
    for seed in range(SEEDS):
        for group in range(groups):
            sums = dict.fromkeys(names, 1.0)
            if classes:
                sums |= {"nll": 10 * error(group, seed), "n": 10.0}
            else:
                sums |= {"sum_sq_error": error(group, seed) ** 2}
            head = {"model": "none" if recipe == "naive" else "m", "recipe": recipe, "variant": variant, "fold": 0}
            head |= {"seed": seed, "budget": "4", "budget_size": 4, "selection": "fixed", "status": status}
            head |= {"target": "label" if classes else "y", "class_of": "", "unit": f"u{group}", "group": f"g{group}"}
            rows.append({**head, "block": 0, **sums})
    task = "classification" if classes else "regression"
    notes = json.dumps({"task": task, "targets": ["y"], "classes": CLASSES if classes else []})
    path = folder / f"{recipe}{variant}.parquet"
    pq.write_table(pa.Table.from_pylist(rows).replace_schema_metadata({"landbridge": notes}), path)
    return path


def judge(paths):
    scores = read_scores(paths, ["4"])
    alarms.refuse_learned_noise(scores, bootstrap.draw(scores, 200, "towers"), SETTINGS)


@pytest.mark.parametrize("classes", [False, True])
def test_a_score_that_no_training_can_explain_raises_the_alarm(tmp_path, classes):
    naive = write(tmp_path, "naive", lambda group, seed: 1.0, classes=classes)
    leaky = write(tmp_path, "shuffled_labels", lambda group, seed: 0.7 + 0.01 * seed, classes=classes)
    what = "pooled log_loss" if classes else "mean rmse"
    with pytest.raises(
        StageError, match=rf"alarm: m trained on shuffled labels beats .* at budget 4: {what} better by"
    ):
        judge([naive, leaky])


@pytest.mark.parametrize("classes", [False, True])
def test_what_is_as_good_or_worse_or_better_by_chance_is_no_alarm(tmp_path, classes):
    naive = write(tmp_path, "naive", lambda group, seed: 1.0, classes=classes)
    random = np.random.default_rng(0).normal(0, 0.2, (GROUPS, SEEDS))
    for error in (
        lambda g, s: 1.0,
        lambda g, s: 1.3,
        lambda g, s: 1 + random[g, s],
        lambda g, s: 0.1 if g == 0 else 1.0,
    ):
        judge([naive, write(tmp_path, "shuffled_labels", error, classes=classes)])


def test_one_order_that_goes_with_the_truth_by_luck_is_no_alarm(tmp_path):
    """All groups gain from the same luck, so that their interval alone would raise it."""
    naive = write(tmp_path, "naive", lambda group, seed: 1.0)
    judge([naive, write(tmp_path, "shuffled_labels", lambda group, seed: 0.98 - 0.05 * (seed == 1))])
    gains = np.array([0.02, 0.07, 0.02])
    assert alarms.chance(gains) == pytest.approx(ttest_1samp(gains, 0).pvalue / 2)
    assert (alarms.chance(np.full(3, 0.1)), alarms.chance(np.zeros(3))) == (0, 1)


def test_it_must_beat_every_naive_reference(tmp_path):
    """The mean of one tower may beat the climatology of one tower: nothing that shuffled labels would not tell."""
    climatology = write(tmp_path, "naive", lambda group, seed: 1.0)
    shuffled = write(tmp_path, "shuffled_labels", lambda group, seed: 0.7)
    mean = write(tmp_path, "naive", lambda group, seed: 0.65, variant="mean")
    judge([climatology, shuffled, mean])
    with pytest.raises(StageError, match="alarm"):
        judge([climatology, shuffled, write(tmp_path, "naive", lambda group, seed: 0.9, variant="mean")])


def test_what_can_not_be_judged_is_no_alarm_and_is_logged(tmp_path, caplog, monkeypatch):
    leaky = write(tmp_path, "shuffled_labels", lambda group, seed: 0.1)
    judge([leaky])
    assert "can't be judged: no naive reference" in caplog.text
    monkeypatch.setattr(alarms, "FEWEST_SEEDS", SEEDS + 1)
    naive = write(tmp_path, "naive", lambda group, seed: 1.0)
    judge([naive, leaky])
    assert "fewer than 4 seeds" in caplog.text
    monkeypatch.undo()
    few = [write(tmp_path, name, lambda g, s: 0.1, groups=2) for name in ("naive", "shuffled_labels")]
    judge(few)
    assert "no interval" in caplog.text
    idle = write(tmp_path, "shuffled_labels", lambda group, seed: 0.1, status="not_applicable: no labels")
    judge([write(tmp_path, "naive", lambda group, seed: 1.0), idle])
