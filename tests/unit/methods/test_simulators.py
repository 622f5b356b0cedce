"""Recipes that start from a simulation: without labels, with a perfect simulator and with a biased one."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from landbridge import registry
from landbridge.io import netcdf
from landbridge.methods import gradient_boosted_trees, residual_over_simulator, simulate_then_finetune
from landbridge.methods import stacking_on_surrogate as stacking
from landbridge.methods.given import LabelledRows, NotApplicable, RightError
from landbridge.methods.ridge import chosen, folds
from landbridge.stage import StageError

from tests import synthetic
from tests.line import Line
from tests.unit.methods.test_known_answers import fit, weights


class Rows:
    """Rows to predict, with features of their own."""

    task, outputs = "regression", 1

    def __init__(self, table, simulated):
        self.values, self.simulated = table, simulated

    @property
    def prediction_rows(self):
        return len(self.values)

    def prediction_table(self):
        return self.values


class Simulator:
    """Says of each row what the row holds."""

    has_features = True

    def predict(self, samples):
        return samples.simulated

    def hidden(self, samples):
        return samples.values**2

    def counts(self):
        return 0, 100


def world(groups=4, days=50, seed=0, features=3):
    """Features, a simulation and the group of each row."""
    random = np.random.default_rng(seed)
    table = random.normal(size=(groups * days, features))
    simulated = 10 + 4 * table[:, :1] + random.normal(size=(groups * days, 1))
    return Rows(table, simulated), np.repeat([f"site{n}" for n in range(groups)], days), random


def given(rows, label, groups, module=residual_over_simulator, **own):
    """What a fit is handed: every row is labelled."""
    labelled = LabelledRows(rows, label, np.isfinite(label).astype(float), groups)
    default = {"variant": getattr(module, "VARIANTS", ("",))[0], "classes": (), "seed": 1, "known_groups": False}
    settings = {**module.DEFAULTS, **own.pop("settings", {})}
    target = SimpleNamespace(labelled=lambda: labelled)
    budget = len(np.unique(groups))
    return SimpleNamespace(
        **{**default, "budget": budget, "target": target, "pretrained": Simulator, "settings": settings, **own}
    )


def rmse(one, other):
    return float(np.sqrt(((one - other) ** 2).mean()))


@pytest.mark.parametrize("groups", [1, 3, 9])
def test_a_simulator_that_is_the_truth_is_left_as_it_is(groups):
    rows, names, _ = world(groups)
    found = residual_over_simulator.fit(given(rows, rows.simulated, names))
    assert found.factor.tolist() == [0]
    np.testing.assert_allclose(found.predict(rows), rows.simulated, atol=1e-9)
    assert (found.slope[0], found.offset[0]) == (pytest.approx(1), pytest.approx(0, abs=1e-9))


def test_the_line_is_least_squares_from_eight_groups_on():
    for groups, slope, offset in ((7, 1, 0), (8, 2, -3)):
        rows, names, _ = world(groups)
        found = residual_over_simulator.fit(given(rows, 2 * rows.simulated - 3, names))
        assert (found.slope[0], found.offset[0]) == (pytest.approx(slope), pytest.approx(offset, abs=1e-6))


def test_factor_zero_is_the_line_alone():
    rows, names, random = world(8)
    found = residual_over_simulator.fit(given(rows, 2 * rows.simulated + random.normal(size=(400, 1)), names))
    none = dataclasses.replace(found, factor=np.zeros(1))
    np.testing.assert_array_equal(none.predict(rows), found.slope * rows.simulated + found.offset)


def test_a_line_through_a_simulation_that_never_changes_only_moves_it():
    assert residual_over_simulator.line(np.full(4, 5.0), np.array([6.0, 8, 6, 8]), np.ones(4)) == (1.0, 2.0)


def test_a_shift_that_all_groups_share_is_learned_in_full():
    rows, names, random = world(4)
    label = rows.simulated + 5 + 2 * rows.values[:, 1:2] + 0.1 * random.normal(size=(200, 1))
    assert residual_over_simulator.fit(given(rows, label, names)).factor.tolist() == [0.75]  # of four, by default
    found = residual_over_simulator.fit(given(rows, label, names, settings={"trust": 0}))
    assert found.factor.tolist() == [1]
    others, _, _ = world(5, seed=7)
    truth = others.simulated + 5 + 2 * others.values[:, 1:2]
    assert rmse(found.predict(others), truth) < 0.3 < 5 < rmse(others.simulated, truth)


def test_what_each_group_asks_for_alone_is_not_carried_over():
    rows, names, random = world(4)
    shift = np.repeat([6.0, -6, 6, -6], 50)[:, None]
    found = residual_over_simulator.fit(given(rows, rows.simulated + shift + random.normal(size=(200, 1)), names))
    assert found.factor.tolist() == [0]


@pytest.mark.parametrize(
    ("known", "trust", "factor"), [(True, 1, 1.0), (False, 1, 0.5), (False, 0, 1.0), (False, 9, 0)]
)
def test_a_single_group_speaks_for_itself_and_half_for_others(known, trust, factor):
    rows, names, _ = world(1)
    own = given(rows, rows.simulated + 5, names, known_groups=known, settings={"trust": trust, "table_from": 1})
    assert residual_over_simulator.fit(own).factor.tolist() == [factor]


@pytest.mark.parametrize(("groups", "slope"), [(1, 1.4), (2, 1.4), (3, 1.6)])
def test_few_groups_stretch_the_simulator_and_no_more(groups, slope):
    rows, names, _ = world(groups)
    found = residual_over_simulator.fit(given(rows, 1.8 * rows.simulated, names))  # a half and three quarters of it
    others, _, _ = world(5, seed=7)
    np.testing.assert_allclose(found.predict(others), slope * others.simulated, rtol=1e-9)


def test_more_groups_get_a_ridge_only_where_it_misses_less():
    rows, names, random = world(5)
    noise = 0.1 * random.normal(size=(250, 1))
    for label, one_number in ((1.8 * rows.simulated, True), (rows.simulated + 3 * rows.values[:, 1:2] + noise, False)):
        found = residual_over_simulator.fit(given(rows, label, names, settings={"trust": 0}))
        (ridge,) = found.ridges.members
        assert found.factor.tolist() == [1]
        assert bool(np.count_nonzero(ridge.slopes) == 1) is one_number


def test_few_groups_that_do_not_agree_leave_the_simulator_as_it_is():
    rows, names, _ = world(2)
    label = rows.simulated * np.where(names == "site0", 1.9, 0.1)[:, None]
    assert residual_over_simulator.fit(given(rows, label, names)).factor.tolist() == [0]


def test_few_groups_stretch_each_target_by_its_own_simulation():
    rows, names, random = world(2)
    rows.simulated = np.concatenate([rows.simulated, 5 + random.normal(size=(100, 1))], axis=1)
    label = rows.simulated * np.array([2.0, 0.5])
    found = residual_over_simulator.fit(given(rows, label, names, settings={"trust": 0}))
    np.testing.assert_allclose(found.predict(rows), rows.simulated * np.array([2.0, 0.5]), rtol=1e-9)


def test_two_targets_are_corrected_each_by_its_own_labels():
    rows, names, random = world(4)
    rows.simulated = np.concatenate([rows.simulated, random.normal(size=(200, 1))], axis=1)
    label = rows.simulated + np.array([5.0, 0.0])
    label[:40, 1] = np.nan
    found = residual_over_simulator.fit(given(rows, label, names, settings={"trust": 0}))
    assert found.factor.tolist() == [1, 0]
    np.testing.assert_allclose(found.predict(rows), rows.simulated + np.array([5, 0]), atol=0.05)
    fitted = 2 * (3 + 2 + 1) + 3 * 2  # slopes of three features and two simulations, intercepts, and a, b and k
    assert (found.counts(), found.shipped_bytes()) == ((fitted, fitted + 100), 2 * 8 * (4 * 5 + 1) + 8 * 6)
    label[:, 1] = np.nan
    with pytest.raises(NotApplicable, match="one of the targets has no label"):
        residual_over_simulator.fit(given(rows, label, names))


@pytest.mark.parametrize("module", [residual_over_simulator, stacking])
def test_classes_are_not_for_simulators(module):
    rows, names, _ = world(2)
    with pytest.raises(NotApplicable, match="numbers, and these are classes"):
        module.fit(given(rows, rows.simulated, names, module, classes=("bog", "fen")))
    with pytest.raises(StageError, match="write numbers above 0"):
        module.fit(given(rows, rows.simulated, names, module, settings={"penalties": [0]}))


@pytest.mark.parametrize("variant", stacking.VARIANTS)
def test_a_surrogate_of_noise_leaves_what_the_features_tell(variant):
    def truth(rows):
        return 3 * rows.values[:, :1] - rows.values[:, 1:2]

    rows, names, random = world(6)
    rows.simulated = random.normal(size=(300, 1))
    label = truth(rows) + 0.5 * random.normal(size=(300, 1))
    others, _, _ = world(6, seed=3)
    others.simulated = random.normal(size=(300, 1))
    settings = {"rounds": 20, "rate": 0.2}
    found = stacking.fit(given(rows, label, names, stacking, variant=variant, settings=settings)).predict(others)
    if variant == "ridge":
        alone = chosen(rows.values, label[:, 0], np.ones(300), folds(names), [0.01, 0.1, 1.0])[1].predict(others.values)
    else:
        options = {**gradient_boosted_trees.DEFAULTS, **settings}
        trees = gradient_boosted_trees.fit_boosters(rows.values, label, np.ones((300, 1)), "regression", 1, options, 1)
        alone = trees.predict_table(others.values)[:, 0]
    expected = rmse(alone[:, None], truth(others))
    assert expected < 1
    assert rmse(found, truth(others)) < 1.2 * expected + 0.05


@pytest.mark.parametrize("variant", stacking.VARIANTS)
def test_a_surrogate_that_knows_more_than_the_features_is_used(variant):
    rows, names, random = world(4)
    others, _, _ = world(4, seed=3)
    same = {"variant": variant, "settings": {"rounds": 20, "rate": 0.2}}
    found = stacking.fit(given(rows, 2 * rows.simulated, names, stacking, **same)).predict(others)
    bare = given(Rows(rows.values, np.zeros((200, 1))), 2 * rows.simulated, names, stacking, **same)
    without = stacking.fit(bare).predict(Rows(others.values, np.zeros((200, 1))))
    assert rmse(found, 2 * others.simulated) < 0.75 * rmse(without, 2 * others.simulated)


def test_hidden_features_are_columns_where_they_are_asked_for():
    rows, names, _ = world(4)
    label = (rows.values**2).sum(1, keepdims=True)
    plain, deep = (
        stacking.fit(given(rows, label, names, stacking, settings={"hidden": hidden})) for hidden in (False, True)
    )
    assert rmse(deep.predict(rows), label) < 0.1 < 1 < rmse(plain.predict(rows), label)
    assert (plain.counts()[0], deep.counts()[0]) == (3 + 1 + 1, 3 + 1 + 3 + 1)
    shallow = type("Shallow", (Simulator,), {"has_features": False})
    with pytest.raises(NotApplicable, match="needs a model whose head reads features"):
        stacking.fit(given(rows, label, names, stacking, settings={"hidden": True}, pretrained=shallow))


def test_what_they_may_read():
    for recipe in ("simulate_then_finetune", "residual_over_simulator", "stacking_on_surrogate"):
        assert registry.recipes()[recipe].rights == ("source_weights", "target_labels")
        assert registry.recipes()[recipe].objective == "erm"
        tabulates = recipe != "simulate_then_finetune"
        assert registry.recipes()[recipe].uses == (("features",) if tabulates else ())


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    made = Line(tmp_path_factory.mktemp("simulated"), "regression", budgets=["0", "1", "4"])
    made.pretrain()
    return made


@pytest.mark.parametrize(("variant", "plain"), [("full", "full_finetune"), ("lp_ft", "lp_ft")])
def test_fine_tuning_of_an_emulator_is_that_of_any_network(line, variant, plain):
    one, other = weights(fit(line, "simulate_then_finetune", variant=variant)[0]), weights(fit(line, plain)[0])
    assert all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize("recipe", ["simulate_then_finetune", "residual_over_simulator"])
def test_without_labels_it_is_the_emulator(line, recipe):
    emulator = line.transfer("source_only")["prediction"][0]
    found = line.transfer(recipe)
    assert found["status"].tolist() == ["ok"] * 3
    np.testing.assert_array_equal(found["prediction"][0], emulator)
    assert found["labels_used"].tolist() == [0, 1, 4]
    assert not np.array_equal(found["prediction"][2], emulator)


@pytest.mark.parametrize("recipe", ["residual_over_simulator", "stacking_on_surrogate"])
def test_corrections_find_the_shift_of_the_target(line, recipe):
    """A shift of 0.5 that the source cannot know; four groups tell it, a residual of four three quarters of it."""
    found = line.transfer(recipe)
    truth = truth_of(line)
    before = rmse(line.transfer("source_only")["prediction"][2], truth)
    assert rmse(found["prediction"][2], truth) < (0.1 if recipe == "stacking_on_surrogate" else 0.15) < 0.4 < before
    if recipe == "stacking_on_surrogate":
        assert "needs labelled target data" in found["status"].tolist()[0]


def truth_of(line):
    return netcdf.read(line.folder / "truth.nc")["y"][:, None]


def test_days_of_a_place_correct_that_place(tmp_path):
    split = {**synthetic.COMMON["split"], "gap": 3, "test_share": 0.5}
    days = Line(tmp_path, "regression", budget_axis="time", budgets=["0", "8"], split=split)
    days.pretrain()
    before = days.transfer("source_only")["prediction"][1]
    found = days.transfer("residual_over_simulator")
    assert found["status"].tolist() == ["ok", "ok"]
    assert rmse(found["prediction"][1], truth_of(days)) < 0.6 * rmse(before, truth_of(days))


def test_a_recipe_without_the_right_gets_no_emulator(line):
    with pytest.raises(RightError, match="asked for source_weights"):
        fit(line, "residual_over_simulator", rights=["target_labels"])
    with pytest.raises(RightError, match="asked for target_labels"):
        simulate_then_finetune.fit(fit(line, "source_only")[1])
