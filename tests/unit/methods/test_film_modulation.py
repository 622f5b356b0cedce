"""A network that is told about a place by other windows of its record, with and without their labels."""

import numpy as np
import pytest
import torch
from landbridge.contract import Dataset, Variable
from landbridge.io import netcdf
from landbridge.methods import film_modulation
from landbridge.methods.given import NotApplicable
from landbridge.train import harness
from landbridge.train.layout import Layout
from landbridge.train.samples import Samples

from tests import synthetic
from tests.line import TRAINING, Line

NETWORK = {"hidden": 8, "latent": 4, "dropout": 0.0, "support": 3, "reconstruction": 0.0}
QUICK = {**TRAINING, "batch": 32, "fixed_steps": 100, "epochs": 1, "epoch_steps": 20}
ON_TIME = {"budget_axis": "time", "budgets": ["0", "6"], "split": {**synthetic.COMMON["split"], "gap": 3}}
SETTINGS = {"rate": 0.02, "share_of_steps": 2.0}


def by_site(dataset):
    """What the labels are at each observation: 2 a at every second site, -2 a at the others."""
    sign = np.array([1 - 2 * (int(str(name)[-2:]) % 2) for name in dataset["group"]])
    return (np.repeat(sign, dataset["row_size"]) * 2 * dataset["a"]).astype(np.float32)


def of_sites(dataset):
    """Labels of which the inputs of a unit say nothing without its sign."""
    changed = Variable(("obs",), by_site(dataset), dataset.variables["y"].attributes)
    return Dataset({**dataset.variables, "y": changed}, dataset.attributes)


def line_of(folder, **changes):
    line = Line(folder, "regression", of_sites, model="tam_rl", **changes)
    line.settings |= {"network": NETWORK, "support": 3, "training": QUICK}
    return line


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    return line_of(tmp_path_factory.mktemp("told"), **ON_TIME)


def error(line, found):
    """Root mean squared error of the largest budget."""
    test = netcdf.read(line.folder / "test_inputs.nc")
    rows = test["row_end"] - test["row_back"]
    return float(np.sqrt(np.mean((found["prediction"][-1, :, 0] - by_site(test)[rows]) ** 2)))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_labels_of_a_group_tell_what_its_inputs_do_not_and_those_of_another_mislead(line, seed, monkeypatch):
    line.pretrain(seed, **QUICK)
    kept = {}
    own_begin = film_modulation.begin
    monkeypatch.setattr(film_modulation, "begin", lambda given: kept.setdefault(0, own_begin(given)))
    told = line.transfer("film_modulation", seed, variant="labels", recipe_settings=SETTINGS)
    none, some = told["status"].tolist()
    assert some == "ok" and none.startswith("not_applicable: needs labelled target data, and this budget has none")
    inputs = line.transfer("film_modulation", seed, variant="inputs")
    alone = line.transfer("source_only", seed)
    assert np.array_equal(inputs["prediction"], alone["prediction"])
    right, without = error(line, told), error(line, inputs)
    file = line.folder / "target_labels.nc"
    plain, pool = file.read_bytes(), netcdf.read(file)
    names = sorted(set(pool["group"]))
    names = dict(zip(names, np.roll(names, 1), strict=True))
    other = Variable(("unit",), np.array([names[name] for name in pool["group"]]), pool.variables["group"].attributes)
    netcdf.write(file, Dataset({**pool.variables, "group": other}, pool.attributes))
    monkeypatch.setattr(film_modulation, "begin", lambda given: kept[0])  # the same network is told of another group
    try:
        wrong = error(line, line.transfer("film_modulation", seed, variant="labels", recipe_settings=SETTINGS))
    finally:
        file.write_bytes(plain)
    assert right < 0.7 * without, (right, without)
    assert wrong > 1.5 * right, (right, wrong)


def test_before_it_has_learned_it_is_the_plain_network_of_the_source(line, monkeypatch):
    """Without a step the code has no effect: whatever is shown, predictions are those without a modulation."""
    line.pretrain(5, **QUICK)
    found = []

    def nothing(*arguments, **named):
        found.append(arguments[1])

    monkeypatch.setattr(harness.Given, "train", nothing)
    told = line.transfer("film_modulation", 5, variant="labels")["prediction"][-1]
    learner, dataset = found[0], netcdf.read(line.folder / "target_labels.nc")
    layout = Layout.of(line.settings, dataset)
    samples = Samples(dataset, layout)
    assert not any(weight.any() for weight in learner.network.parts["modulation"].parameters())
    x, static, support, known = samples.showing(samples).tensors.inputs(
        *samples.tensors.windows(samples.windows), learner.scaler
    )
    assert support.shape[-1] == x.shape[-1] + 2
    assert torch.equal(learner.network(x, static, support, known), learner.network(x, static, support + 1, known))
    assert np.isfinite(told).all()


def samples_of(sizes, groups, start=0, labelled=True):
    values = np.arange(sum(sizes), dtype=np.float32) + start
    time = np.concatenate([np.arange(size) for size in sizes])
    dataset = Dataset(
        {
            "unit_name": Variable(("unit",), np.array([f"u{i}" for i in range(len(sizes))])),
            "group": Variable(("unit",), np.array(groups)),
            "row_size": Variable(("unit",), np.array(sizes, np.int32)),
            "time": Variable(("obs",), time, {"units": "days since 1970-01-01"}),
            "a": Variable(("obs",), values),
            **({"y": Variable(("obs",), -values)} if labelled else {}),
        }
    )
    return Samples(dataset, Layout("regression", "series", "day", ("y",), ("a",), length=5, support=3))


def test_support_of_another_population_is_of_the_same_group_alone():
    labelled = samples_of([12, 20, 4, 11], ["b", "a", "c", "b"], start=1000)
    test = samples_of([30, 30, 30, 30], ["a", "b", "c", "d"], labelled=False).showing(labelled)
    ends = torch.tensor([20, 50, 80, 110])
    beside, known = test.tensors.support.ends(ends, test.tensors.units(ends))
    assert known.all(dim=1).tolist() == [True, True, False, False]  # four days of c hold no window, and d is not there
    units = [set(labelled.unit[beside[place]].tolist()) for place in (0, 1)]
    assert units == [{1}, {0, 3}]

    class Scaler:
        input_mean, input_spread = np.zeros(1), np.ones(1)
        static_mean, static_factor = np.zeros(0), np.ones(0)
        target_mean, target_spread = np.full(1, 10.0), np.full(1, 2.0)

    support = test.tensors.inputs(ends, torch.full_like(ends, 5), Scaler)[2]
    assert support.shape == (4, 3, 5, 3)
    assert torch.equal(support[:2, ..., 1], (-support[:2, ..., 0] - 10) / 2)
    assert (support[:2, ..., 0] >= 1000).all() and (support[:2, ..., 2] == 1).all() and not support[2:].any()


def test_classes_and_networks_without_support_say_so():
    plain = samples_of([12], ["a"])
    object.__setattr__(plain.layout, "support", 0)
    with pytest.raises(NotApplicable, match="a network that reads support windows"):
        plain.showing(plain)


def test_where_groups_to_predict_have_no_labels_it_is_not_applicable(tmp_path):
    line = line_of(tmp_path)
    line.pretrain(**QUICK)
    found = line.transfer("film_modulation", variant="labels")
    assert {text[:45] for text in found["status"].tolist()} == {"not_applicable: the groups to predict have la"}
