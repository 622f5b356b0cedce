"""The rule baseline: its three numbers, every threshold and clamp, every branch, by hand."""

import numpy as np
import pytest
from landbridge.contract import ContractError, Dataset, Variable
from landbridge.domains.gps_traces import baselines
from landbridge.domains.gps_traces.baselines import CLASSES, Rules, Thresholds, calibrate
from landbridge.methods.given import NotApplicable


def dataset(*speeds):
    """One unit a window: the first fix of a segment, then speeds in m/s."""
    return Dataset(
        {
            "row_size": Variable(("unit",), np.array([len(own) + 1 for own in speeds], np.int32)),
            "speed": Variable(("obs",), np.concatenate([[np.nan, *np.multiply(own, 3.6)] for own in speeds])),
        }
    )


def windows(*speeds):
    """The dataset, and ends and sizes of one window over all speeds of each unit."""
    made = dataset(*speeds)
    return made, np.cumsum(made["row_size"]) - 1, np.array([len(own) for own in speeds])


def test_the_three_numbers_of_a_window():
    first, second, third = [0.1, 0.2, 4.0, 2.0, 0.31], [7.0], [3.0, 3.0, 5.0]
    found = baselines.describe(*windows(first, second, third))
    for row, own in zip(found, (first, second, third), strict=True):
        spread = np.std(np.diff(own)) if len(own) > 1 else 0
        wanted = [np.quantile(own, 0.95), np.mean(np.array(own) < 0.3), spread]
        np.testing.assert_allclose(row, wanted, rtol=1e-9)
    assert found[0, 1] == pytest.approx(0.4)


def test_a_window_sees_its_own_steps_alone(monkeypatch):
    made = dataset([50.0, 1.0, 2.0, 4.0, 60.0])
    found = baselines.describe(made, np.array([4, 5]), np.array([3, 1]))
    np.testing.assert_allclose(found[0], [3.8, 0, 0.5])
    np.testing.assert_allclose(found[1], [60, 0, 0])
    monkeypatch.setattr(baselines, "CHUNK", 1)
    np.testing.assert_array_equal(baselines.describe(made, np.array([4, 5]), np.array([3, 1])), found)
    with pytest.raises(ContractError, match="is not inside one unit"):
        baselines.describe(made, np.array([2]), np.array([4]))


def numbers(fast, stops=0.0, rough=0.0):
    """(row, 3) of windows that differ in speed alone."""
    fast = np.atleast_1d(np.asarray(fast, float))
    return np.stack([fast, np.full(len(fast), stops), np.full(len(fast), rough)], axis=1)


def modes(**changes):
    """Numbers of each mode of a plausible place."""
    found = {
        "bike": numbers([4, 5, 6, 7, 8]),
        "bus": numbers([8, 9, 10, 11, 12], 0.3, 0.5),
        "car": numbers([10, 12, 14, 16, 18], 0.1, 1.0),
        "train": numbers([20, 22, 24, 26, 28]),
        "walk": numbers([1.0, 1.2, 1.4, 1.6, 1.8]),
    }
    return {**found, **changes}


def test_thresholds_of_a_plausible_place():
    found = calibrate(modes())
    road = [8, 9, 10, 11, 12, 10, 12, 14, 16, 18]
    assert found.walk_most == pytest.approx(1.6)
    assert found.bike_most == pytest.approx(7)
    assert found.train_least == pytest.approx(np.quantile([20, 22, 24, 26, 28], 0.35))
    assert found.road_least == pytest.approx(np.quantile(road, 0.2)) == pytest.approx(9.8)
    assert found.least_stops == pytest.approx(0.25)
    assert found.acceleration_split == pytest.approx(0.6 * 0.5 + 0.4 * 1.0)


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"walk": numbers(0.1)}, "walk_most", 0.3),
        ({"walk": numbers(9.0)}, "walk_most", 3.0),
        ({"bike": numbers(1.0)}, "bike_most", 1.6 + 0.6),  # above walking
        ({"bike": numbers(30.0)}, "bike_most", 8.0),
        ({"bike": numbers(0.1), "walk": numbers(0.1)}, "bike_most", 0.7),
        ({"bike": numbers(30.0)}, "road_least", 18.0),  # from bike 30 before it is held to 8
        ({"bus": numbers(1.0, 0.3, 0.5), "car": numbers(1.0, 0.1, 1.0)}, "road_least", 7.0),  # at least that of bikes
        ({"bus": numbers(50.0, 0.3, 0.5), "car": numbers(50.0)}, "road_least", 18.0),
        ({"train": numbers(2.0)}, "train_least", 9.8 + 1.5),  # 7 + 1 at first, then above the road
        ({"train": numbers(90.0)}, "train_least", 40.0),
        ({"train": numbers(2.0), "bike": numbers(30.0)}, "train_least", 31.0),
        ({"bus": numbers([8, 9, 10, 11, 12], 0.02, 0.5)}, "least_stops", 0.05),
        ({"bus": numbers([8, 9, 10, 11, 12], 0.85, 0.5)}, "least_stops", 0.7),
        ({"bus": numbers([8, 9], 0.3, 0.0), "car": numbers([10, 12], 0.1, 0.0)}, "acceleration_split", 0.05),
        ({"bus": numbers([8, 9], 0.3, 9.0)}, "acceleration_split", 2.0),
    ],
)
def test_each_clamp(changes, name, value):
    assert getattr(calibrate(modes(**changes)), name) == pytest.approx(value)


RULES = Rules(
    CLASSES,
    Thresholds(walk_most=2, bike_most=6, train_least=25, road_least=10, least_stops=0.2, acceleration_split=0.5),
    medians=np.array([[5, 0.1, 0.3], [9, 0.3, 0.4], [14, 0.1, 1.0], [8, 0.05, 0.2], [1, 0.1, 0.2]]),
    spreads=np.array([[1, 0.1, 0.1], [2, 0.1, 0.2], [4, 0.1, 0.5], [10, 0.05, 0.1], [0.5, 0.1, 0.1]]),
)


@pytest.mark.parametrize(
    ("row", "mode"),
    [
        ((25.0, 0.9, 0.1), "train"),  # at the line
        ((2.0, 0.9, 0.1), "walk"),
        ((2.1, 0.0, 0.0), "bike"),
        ((6.0, 0.0, 0.0), "bike"),
        ((10.0, 0.2, 0.6), "bus"),  # 0.6 is 1.2 times 0.5
        ((10.0, 0.19, 0.6), "car"),
        ((24.9, 0.5, 0.61), "car"),
        ((8.0, 0.3, 0.4), "bus"),  # between the rules: 0.5 from bus, at least 6 from any other
        ((8.5, 0.06, 0.2), "train"),  # 0.25 from train
        ((7.0, 0.12, 0.3), "bike"),  # 2.2 from bike, bus 3.3, train 2.5
    ],
)
def test_each_branch(row, mode):
    assert CLASSES[RULES.decide(np.array([row]))[0]] == mode


def test_distances_are_over_the_spread_of_each_class():
    row = np.array([[7.0, 0.12, 0.3]])
    narrow = Rules(CLASSES, RULES.thresholds, RULES.medians, np.where(RULES.spreads == 1, 0.2, RULES.spreads))
    assert CLASSES[narrow.decide(row)[0]] == "train"


def test_probabilities_are_finite_and_sum_to_one():
    found = RULES.predict(*windows([30.0, 30.0], [1.0, 1.0]))
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.exp(found.astype(float)).sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.exp(found), np.where(found == found.max(1, keepdims=True), 0.996, 0.001), rtol=1e-5)
    assert found.argmax(1).tolist() == [3, 4]
    assert RULES.predict(*windows([1.0])[:1], np.array([], int), np.array([], int)).shape == (0, 5)
    assert RULES.counts() == (36, 36)


SPEEDS = ([5, 6], [11, 0], [14, 15], [27, 28], [1, 1])


def test_rules_come_of_labelled_windows_alone():
    given = windows(*SPEEDS, [99.0, 99.0], [99.0, 99.0], [99.0, 99.0])
    labels = np.array([0, 1, 2, 3, 4, 4, np.nan, 255])[:, None]
    weights = np.array([1, 1, 1, 1, 0.5, 0, 1, 1])[:, None]
    found = baselines.fit(*given, labels, weights, CLASSES)
    alone = baselines.fit(*windows(*SPEEDS), np.arange(5), np.ones(5), CLASSES)
    assert found.thresholds == alone.thresholds
    np.testing.assert_array_equal(found.medians, alone.medians)
    assert found.thresholds.walk_most == pytest.approx(1)
    np.testing.assert_allclose(found.spreads, np.tile(baselines.LEAST_SPREAD, (5, 1)))  # one window has no spread
    np.testing.assert_allclose(found.medians[1], [10.45, 0.5, 0.0])
    assert found.predict(*windows(*SPEEDS)).argmax(1).tolist() == [0, 1, 2, 3, 4]


def test_the_order_of_classes_is_free():
    turned = CLASSES[::-1]
    found = baselines.fit(*windows(*SPEEDS), np.arange(5)[::-1], np.ones(5), turned)
    assert [turned[number] for number in found.predict(*windows(*SPEEDS)).argmax(1)] == list(CLASSES)


def test_where_the_rules_cannot_act():
    with pytest.raises(NotApplicable, match="none of train"):
        baselines.fit(*windows(*SPEEDS), np.array([0, 1, 2, 2, 4]), np.ones(5), CLASSES)
    with pytest.raises(NotApplicable, match="the classes are walk, bike"):
        baselines.fit(*windows([1.0]), np.array([0]), np.ones(1), ("walk", "bike"))
