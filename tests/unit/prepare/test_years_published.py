"""The published temporal rule: the last of a group's calendar years are its test."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from landbridge.prepare.population import Population, published_test_years
from landbridge.prepare.split_rules import years_published
from landbridge.stage import StageError

SHARES = {"target_unlabelled": 0.0, "target_pool": 1.0, "target_val": 0.0, "target_test": 0.0}


def day(text):
    return int(np.datetime64(text, "D").astype(int))


SETTINGS: Mapping[str, Any] = {
    "budget_axis": "time",
    "seed": 1,
    "folds": 1,
    "shares": SHARES,
    "length": 30,
    "gap": 30,
    "tick_of_year": lambda year: day(f"{year}-01-01"),
}


def towers(*records):
    """Two groups of the source, then one target for each first and last day."""
    spans = [("2010-01-01", "2012-12-31")] * 2 + list(records)
    units = len(spans)
    return Population(
        names=[f"u{number}" for number in range(units)],
        groups=[f"g{number}" for number in range(units)],
        classes=[""] * units,
        is_target=np.arange(units) >= 2,
        start=np.array([day(first) for first, _ in spans]),
        stop=np.array([day(last) for _, last in spans]),
    )


@pytest.mark.parametrize(
    ("first", "last", "cut"),
    [
        ("2013-01-01", "2018-12-31", "2018-01-01"),
        ("2017-06-01", "2018-03-31", "2018-01-01"),  # years count also where they are incomplete
        ("2010-01-01", "2018-12-31", "2017-01-01"),  # nine years: two are tested
    ],
)
def test_records_are_cut_at_the_first_of_their_test_years(first, last, cut):
    found = {stretch.part: stretch for stretch in years_published(towers((first, last)), SETTINGS, 0)}
    pool, test = found["target_pool"], found["target_test"]
    assert (test.start, test.stop) == (day(cut), day(last))
    assert (pool.start, pool.stop) == (day(first), day(cut) - 31)
    years = range(int(first[:4]), int(last[:4]) + 1)
    assert published_test_years(years)[0] == int(cut[:4])
    assert {"source_train", "source_val"} <= set(found)


def test_a_group_of_one_year_takes_no_part():
    found = years_published(towers(("2018-01-01", "2018-12-31"), ("2017-01-01", "2018-12-31")), SETTINGS, 0)
    assert {stretch.unit for stretch in found if stretch.part.startswith("target")} == {3}


def test_units_of_a_group_are_cut_on_one_day():
    whole = replace(towers(("2012-01-01", "2016-12-31"), ("2013-01-01", "2018-12-31")), groups=["a", "b", "c", "c"])
    found = [stretch for stretch in years_published(whole, SETTINGS, 0) if stretch.part == "target_test"]
    assert {stretch.start for stretch in found} == {day("2018-01-01")}


@pytest.mark.parametrize(
    ("population", "changed", "message"),
    [
        (towers(("2018-01-01", "2018-12-31")), {}, "no target group has two calendar years"),
        (replace(towers(("2010-01-01", "2018-12-31")), is_target=None), {}, "write two populations"),
        (towers(("2010-01-01", "2018-12-31")), {"budget_axis": "groups"}, "budget_axis: time"),
        (towers(("2010-01-01", "2018-12-31")), {"gap": 7}, "shorter than a window of 30"),
        (towers(("2010-01-01", "2018-12-31")), {"folds": 2}, "write folds: 1"),
    ],
)
def test_what_can_not_be_cut_so_is_refused(population, changed, message):
    with pytest.raises(StageError, match=message):
        years_published(population, {**SETTINGS, **changed}, 0)
