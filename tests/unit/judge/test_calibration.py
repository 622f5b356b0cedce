"""Calibration: five rows made by hand, with the answers worked out on paper."""

import numpy as np
import pytest
from landbridge.contract import PROBABILITY_SCALE
from landbridge.judge import bootstrap
from landbridge.judge.metrics import calibration
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scores import Run, Scores, by_group
from landbridge.judge.scoring import Answers, score

LABEL = np.array([0, 1, 0, 1, 2])
PROBABILITY = np.array(
    [
        [0.9, 0.1, 0.0],  # 0.9, right: (0.1, 0.1, 0)
        [0.85, 0.05, 0.1],  # 0.85, wrong: (0.85, 0.95, 0.1)
        [0.7, 0.2, 0.1],  # 0.7, right: (0.3, 0.2, 0.1)
        [0.2, 0.65, 0.15],  # 0.65, right: (0.2, 0.35, 0.15)
        [0.4, 0.35, 0.25],  # 0.4, wrong: (0.4, 0.35, 0.75)
    ]
)
SQUARES = np.array([0.02, 1.635, 0.14, 0.185, 0.845])
# Right less confidence by bin: (0.8, 0.9] 1 - 1.75, (0.6, 0.7] 2 - 1.35, (0.3, 0.4] 0 - 0.4.
ECE, BRIER = (0.75 + 0.65 + 0.4) / 5, 2.825 / 5
SETTINGS = {"targets": ["cover"], "model": "m", "recipe": "r", "variant": "", "classes": ["a", "b", "c"]}
HEAD = {"fold": 0, "seed": 0, "budget": "1", "budget_size": 1, "selection": "", "status": "ok"}


def logs(probability):
    return np.log(np.maximum(probability, 1e-12))


def sums_of(label, probability, cell=None, cells=1):
    cell = np.zeros(len(label), int) if cell is None else np.asarray(cell)
    return calibration.sums(np.asarray(label), np.argmax(probability, axis=1), logs(probability), cell, cells)


def named(sums, n):
    return {"n": np.asarray(float(n)), **dict(zip(calibration.SUMS, sums, strict=True))}


def scored(labels, values, row_unit, task="classification", **changes):
    """Columns of the table of scores; each unit is a cell and a group of its own."""
    row_unit = np.asarray(row_unit)
    units = [f"u{number}" for number in range(row_unit.max() + 1)]
    answers = Answers(
        labels=np.asarray(labels, np.uint8),
        scorable=np.ones(len(row_unit), bool),
        row_unit=row_unit,
        row_time=None,
        cell=row_unit,
        cells=np.stack([np.arange(len(units)), np.zeros(len(units), int)], axis=1),
        units={"unit": units, "group": units, "class_of": [""] * len(units)},
        hash="",
    )
    table = score(answers, values, {**SETTINGS, "task": task, **changes.pop("settings", {})}, {**HEAD, **changes})
    return {name: table[name].to_numpy() for name in table.column_names}


# -- known answers ------------------------------------------------------------------------------------------------


def test_sums_of_five_rows():
    found = named(sums_of(LABEL, PROBABILITY)[0], 5)
    expected = {"n": {8: 2, 6: 2, 3: 1}, "confidence": {8: 1.75, 6: 1.35, 3: 0.4}, "right": {8: 1, 6: 2, 3: 0}}
    for what, by_bin in expected.items():
        for number in range(calibration.BINS):
            assert found[f"bin_{what}_{number}"] == pytest.approx(by_bin.get(number, 0)), (what, number)
    assert found["brier_sum"] == pytest.approx(SQUARES.sum())


def test_errors_of_five_rows():
    found = named(sums_of(LABEL, PROBABILITY)[0], 5)
    assert calibration.ece(found) == pytest.approx(ECE)
    assert calibration.brier(found) == pytest.approx(BRIER)
    np.testing.assert_allclose(calibration.bin_accuracy(found)[[8, 6, 3]], [0.5, 1, 0])
    np.testing.assert_allclose(calibration.bin_confidence(found)[[8, 6, 3]], [0.875, 0.675, 0.4])
    assert np.isnan(calibration.bin_accuracy(found)[[0, 9]]).all()
    np.testing.assert_allclose(calibration.bin_share(found), [0, 0, 0, 0.2, 0, 0, 0.4, 0, 0.4, 0])


def test_sure_and_right_is_perfect_and_sure_and_wrong_is_the_worst():
    for label, ece, brier in ((0, 0, 0), (1, 1, 2)):
        found = named(sums_of([label], np.array([[1.0, 0.0]]))[0], 1)
        assert calibration.ece(found) == pytest.approx(ece, abs=1e-9)
        assert calibration.brier(found) == pytest.approx(brier, abs=1e-9)


def test_a_coin_that_is_called_a_coin_has_no_calibration_error():
    found = named(sums_of([0, 1], np.full((2, 2), 0.5))[0], 2)
    assert calibration.ece(found) == 0
    assert calibration.brier(found) == pytest.approx(0.5)


@pytest.mark.parametrize(("confidence", "number"), [(0.5, 4), (0.51, 5), (0.6, 5), (0.7, 6), (0.9, 8), (1.0, 9)])
def test_a_bin_ends_with_its_upper_edge(confidence, number):
    found = named(sums_of([0], np.array([[confidence, 1 - confidence]]))[0], 1)
    assert [found[f"bin_n_{b}"] for b in range(calibration.BINS)] == [b == number for b in range(calibration.BINS)]


def test_no_rows_have_no_error():
    none = sums_of(np.zeros(0, int), np.zeros((0, 3)), cells=2)
    assert none.shape == (2, len(calibration.SUMS))
    assert none.dtype == float
    assert np.isnan(calibration.ece(named(none[0], 0)))
    assert np.isnan(calibration.brier(named(none[0], 0)))


# -- properties ---------------------------------------------------------------------------------------------------


def test_sums_of_cells_add_up():
    parts = sums_of(LABEL, PROBABILITY, cell=[0, 1, 0, 2, 2], cells=3)
    np.testing.assert_allclose(parts.sum(axis=0), sums_of(LABEL, PROBABILITY)[0])


def test_probabilities_need_not_add_up_to_one():
    before = logs(PROBABILITY)
    given = before.copy()
    predicted = PROBABILITY.argmax(axis=1)
    cell = np.zeros(5, int)
    shifted = calibration.sums(LABEL, predicted, given + np.arange(5)[:, None], cell, 1)
    np.testing.assert_allclose(shifted, calibration.sums(LABEL, predicted, given, cell, 1))
    np.testing.assert_array_equal(given, before)  # what is handed in stays as it is


def test_one_row_stays_as_it_is():
    given = logs(PROBABILITY[:1])
    calibration.sums(LABEL[:1], np.array([0]), given, np.zeros(1, int), 1)
    np.testing.assert_array_equal(given, logs(PROBABILITY[:1]))


# -- in scores ----------------------------------------------------------------------------------------------------


def test_pooled_and_by_group():
    """Rows 0 to 2 in one group, 3 and 4 in another."""
    found = scored(LABEL, logs(PROBABILITY), [0, 0, 0, 1, 1])
    names = tuple(name for name in found if name in ("n", "nll", *calibration.SUMS) or name.startswith("confusion_"))
    array = np.stack([found[name] for name in names], axis=1)[None]  # (seed, cell, sum)
    run = Run("m", "r", "", {"label": array[None]}, [""], ["ok"], [1])
    scores = Scores(
        *([run], names, ["label"], ["1"], ["u0", "u1"], ["", ""], np.array([0, 1]), [0], "classification"),
        classes=SETTINGS["classes"],
    )
    by_hand = {"ece": (ECE, [(0.75 + 0.3) / 3, (0.35 + 0.4) / 2]), "brier": (BRIER, [1.795 / 3, 1.03 / 2])}
    draws = bootstrap.draw(scores, 5, "s")
    for name, (pooled, groups) in by_hand.items():
        metric = find_metric("classification", name)
        assert metric.better == "lower"
        np.testing.assert_allclose(by_group(run, scores, metric, 0, "label"), [groups])
        values = bootstrap.replicate_values(array, scores, draws, metric, ["pooled", "mean"])
        assert values["pooled"][0] == pytest.approx(pooled)
        assert values["mean"][0] == pytest.approx(np.mean(groups))


def test_votes_have_their_own():
    """Rows 0 and 2 are one unit of class 0, the others stand alone."""
    found = scored(LABEL, logs(PROBABILITY), [0, 1, 0, 2, 3], settings={"scales": ["unit"]})
    sums = {name: values.sum() for name, values in found.items() if values.dtype == float}
    sums["n.unit"] = found["n.unit"].sum()
    vote = np.sqrt(0.9 * 0.7), np.sqrt(0.1 * 0.2), np.sqrt(1e-12 * 0.1)
    share = vote[0] / sum(vote)  # 0.85, in the bin of 0.85
    ece = find_metric("classification", "ece.unit").function(sums)
    assert ece == pytest.approx((abs(1 - share - 0.85) + 0.35 + 0.4) / 4)
    brier = (1 - share) ** 2 + (vote[1] / sum(vote)) ** 2 + (vote[2] / sum(vote)) ** 2
    assert find_metric("classification", "brier.unit").function(sums) == pytest.approx((brier + 2.665) / 4)


def test_pixels_in_254ths_are_made_to_add_up():
    stored = np.array([[[[127, 254]], [[128, 0]]]])  # (row, class, y, x); the first pixel adds up to 255
    changes = {"task": "segmentation", "settings": {"classes": ["no", "yes"]}}
    found = scored([[[1, 0]]], stored / PROBABILITY_SCALE, [0], **changes)
    assert found["bin_n_5"] == found["bin_n_9"] == 1
    assert found["bin_confidence_5"] == pytest.approx(128 / 255)
    assert found["brier_sum"] == pytest.approx(2 * (127 / 255) ** 2, abs=1e-9)
    ignored = scored([[[255, 0]]], stored / PROBABILITY_SCALE, [0], **changes)
    assert (ignored["n"], ignored["bin_n_5"], ignored["bin_n_9"]) == (1, 0, 1)


def test_what_is_not_ok_has_no_sums():
    found = scored(LABEL, np.full((5, 3), np.nan), [0, 0, 0, 1, 1], status="failed: diverged")
    assert all(np.isnan(found[name]).all() for name in calibration.SUMS)
    assert found["n"].tolist() == [3, 2]
