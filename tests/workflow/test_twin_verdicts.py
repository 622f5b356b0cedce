"""The short form of `make seeds`: twins in which transfer helps, and some in which nothing can."""

import pytest
from landbridge.judge.effects import helps_at

from benchmarks.twin_seeds import STUDIES, run, value_of

HEADLINE = STUDIES["gps_traces"].headline


def gain(effects, reference):
    wanted = {**HEADLINE, "recipe": "full_finetune", "budget": "50", "reference": reference}
    return next(float(row["delta"]) for row in effects if wanted.items() <= row.items())


@pytest.mark.parametrize("seed", [1])
def test_fifty_trips_go_further_from_a_pretrained_model(seed):
    effects, _ = run("gps_traces", seed, "related", seeds=2)
    assert gain(effects, "target_only") > 0
    assert gain(effects, "naive") > 0.1
    assert not helps_at(effects, "full_finetune", "50", HEADLINE).startswith("harms")


def test_modes_at_random_are_no_help():
    effects, _ = run("gps_traces", 1, "relabelled", seeds=1)
    assert not helps_at(effects, "full_finetune", "50", HEADLINE).startswith("helps")


@pytest.mark.parametrize("seed", [1])
def test_two_fires_bring_a_pretrained_network_further_than_a_threshold(seed):
    study = STUDIES["satellite_imagery"]
    effects, leaderboard = run("satellite_imagery", seed, "related", seeds=1)
    adapted, threshold = (value_of(leaderboard, study, name, "2") for name in (study.recipe, study.rival))
    assert adapted > threshold + 0.05
    assert not helps_at(effects, study.recipe, "2", study.headline).startswith("harms")
