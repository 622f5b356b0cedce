"""The short form of `make seeds ARGS=wetland_methane`: a simulator that says too little, and one that knows nothing."""

import dataclasses

import pytest
from landbridge.judge.effects import helps_at

from benchmarks import twin_seeds

STUDY = twin_seeds.STUDIES["wetland_methane"]


@pytest.fixture(autouse=True)
def smaller(monkeypatch):
    """Twins of two years, networks of fewer steps."""

    def settings(seed, kind):
        own = twin_seeds.wetlands(seed, kind)
        own["datasets"]["twin_wetlands"]["twin"] |= {"years": 2, "towers": 24, "wetland_cells": 40}
        own["training"] = {"epochs": 25, "fixed_steps": 50}
        own["twin"] = {"twin_wetlands": {"budgets": [0, "all"]}}
        return own

    study = dataclasses.replace(STUDY, settings=settings, budgets=("all",))
    monkeypatch.setitem(twin_seeds.STUDIES, "wetland_methane", study)
    return study


@pytest.mark.parametrize("seed", [1])
def test_a_residual_mends_what_a_simulator_says_too_little(smaller, seed):
    effects, _ = twin_seeds.run("wetland_methane", seed, "related", seeds=1)
    assert twin_seeds.gains(effects, smaller, "source_only")["all"] > 0
    assert not helps_at(effects, STUDY.recipe, "all", STUDY.headline).startswith("harms")


def test_a_simulator_that_knows_nothing_is_no_help():
    effects, _ = twin_seeds.run("wetland_methane", 1, "unrelated", seeds=1)
    assert not helps_at(effects, STUDY.recipe, "all", STUDY.headline).startswith("helps")
