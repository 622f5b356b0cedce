"""Each recipe's known answer."""

import numpy as np
import pytest
import torch
from landbridge.io import netcdf
from landbridge.methods import gradient_boosted_trees, naive
from landbridge.methods.given import NotApplicable, RightError
from landbridge.models import dlinear, linear, lstm
from landbridge.models.network import initialise
from landbridge.models.shape import Shape
from landbridge.stage import Job
from landbridge.train.checkpoint import load_learner
from landbridge.train.drawn import Drawn
from landbridge.train.harness import Tools, open_source
from landbridge.train.layout import Layout
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import MeanLoss
from landbridge.train.progress import Progress

from tests.line import TRAINING, Line

SHAPE = Shape(inputs=2, static=0, outputs=1, length=3)


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    made = Line(tmp_path_factory.mktemp("line"), "regression")
    made.pretrain()
    return made


def weights(learner):
    return {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}


def fit(line, recipe, budget="4", seed=0, **options):
    """The learner that a recipe makes of one budget."""
    import importlib

    from landbridge import registry
    from landbridge.prepare import budgets
    from landbridge.train.harness import Given

    described = registry.recipes()[recipe]
    settings = {
        **line.settings,
        "recipe": recipe,
        "rights": list(options.pop("rights", described.rights)),
        "selection": described.selection,
        "training": {**TRAINING, **options.pop("training", {})},
    }
    inputs = {"source_weights": str(line.folder / f"checkpoint{seed}")}
    module = importlib.import_module(f"landbridge.methods.{recipe}")
    source = netcdf.read(line.folder / "source.nc")
    layout = Layout.of(settings, source)
    tools = Tools(
        job=Job("transfer", inputs, {}, settings),
        layout=layout,
        recipe=module,
        architecture=linear,
        progress=Progress(None),
        source=open_source(source, layout, "cpu"),
        unlabelled=None,
        source_rows=str(source.attributes["source_rows_hash"]),
    )
    pool = netcdf.read(line.folder / "target_labels.nc")
    cut = budgets.cut(pool, "groups", budget, scenario="s", seed=seed, keep_for_selection=False)
    own = {**getattr(module, "DEFAULTS", {}), **options.pop("settings", {})}
    given = Given(tools, cut, seed, own, options.pop("variant", ""), recipe)
    return module.fit(given), given


def pretrained(line):
    return load_learner(line.folder / "checkpoint0", lambda shape: linear.build(shape, {}))[0]


def test_source_only_leaves_every_weight(line):
    before = weights(pretrained(line))
    for budget in ("1", "4"):
        after = weights(fit(line, "source_only", budget)[0])
        assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_linear_probe_leaves_the_encoder_and_moves_the_head(line):
    before, after = weights(pretrained(line)), weights(fit(line, "linear_probe")[0])
    for name in before:
        assert torch.equal(before[name], after[name]) == name.startswith("parts.encoder"), name


def test_a_head_that_a_model_does_not_have_is_not_applicable(line):
    learner, given = fit(line, "linear_probe", training={"fixed_steps": 1})
    learner.network = dlinear.build(SHAPE, {"average": 1})
    with pytest.raises(NotApplicable, match="no head; its parts are trend, remainder"):
        given.train(learner, [], parts="head", rate=1e-3)


def test_a_linear_probe_approaches_least_squares(line):
    learner, given = fit(line, "linear_probe", settings={"rate": 0.005}, training={"fixed_steps": 2500})
    population = given.target.tensors.scaled(learner.scaler)
    (x, static), labels, *_ = population.batch(torch.arange(len(population)))
    learner.network.eval()
    with torch.no_grad():
        features = learner.network.features(x, static)[:, -1].double()
        found = learner.network(x, static)[:, -1].double()
    design = torch.cat([features, torch.ones(len(features), 1).double()], dim=1)
    best = design @ torch.linalg.lstsq(design, labels[:, -1].double()).solution
    torch.testing.assert_close(found, best, rtol=0, atol=0.02)


def test_fine_tuning_trains_every_weight_and_zero_steps_change_nothing(line):
    before = weights(pretrained(line))
    learner, _ = fit(line, "full_finetune")
    after = weights(learner)
    assert all(not torch.equal(before[name], after[name]) for name in before)
    assert learner.counts()[0] == learner.counts()[1] == sum(p.numel() for p in learner.network.parameters())
    still = fit(line, "full_finetune", settings={"rate": 0.0})[0]
    assert all(torch.equal(before[name], tensor) for name, tensor in weights(still).items())


def test_lp_ft_moves_the_encoder_in_its_second_stage_alone(line, monkeypatch):
    from landbridge.train import loop

    seen = []
    real = loop.train

    def spy(network, *arguments, **options):
        start = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        outcome = real(network, *arguments, **options)
        seen.append((start, {name: tensor.clone() for name, tensor in network.state_dict().items()}, outcome.steps))
        return outcome

    monkeypatch.setattr(loop, "train", spy)
    fit(line, "lp_ft")
    (start, between, steps_1), (resumed, end, steps_2) = seen
    encoder = "parts.encoder.weight"
    assert torch.equal(start[encoder], between[encoder])
    assert all(torch.equal(between[name], resumed[name]) for name in between)
    assert not torch.equal(between[encoder], end[encoder])
    assert steps_1 == steps_2 == TRAINING["fixed_steps"] // 2


def test_target_only_needs_no_source(line):
    learner, given = fit(line, "target_only")
    given.tools.source = None
    again, _ = fit(line, "target_only")
    assert all(
        torch.equal(one, other) for one, other in zip(weights(learner).values(), weights(again).values(), strict=True)
    )
    with pytest.raises(RightError, match="recipe target_only asked for source_labels, which its RIGHTS do not name"):
        _ = given.source


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_pooled_at_its_ends_follows_one_side_bit_for_bit(line, share):
    """With scaler, rate, batches and seed held equal."""
    source, target = (fit(line, "pooled")[1].source, fit(line, "pooled")[1].target)
    scaler = pretrained(line).scaler
    found = []
    for sides in (
        [("source", source, 1 - share), ("target", target, share)],
        [("source", source, 1.0)] if share == 0 else [("target", target, 1.0)],
    ):
        network = linear.build(SHAPE, {})
        initialise(network, 5)
        drawn = [Drawn.start(name, samples.tensors.scaled(scaler), own, 3) for name, samples, own in sides]
        train(network, drawn, MeanLoss("regression"), Schedule(rate=1e-2, steps=30))
        found.append(network.state_dict())
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_at_four_groups_fine_tuning_differs_from_the_source_whatever_the_source_score(line):
    before, after = weights(pretrained(line)), weights(fit(line, "full_finetune", "4")[0])
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_naive_mean_on_a_known_set():
    labels = np.array([[1.0], [2.0], [3.0], [6.0]])
    means = naive.climatology(labels, np.ones_like(labels), None)
    assert means[0, 0] == 3
    assert np.sqrt(((means[0] - labels) ** 2).mean()) == pytest.approx(1.8708, abs=1e-4)


def test_naive_climatology_by_month_and_where_a_month_is_empty():
    labels = np.array([[1.0], [3.0], [10.0], [np.nan]])
    weights = np.array([[1.0], [1.0], [1.0], [1.0]])
    means = naive.climatology(labels, weights, np.array([1, 1, 7, 8]))
    assert means[0, 0] == 2
    assert means[6, 0] == 10
    assert means[7, 0] == pytest.approx(14 / 3)
    assert naive.climatology(labels, np.array([[1.0], [0.0], [1.0], [1.0]]), np.array([1, 1, 7, 8]))[0, 0] == 1


def trees(table, labels, task="classification", classes=2):
    settings = {**gradient_boosted_trees.DEFAULTS, "rounds": 30, "rate": 0.3}
    return gradient_boosted_trees.fit_boosters(table, labels, np.ones_like(labels), task, classes, settings, 1)


class Table:
    def __init__(self, table):
        self.values = table

    def prediction_table(self):
        return self.values


def test_trees_fit_a_step_exactly_and_take_missing_inputs():
    x = np.linspace(-1, 1, 200)[:, None]
    y = (x > 0).astype(float)
    x[3] = np.nan
    found = trees(x, y).predict(Table(x))
    keep = np.arange(200) != 3
    assert (found.argmax(1) == y[:, 0])[keep].all()


def test_a_column_that_no_labelled_row_knows_is_passed_over():
    x = np.linspace(-1, 1, 200)[:, None]
    y = (x > 0).astype(float)
    unknown = np.concatenate([x, np.full_like(x, np.nan)], axis=1)
    known = np.concatenate([x, 100 * x], axis=1)
    plain = trees(x, y, "regression").predict(Table(x))
    fitted = trees(unknown, y, "regression")
    for table in (unknown, known):  # also where rows to predict have it
        np.testing.assert_array_equal(fitted.predict(Table(table)), plain)


def test_equal_seeds_give_equal_trees():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(300, 3)), random.normal(size=(300, 1))
    one, other = (trees(x, y, "regression").predict(Table(x)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_a_class_without_an_example_keeps_a_probability():
    x = np.linspace(-1, 1, 100)[:, None]
    found = trees(x, (x > 0).astype(float), classes=3).predict(Table(x))
    np.testing.assert_allclose(np.exp(found).sum(1), 1)
    assert np.isfinite(found).all()


def test_named_parts():
    network = lstm.build(Shape(4, 2, 3, 10), {"hidden": 8})
    assert network.part_names() == ["encoder", "recurrent", "head"]
    trained = network.set_trainable(["recurrent", "head"])
    assert sum(p.numel() for p in trained) == sum(
        p.numel() for n in ("recurrent", "head") for p in network.parts[n].parameters()
    )
    assert not network.parts["encoder"].training
    with pytest.raises(ValueError, match="no part named block4; this model has encoder, recurrent, head"):
        network.set_trainable("block4")


def test_parameter_count_of_the_lstm():
    network = lstm.build(Shape(18, 16, 3, 30), {"hidden": 64})
    assert sum(p.numel() for p in network.parameters()) == 34 * 64 + 64 + 4 * (2 * 64 * 64 + 2 * 64) + 64 * 3 + 3


def test_equal_seeds_give_equal_networks_whatever_ran_before():
    states = []
    for noise in (1, 7):
        torch.manual_seed(noise)
        network = lstm.build(SHAPE, {"hidden": 4})
        initialise(network, 11)
        states.append(network.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
