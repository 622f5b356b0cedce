"""Distances and components against known answers and brute force."""

import numpy as np
import pytest
from landbridge.prepare import groups


def test_a_quarter_of_the_equator_and_of_a_meridian():
    quarter = np.pi / 2 * groups.EARTH_RADIUS_KM
    assert groups.distance_km(0, 0, 0, 90) == pytest.approx(quarter)
    assert groups.distance_km(0, 30, 90, 30) == pytest.approx(quarter)
    assert groups.distance_km(10, 179.9, 10, -179.9) == pytest.approx(
        0.2 * np.pi / 180 * groups.EARTH_RADIUS_KM * np.cos(np.radians(10)), rel=1e-4
    )


def test_components_of_a_chain_and_of_strangers():
    linked = np.zeros((6, 6), bool)
    for first, second in ((5, 4), (4, 3), (3, 0), (1, 2)):
        linked[first, second] = True
    np.testing.assert_array_equal(groups.components(linked), [0, 1, 1, 0, 0, 0])


def test_components_equal_brute_force():
    random = np.random.default_rng(0)
    for _ in range(20):
        linked = random.random((25, 25)) < 0.04
        reach = linked | linked.T | np.eye(25, dtype=bool)
        for _ in range(25):
            reach = reach @ reach
        np.testing.assert_array_equal(groups.components(linked), reach.argmax(axis=1))


def test_groups_bear_the_first_name_of_their_members():
    linked = np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]], bool)
    assert groups.group_names(linked, ["b", "a", "c"]) == ["a", "a", "c"]
