"""Votes of units and metrics of one class: the known answers of travel modes."""

import numpy as np
import pytest
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scales import voted
from landbridge.judge.scoring import Answers, score
from landbridge.stage import StageError

CLASSES = ["bike", "bus", "car", "train", "walk"]
BIKE, BUS, CAR, TRAIN, WALK = range(5)
SETTINGS = {
    "task": "classification",
    "targets": ["mode"],
    "classes": CLASSES,
    "scales": ["unit"],
    "model": "none",
    "recipe": "naive",
    "variant": "",
}
HEAD = {"fold": 0, "seed": 0, "budget": "0", "budget_size": 0, "selection": "", "status": "ok"}


def sure(predicted, share=0.9):
    """Log-probabilities (row, class) of rows that are all but sure."""
    found = np.full((len(predicted), len(CLASSES)), np.log((1 - share) / (len(CLASSES) - 1)))
    found[np.arange(len(predicted)), predicted] = np.log(share)
    return found


def sums_of(values, label, unit):
    """Sums over all cells, of one group."""
    unit = np.asarray(unit)
    units = [f"u{number}" for number in range(unit.max() + 1)]
    answers = Answers(
        labels=np.asarray(label, np.uint8),
        scorable=np.ones(len(unit), bool),
        row_unit=unit,
        row_time=None,
        cell=unit,
        cells=np.stack([np.arange(len(units)), np.zeros(len(units), int)], axis=1),
        units={"unit": units, "group": units, "class_of": [""] * len(units)},
        hash="",
    )
    table = score(answers, values, SETTINGS, HEAD)
    names = [name for name in table.column_names if name.startswith(("n", "confusion_"))]
    return {name: table[name].to_numpy().sum() for name in names}


def metric(sums, name):
    return find_metric("classification", name, CLASSES).function({key: np.asarray(own) for key, own in sums.items()})


def test_known_answers_of_trips():
    """Walk walk bike bus car train, taken for walk bike bike car car train."""
    sums = sums_of(sure([WALK, BIKE, BIKE, CAR, CAR, TRAIN]), [WALK, WALK, BIKE, BUS, CAR, TRAIN], range(6))
    for scale in ("", ".unit"):
        assert metric(sums, f"accuracy{scale}") == pytest.approx(4 / 6)
        assert metric(sums, f"macro_f1{scale}") == pytest.approx(0.6)
        for name, value in (("bike", 2 / 3), ("bus", 0), ("car", 2 / 3), ("train", 1), ("walk", 2 / 3)):
            assert metric(sums, f"f1.{name}{scale}") == pytest.approx(value)


def test_windows_vote_by_the_mean_of_their_log_probabilities():
    """Two doubtful windows for walk lose against one that is sure of bus; a majority of windows would say walk."""
    values = np.concatenate([sure([WALK, WALK], 0.3), sure([BUS], 0.999), sure([CAR])])
    sums = sums_of(values, [BUS, BUS, BUS, CAR], [0, 0, 0, 1])
    assert metric(sums, "accuracy") == pytest.approx(2 / 4)
    assert metric(sums, "accuracy.unit") == 1
    assert (sums["n"], sums["n.unit"]) == (4, 2)


def test_votes_are_probabilities_and_stand_in_the_cell_of_the_first_row():
    label, unit = np.array([BUS, BUS, CAR]), np.array([7, 7, 2])
    votes, labels, cells, units = voted(sure([WALK, BUS, CAR], 0.6), label, unit, np.array([5, 6, 1]))
    assert np.exp(votes).sum(axis=1) == pytest.approx([1, 1])
    assert (units.tolist(), labels.tolist(), cells.tolist()) == ([2, 7], [CAR, BUS], [1, 5])


def test_rows_of_one_unit_with_several_classes_have_no_vote():
    with pytest.raises(StageError, match="need one class for all rows of a unit"):
        voted(sure([WALK, BUS]), np.array([WALK, BUS]), np.array([0, 0]), np.array([0, 0]))


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("classification", "f1.boat"),
        ("classification", "accuracy.walk"),
        ("classification", "f1.walk.monthly"),
        ("segmentation", "iou.unit"),
        ("regression", "rmse.unit"),
        ("regression", "f1.walk"),
    ],
)
def test_metrics_that_are_none(task, name):
    with pytest.raises(StageError, match=f"metric {name} is not known"):
        find_metric(task, name, CLASSES)


def test_titles_say_class_and_vote():
    assert find_metric("classification", "f1.walk.unit", CLASSES).title == "F1 of walk (votes of units)"
