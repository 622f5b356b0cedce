"""Copies of test units that are planted in the training: what they hold, that the audit finds them, and where not."""

import numpy as np
import pytest
from landbridge.config import ConfigError
from landbridge.contract import Dataset
from landbridge.offered import read_config
from landbridge.prepare import audit, plant, ragged, split
from landbridge.stage import StageError

PLANT = {"copies": 0.5, "noise": 1e-4}
CHIPS = {
    "task": "segmentation",
    "kind": "chips",
    "targets": ["label"],
    "classes": ["no", "yes"],
    "inputs": ["reflectance"],
    "window": None,
    "quality": None,
    "min_scored": 1,
    "class_of": None,
}


def both(made, kind):
    """A dataset and its settings with copies planted and without."""
    if kind == "series":
        return made.towers(), made.settings(split={"plant": PLANT}), made.settings()
    own = {**CHIPS, "split": {"rule": "whole_groups", "stratify": None}}
    return made.chips(40), made.settings(**{**own, "split": {**own["split"], "plant": PLANT}}), made.settings(**own)


@pytest.mark.parametrize("kind", ["series", "chips"])
def test_copies_are_test_units_with_noise_under_other_names(made, kind):
    dataset, settings, honest = both(made, kind)
    found = split.part(dataset, dataset, settings, 0).dataset
    plain = split.part(dataset, dataset, honest, 0).dataset
    names = np.asarray(found["unit_name"]).astype(str)
    copies = np.flatnonzero(np.char.endswith(names, plant.COPY))
    tested = names[np.asarray(found["part"]) == "target_test"]
    assert len(copies) == -(-len(tested) // 2)
    assert (found["part"][copies] == "source_train").all()
    assert not set(found["group"][copies]) & set(np.delete(found["group"], copies))
    assert not set(found["site"][copies]) & set(np.delete(found["site"], copies))
    rest = ragged.select_units(found, np.setdiff1d(np.arange(len(names)), copies))
    assert split.split_table(rest) == split.split_table(plain)
    originals = [names.tolist().index(name.removesuffix(plant.COPY)) for name in names[copies]]
    assert set(names[originals]) <= set(tested)
    one, other = ragged.select_units(found, copies), ragged.select_units(found, np.array(originals))
    columns = (*made.inputs, *made.targets) if kind == "series" else ("reflectance",)
    for name in columns:
        apart = one[name] - other[name]
        assert 0 < np.abs(apart).max() < 6e-4 * np.std(found[name])
    assert (
        np.array_equal(one["trust"], other["trust"])
        if kind == "series"
        else np.array_equal(one["label"], other["label"])
    )


@pytest.mark.parametrize("kind", ["series", "chips"])
def test_the_audit_finds_the_copies_and_nothing_is_trained_unless_leaks_are_allowed(made, cut, kind):
    dataset, settings, _ = both(made, kind)
    with pytest.raises(StageError, match=r"the same record under two names, in different parts: .* \(planted copy\)"):
        cut(dataset, settings)
    found = cut(dataset, {**settings, "split": {**settings["split"], "allow_leaks": True}})
    levels = {check["check"]: check["level"] for check in found["report"]["checks"]}
    assert levels["near duplicates"] == "failure"
    assert levels["shared groups"] == levels["answers unreachable"] == "ok"
    assert "near duplicates" in found["answers"].attributes["leakage"]
    copies = [row for row in found["table"] if row["unit"].endswith(plant.COPY)]
    assert copies and {row["part"] for row in copies} == {"source_train"}
    assert {plant.COPY in name for name in found["source"]["unit_name"]} == {True, False}


def test_a_copy_of_a_tower_in_a_simulated_source_is_found_and_the_simulation_itself_is_not(made):
    """A simulator's labels at a tower's own weather are no copy; those that are the tower's own day for day are one."""
    settings = made.settings(split={"simulated_at": "site"})
    honest = split.part(made.towers(), made.towers(), made.settings(), 0).dataset
    checks = {check["check"]: check for check in audit.near_duplicates(honest, settings)}
    assert checks["near duplicates"]["level"] == "ok"
    leaking = plant.planted(honest, {**settings, "split": {**settings["split"], "plant": PLANT}}, 0)
    checks = {check["check"]: check for check in audit.near_duplicates(leaking, settings)}
    assert checks["near duplicates"]["level"] == "failure"
    simulated = np.char.endswith(np.asarray(leaking["unit_name"]).astype(str), plant.COPY)
    rows = np.repeat(simulated, leaking["row_size"])
    random = np.random.default_rng(0)
    other = {
        name: np.where(rows, leaking[name] + random.normal(0, 1, len(rows)), leaking[name]) for name in made.targets
    }
    checks = {check["check"]: check for check in audit.near_duplicates(made.changed(leaking, **other), settings)}
    assert {check["level"] for check in checks.values()} == {"ok"}


def test_copies_are_equal_from_run_to_run_and_others_in_another_fold(made):
    dataset, settings, _ = both(made, "series")
    first, again = (split.part(dataset, dataset, settings, 0).dataset for _ in range(2))
    assert all(np.array_equal(first[name], again[name]) for name in ("unit_name", *made.inputs))
    other = plant.planted(Dataset(first.variables), settings, 1)
    assert len(other["unit_name"]) > len(first["unit_name"])


def test_published_data_are_never_planted():
    own = {"real": {"real_towers_monthly": {"split": {"plant": {"copies": 0.5}}}}}
    with pytest.raises(ConfigError, match=r"real_towers_monthly\.split\.plant: a leak is planted in twins alone"):
        read_config({"domains": ["flux_towers"], "flux_towers": own}, [])


def test_every_domain_measures_what_a_planted_leak_brings():
    config = read_config({}, [])
    for name, domain in config.domains.items():
        planted = {word for word, scenario in domain.twin.items() if scenario.split.plant is not None}
        measured = {contrast.flattering for contrast in domain.contrasts.values() if contrast.must_inflate}
        assert planted and planted == measured, name
        assert not any(domain.twin[word].default for word in planted)
        assert all(domain.twin[word].split.allow_leaks for word in planted)
