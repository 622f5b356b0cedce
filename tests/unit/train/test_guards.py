"""What the audit checks with a recipe in hand: every leak that is planted is caught, and honest recipes pass."""

import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from landbridge.contract import IGNORE, Dataset, Variable
from landbridge.io import netcdf
from landbridge.models.learner import Learner
from landbridge.prepare import budgets, ragged
from landbridge.stage import StageError
from landbridge.train import guards, harness
from landbridge.train.layout import Layout
from landbridge.train.samples import Samples
from landbridge.train.shuffled import shuffled

from tests import synthetic
from tests.line import Line

SEEDS = 3
QUICK = {"epochs": 2, "epoch_steps": 3, "batch": 4, "learning_rate": 0.01, "fixed_steps": 3}


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """One line of each task, quick to train; and one on a time axis."""
    found = {task: Line(tmp_path_factory.mktemp(task), task) for task in ("regression", "classification")}
    found["segmentation"] = Line(tmp_path_factory.mktemp("chips"), "segmentation", model="unet", side=16)
    found["segmentation"].settings["network"] = {"widths": [2, 2, 4, 4]}
    split = {**synthetic.COMMON["split"], "gap": 3, "test_share": 0.5}
    found["time"] = Line(
        tmp_path_factory.mktemp("time"), "regression", budget_axis="time", budgets=["0", "4", "8"], split=split
    )
    for line in found.values():
        line.settings["training"] = {**line.settings["training"], **QUICK}
        if line is not found["classification"]:
            line.pretrain(**QUICK)
    return found


@pytest.fixture
def plant(monkeypatch):
    """A recipe of one's own in the place of `target_only`."""

    def planted(fit):
        module = ModuleType("landbridge.methods.target_only")
        module.fit = fit
        monkeypatch.setitem(sys.modules, "landbridge.methods.target_only", module)

    return planted


# -- budget breach ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("task", "axis"), [("regression", "groups"), ("classification", "units"), ("time", "time")])
def test_every_budget_is_what_the_pool_the_axis_and_the_seed_name(lines, task, axis):
    pool = netcdf.read(lines[task].folder / "target_labels.nc")
    hashes = set()
    for label in ("0", "1", "4", "all"):
        for seed in (0, 1):
            cut = budgets.cut(pool, axis, label, scenario="s", seed=seed)
            checked = guards.check_cut(cut, pool, axis, "r", scenario="s", seed=seed)
            hashes.add((label, checked.rows))
            assert replace(checked, rows="") == cut
    assert len({own for label, own in hashes if label in ("0", "all")}) == 2
    assert len(hashes) == (4 if axis == "time" else 6)  # nothing is drawn on a time axis, and "all" is all of it


@pytest.mark.parametrize(("task", "axis"), [("regression", "groups"), ("segmentation", "units"), ("time", "time")])
def test_a_cut_that_hands_out_the_whole_pool_fails_the_job(lines, task, axis, monkeypatch):
    true_cut = budgets.cut

    def everything(pool, axis, label, **keys):
        found = true_cut(pool, axis, label, **keys)
        return replace(found, train=pool) if found is not None and found.train is not None else found

    monkeypatch.setattr(budgets, "cut", everything)
    with pytest.raises(StageError, match=r"target_only would be handed labels of .* at budget [14], which holds"):
        lines[task].transfer("target_only")


def test_one_row_more_or_another_seed_is_another_budget(lines):
    pool = netcdf.read(lines["time"].folder / "target_labels.nc")
    cut = budgets.cut(pool, "time", "4", scenario="s", seed=0)
    bounds = ragged.offsets(pool["row_size"])
    longer = ragged.cut(pool, np.arange(len(bounds) - 1), bounds[:-1], bounds[:-1] + 5)
    with pytest.raises(StageError, match="labels beyond the budget make it look better"):
        guards.check_cut(replace(cut, train=longer), pool, "time", "r", scenario="s", seed=0)
    pool = netcdf.read(lines["regression"].folder / "target_labels.nc")
    other = budgets.cut(pool, "groups", "1", scenario="s", seed=3)
    with pytest.raises(StageError, match="their hashes are"):
        guards.check_cut(other, pool, "groups", "r", scenario="s", seed=0)


@pytest.mark.parametrize("task", ["regression", "segmentation", "time"])
def test_an_adapter_that_reads_the_whole_pool_fails_the_job(lines, task, plant):
    line = lines[task]

    def greedy(given):
        target = given.target
        pool = Samples(netcdf.read(line.folder / "target_labels.nc"), target.layout)
        assert len(pool.label_rows()[0]) > len(target.label_rows()[0])
        return given.untrained([target])

    plant(greedy)
    with pytest.raises(StageError, match=r"read labels at budget [14] that it does not hold: of (chip|unit)"):
        line.transfer("target_only")


def test_labels_beside_the_pool_are_caught_and_those_of_the_source_are_not(lines, plant):
    line = lines["regression"]

    def reads(file):
        def fit(given):
            target = given.target
            Samples(netcdf.read(line.folder / file), target.layout).label_rows()
            return given.untrained([target])

        return fit

    plant(reads("source.nc"))
    line.transfer("target_only")
    plant(reads("validation_labels.nc"))
    with pytest.raises(StageError, match="read labels at budget 1 that it does not hold"):
        line.transfer("target_only")


def test_predictions_carry_the_hash_of_the_labels_that_were_used(lines):
    line = lines["regression"]
    found = {
        name: line.transfer(name)["labels_hash"].tolist() for name in ("target_only", "full_finetune", "source_only")
    }
    assert found["target_only"] == found["full_finetune"]
    assert len(set(found["target_only"])) == 3
    assert found["target_only"][0] == "" and found["source_only"] == [""] * 3
    of_days = lines["time"].transfer("target_only")["labels_hash"].tolist()
    assert of_days[0] == "" and len(set(of_days)) == 3


# -- batch effects at test ----------------------------------------------------------------------------------------


class Together(Learner):
    """Predicts with a BatchNorm that was left in training mode, as far as there is one; else by the batch's mean."""

    def _batches(self, samples):
        for batch in super()._batches(samples):
            self.network.train()
            yield batch


class AboutTheMean:
    """Moves its predictions to a mean of 0 over all rows that it is shown."""

    def __init__(self, learner):
        self.learner = learner

    def predict(self, samples):
        found = self.learner.predict(samples)
        return found - found.mean(axis=0)

    def counts(self):
        return self.learner.counts()

    def shipped_bytes(self):
        return 0


def test_a_batch_norm_left_in_training_mode_fails_the_job(lines, plant):
    def fit(given):
        learner = given.untrained([given.target])
        return Together(learner.network, learner.scaler, learner.shape)

    plant(fit)
    with pytest.raises(StageError, match=r"recipe target_only predicts a row otherwise .* call eval\(\) before"):
        lines["segmentation"].transfer("target_only")
    found = lines["segmentation"].transfer("target_only", transductive=True)
    assert found["status"].tolist()[1:] == ["ok", "ok"]


def test_a_recipe_that_centres_its_test_rows_fails_the_job(lines, plant):
    plant(lambda given: AboutTheMean(given.untrained([given.target])))
    with pytest.raises(StageError, match="declare TRANSDUCTIVE = True in its file"):
        lines["regression"].transfer("target_only")
    with pytest.raises(StageError, match="predicts a row otherwise"):
        lines["time"].transfer("target_only")


def test_one_row_has_no_others():
    test = SimpleNamespace(rows_to_predict=SimpleNamespace(ends=np.zeros(1)))
    guards.check_rows_stand_alone(lambda some: pytest.fail("asked"), test, np.zeros((1, 1)), "r")


# -- label in features --------------------------------------------------------------------------------------------


def by_label(dataset, ends, sizes):
    """The label of the last row of each window, or of its unit."""
    if "y" in dataset:
        return dataset["y"][ends][:, None]
    unit = np.repeat(np.arange(len(dataset["row_size"])), dataset["row_size"])
    return dataset["mode"][unit[ends]][:, None]


def by_chip(dataset, chips, sizes):
    """The share of burned pixels."""
    return (dataset["label"][chips] == 1).mean(axis=(1, 2))[:, None]


@pytest.mark.parametrize(
    ("task", "planted"), [("regression", by_label), ("classification", by_label), ("segmentation", by_chip)]
)
def test_features_that_are_made_of_the_label_fail_the_job(lines, task, planted):
    line = lines[task]
    source = netcdf.read(line.folder / "source.nc")
    layout = Layout.of(line.settings, source)

    def honest(dataset, ends, sizes):
        column = dataset["a"] if "a" in dataset else dataset["reflectance"][:, 0].mean(axis=(1, 2))
        return np.where(column[ends] > 0, column[ends], np.nan)[:, None]

    def opened(few):
        return Samples(few, layout)

    guards.check_features(source, opened, [honest], "r")
    with pytest.raises(StageError, match=rf"recipe r: test_guards.{planted.__name__} of this domain gives other"):
        guards.check_features(source, opened, [honest, planted], "r")


# -- shuffled labels ----------------------------------------------------------------------------------------------


def test_shuffling_moves_labels_alone_and_leaves_gaps_where_they_are():
    y = np.array([1.0, 2.0, np.nan, 4.0, 5.0, 6.0, 7.0, 8.0], np.float32)
    dataset = synthetic.dataset(y=Variable(("obs",), y, synthetic.DESCRIBED_ATTRIBUTES["y"]))
    found = shuffled(dataset, ["y"], 1)
    assert np.isnan(found["y"][2]) and sorted(found["y"][np.isfinite(found["y"])]) == [1, 2, 4, 5, 6, 7, 8]
    assert not np.array_equal(found["y"], y, equal_nan=True)
    assert np.array_equal(found["a"], dataset["a"]) and np.array_equal(dataset["y"], y, equal_nan=True)
    assert np.array_equal(shuffled(dataset, ["y"], 1)["y"], found["y"], equal_nan=True)
    assert not np.array_equal(shuffled(dataset, ["y"], 2)["y"], found["y"], equal_nan=True)


def test_pixels_are_shuffled_over_all_chips():
    label = np.zeros((3, 4, 4), np.uint8)
    label[0] = 1
    label[:, 0, 0] = IGNORE
    dataset = Dataset({"label": Variable(("unit", "y", "x"), label)})
    found = shuffled(dataset, ["label"], 0)["label"]
    assert (found[:, 0, 0] == IGNORE).all() and (found == 1).sum() == 15
    assert all(0 < (own == 1).sum() < 15 for own in found)


def test_a_network_learns_nothing_from_shuffled_labels(lines):
    """It predicts the mean of the budget, as far as three steps go; the true labels reach it by no other way."""
    line = lines["regression"]
    first = line.transfer("shuffled_labels", budgets=["4"], recipe_settings={"rate": 0.1})
    true = line.transfer("target_only", budgets=["4"], recipe_settings={"rate": 0.1})
    assert first["status"].tolist() == ["ok"] and first["selection"].tolist() == ["fixed"]
    assert not np.array_equal(first["prediction"], true["prediction"])
    assert first["labels_hash"].tolist() == true["labels_hash"].tolist()


@pytest.mark.parametrize("task", ["regression", "classification", "segmentation"])
def test_a_line_on_which_shuffled_labels_score_stops_and_an_honest_one_does_not(task, tmp_path, monkeypatch):
    """The leak: the order of labels is a name that nobody used, so those of the budget are learned as they are."""
    shares = {"target_unlabelled": 0.0, "target_pool": 0.5, "target_val": 0.0, "target_test": 0.5}
    split = {**synthetic.COMMON["split"], "shares": shares}
    line = Line(tmp_path, task, recipes=["naive", "shuffled_labels"], budgets=["0", "all"], split=split)
    line.settings["training"] = {**line.settings["training"], "fixed_steps": 60}

    def judged(*recipes):
        for recipe in recipes:
            for seed in range(SEEDS):
                line.transfer(recipe, seed, recipe_settings={} if recipe == "naive" else {"rate": 0.05})
        return line.judge(SEEDS)["leaderboard"]

    statuses = {row["status"] for row in judged(*line.recipes) if row["recipe"] == "shuffled_labels"}
    assert statuses == {"not_applicable: needs labelled target data, and this budget has none", "ok"}
    monkeypatch.setattr(harness, "shuffled", lambda dataset, targets, seed: dataset)
    with pytest.raises(StageError, match=r"alarm: linear trained on shuffled labels beats the naive reference"):
        judged("shuffled_labels")
