"""What a scenario holds is the same for every seed, and what it does not hold is not."""

import numpy as np
import pytest

from tests.line import Line


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    return Line(tmp_path_factory.mktemp("held") / "line", "regression", recipes=("target_only",), side=8)


def labels_and_predictions(line, seed, hold):
    found = line.transfer("target_only", seed, budgets=["4"], hold=hold)
    return str(found["labels_hash"][0]), np.asarray(found["prediction"])


@pytest.mark.parametrize(
    ("hold", "same_labels", "same_predictions"),
    [([], False, False), (["subset"], True, False), (["init"], False, False), (["init", "subset"], True, True)],
)
def test_seeds_differ_in_what_is_not_held(line, hold, same_labels, same_predictions):
    (first, one), (second, other) = (labels_and_predictions(line, seed, hold) for seed in (0, 1))
    assert (first == second) == same_labels
    assert np.array_equal(one, other, equal_nan=True) == same_predictions


def test_a_seed_that_is_held_is_that_of_seed_0(line):
    plain, _ = labels_and_predictions(line, 0, [])
    held, _ = labels_and_predictions(line, 1, ["subset"])
    assert plain == held


def test_source_models_begin_alike_where_the_beginning_is_held(line):
    line.settings["hold"] = ["init"]
    try:
        for seed in (0, 1):
            line.pretrain(seed)
    finally:
        del line.settings["hold"]
    line.pretrain(2)
    first, second, other = (line.folder.joinpath(f"checkpoint{seed}").read_bytes() for seed in range(3))
    assert first == second
    assert first != other
