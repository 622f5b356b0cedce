"""The table of `make sensitivity`, of made-up scores of each seed."""

import pytest
from landbridge.judge.scores import read_scores

from benchmarks.sensitivity import table_of, values
from tests.unit.judge.test_compare import SETTINGS, write


@pytest.mark.parametrize("statistic", ["mean", "pooled"])
def test_every_seed_has_a_value_of_its_own(tmp_path, statistic):
    write(tmp_path, "naive", {"1": 2.0}, model="none", variant="climatology")
    write(tmp_path, "source_only", {"1": 1.0})
    write(tmp_path, "good", {"1": "not_applicable: needs labels"})
    scores = read_scores(sorted(tmp_path.glob("*.parquet")), ["1"])
    found = values(scores, {**SETTINGS["headline"], "statistic": statistic})
    assert found.keys() == {("naive.climatology", "1"), ("source_only", "1")}
    first, second = found["source_only", "1"]
    assert second == pytest.approx(1.01 * first)  # as `write` makes them
    assert found["naive.climatology", "1"] == pytest.approx([2 * first, 2.02 * first])


def test_deviations_stand_beside_each_other_for_what_every_study_has():
    found = {
        "split": {("a", "1"): [1.0, 3.0], ("b", "1"): [1.0, 1.0]},
        "subset": {("a", "1"): [2.0, 2.0]},
    }
    head, row = table_of(found)
    assert head.split() == ["recipe", "budget", "mean", "sd", "of", "split", "sd", "of", "subset"]
    assert row.split() == ["a", "1", "2", "1.41", "0"]
