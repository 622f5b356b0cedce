"""Tests over groups: known answers, brute force, and when nothing is said."""

import itertools

import numpy as np
import pytest
from landbridge.judge import significance


def test_fewer_than_six_pairs_can_not_be_significant():
    assert np.isnan(significance.signed_rank(np.arange(1.0, 6)))
    assert np.isnan(significance.signed_rank(np.array([1, 2, 3, 4, 5, np.nan])))
    assert significance.signed_rank(np.arange(1.0, 7)) == pytest.approx(2 / 2**6)


def test_the_smallest_p_of_five_pairs(monkeypatch):
    monkeypatch.setattr(significance, "FEWEST_PAIRS", 5)
    assert significance.signed_rank(np.arange(1.0, 6)) == pytest.approx(0.0625)


def test_signed_ranks_equal_all_signs():
    gains = np.random.default_rng(1).normal(0.4, 1, 9)
    rank = np.argsort(np.argsort(abs(gains))) + 1
    every = [np.dot(signs, rank) for signs in itertools.product((0, 1), repeat=9)]
    own = rank[gains > 0].sum()
    tail = min(np.mean(np.array(every) <= own), np.mean(np.array(every) >= own))
    assert significance.signed_rank(gains) == pytest.approx(min(1, 2 * tail))


def test_no_gain_at_all_is_no_evidence():
    assert significance.signed_rank(np.zeros(8)) == 1


def test_holm():
    assert significance.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert significance.holm([0.6, 0.7]) == [1, 1]
    with_gap = significance.holm([0.01, float("nan"), 0.03])
    assert with_gap[::2] == pytest.approx([0.02, 0.03]) and np.isnan(with_gap[1])
    assert significance.holm([]) == []


def test_holm_refuses_what_its_steps_refuse():
    """The smallest p is held against level / m, the next against level / (m - 1), until one fails."""
    random = np.random.default_rng(2)
    for _ in range(50):
        p = random.uniform(0, 0.1, 6)
        left, refused = list(np.argsort(p)), set()
        while left and p[left[0]] <= 0.05 / len(left):
            refused.add(int(left.pop(0)))
        assert {number for number, own in enumerate(significance.holm(p)) if own <= 0.05} == refused


@pytest.mark.parametrize(("tasks", "expected"), [(5, 2.73), (10, 1.93), (30, 1.11)])
def test_critical_difference(tasks, expected):
    assert significance.critical_difference(5, tasks) == pytest.approx(expected, abs=0.005)


def test_ranks_share_a_tie():
    np.testing.assert_array_equal(significance.ranks(np.array([[3, 1, 2], [1, 1, 0]])), [[1, 3, 2], [1.5, 1.5, 3]])


def test_alike_are_the_largest_runs_within_the_difference():
    assert significance.alike(np.array([1, 1.5, 3, 3.2, 5]), 1.8) == [(0, 1), (1, 3), (3, 4)]
    assert significance.alike(np.array([1.0, 4.0]), 1.0) == []


@pytest.mark.parametrize(
    ("tasks", "methods", "words"),
    [(9, 3, "at least 10"), (12, 13, "no more methods than tasks"), (12, 2, "three or more"), (12, 12, "")],
)
def test_a_sentence_stands_in_the_place_of_a_diagram(tasks, methods, words):
    found = significance.why_no_diagram(tasks, methods)
    assert bool(found) == bool(words) and words in found
