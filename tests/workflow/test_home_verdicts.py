"""The short form of `make seeds ARGS=smart_meters`: a day of labels in homes abroad, and one that can tell nothing."""

from dataclasses import replace

import pytest
from landbridge.judge.effects import helps_at

from benchmarks import twin_seeds

STUDY = twin_seeds.STUDIES["smart_meters"]


def small(seed, kind):
    """Three homes on each side, trained briefly."""
    own = twin_seeds.homes(seed, kind)
    own["datasets"]["twin_homes_us"]["twin"] |= {"homes": 3, "days": 6}
    own["datasets"]["twin_homes_uk"]["twin"] |= {"homes": 3, "days": 10}
    own["twin"][STUDY.scenario]["budgets"] = [0, 1]
    own["models"] = {"refquery": {"training": {"epochs": 4, "fixed_steps": 120}}}
    return own


@pytest.fixture
def effects(monkeypatch, request):
    monkeypatch.setitem(twin_seeds.STUDIES, "smart_meters", replace(STUDY, settings=small))
    return twin_seeds.run("smart_meters", 11, request.param, seeds=1)[0]


def gain(effects, reference):
    wanted = {**STUDY.headline, "recipe": STUDY.recipe, "budget": "1", "reference": reference}
    return next(float(row["delta"]) for row in effects if wanted.items() <= row.items())


@pytest.mark.parametrize("effects", ["related"], indirect=True)
def test_a_labelled_day_moves_the_embeddings_towards_the_truth(effects):
    assert gain(effects, "source_only") > 1  # W
    assert not helps_at(effects, STUDY.recipe, "1", STUDY.headline).startswith("harms")


@pytest.mark.parametrize("effects", ["unrelated"], indirect=True)
def test_mains_that_tell_nothing_are_no_help(effects):
    assert gain(effects, "naive") < -1  # W: silence is better
    assert not helps_at(effects, STUDY.recipe, "1", STUDY.headline).startswith("helps")
