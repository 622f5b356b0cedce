"""Recipes on sets that differ from their source in one known way do what must come of it, in five seeds.

All stages from split to compare run in this process. What is asked of a scenario, and why, stands in
`tests/ground_truth_scenarios.py`.
"""

import numpy as np
import pytest

from tests import ground_truth
from tests.ground_truth import Population
from tests.ground_truth_scenarios import SCENARIOS

SEEDS = range(5)


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_must_come_of_a_shift_comes_in_every_seed(name, tmp_path):
    found = {seed: ground_truth.run(SCENARIOS[name], seed, tmp_path / str(seed)) for seed in SEEDS}
    for claim in SCENARIOS[name].claims:
        margins = {seed: round(claim.margin(own), 3) for seed, own in found.items()}
        assert min(margins.values()) >= claim.least, f"{claim.text}: {margins}, at least {claim.least}"


def test_a_shift_of_labels_leaves_what_the_inputs_of_a_class_are_like():
    few, many = (Population([1.0], noise=0.0, high=share, apart=0.1) for share in (0.1, 0.9))
    drawn = []
    for own in (few, many):
        x, y, _ = own.rows(np.random.default_rng(0), 5000)
        assert (y > 0).sum() == round(own.high * 5000)
        assert np.abs(y).min() > 0.1
        drawn.append(x[y > 0, 0])
    assert abs(drawn[0].mean() - drawn[1].mean()) < 0.06  # 4 standard errors of the smaller part
    assert abs(drawn[0].std() - drawn[1].std()) < 0.06


def test_the_copied_input_turns_with_its_sign_and_the_others_do_not():
    for sign in (1.0, -1.0):
        x, y, truth = Population([1.0], noise=1.5, copied=sign).rows(np.random.default_rng(0), 5000)
        assert np.corrcoef(x[:, 1], y)[0, 1] * sign > 0.9
        np.testing.assert_array_equal(truth, x[:, 0])


def test_a_control_has_the_very_source_of_its_scenario(tmp_path):
    for name in ("label_shift", "batch_norm"):
        own = SCENARIOS[name]
        for one, other in zip(
            ground_truth.units(own, own.target, 3), ground_truth.units(own, own.control, 3), strict=True
        ):
            assert np.array_equal(one[2][0], other[2][0]) is (one[1]["side"] == "source")
