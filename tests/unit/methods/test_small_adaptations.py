"""Recipes that move few numbers: statistics of batch norms, changes of low rank, adapters, scales and thresholds."""

import importlib

import numpy as np
import pytest
import torch
from landbridge.methods import adabn, adapter, lora, wht_scale_threshold
from landbridge.methods.given import NotApplicable
from landbridge.models import linear, lstm, resnet, unet, wht_resnet, wht_unet
from landbridge.models.learner import Learner
from landbridge.models.network import Network, initialise, parameter_count
from landbridge.models.shape import Shape
from landbridge.train.drawn import Drawn
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import Batch, MeanLoss
from torch import nn

SHAPE = Shape(3, 0, 2, 16)
SMALL = {"widths": [4, 8, 8, 16]}


class Chips:
    """Ten chips of 16 by 16 pixels, the lower half of them not seen."""

    task = "segmentation"

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(10, 3, 16, 16, generator=generator) * torch.tensor([1.0, 2, 3])[:, None, None] + 4
        self.seen = torch.ones(10, 16, 16, dtype=torch.bool)
        self.seen[:, 8:] = False
        self.labels = (self.x[:, 0] > 4).long()

    def __len__(self):
        return len(self.x)

    def batch(self, index):
        labels = self.labels[index]
        return Batch((self.x[index], torch.zeros(len(index), 0)), labels, torch.ones(labels.shape), index)

    def input_batches(self, scaler):
        for start in range(0, 10, 4):
            x = self.x[start : start + 4]
            yield (x, torch.zeros(len(x), 0)), self.seen[start : start + 4]


class Given:
    """One fit by the real loop."""

    def __init__(self, network, module, steps=2, **settings):
        initialise(network, 1)
        self.learner = Learner(network.eval(), None, SHAPE)
        self.settings = {**getattr(module, "DEFAULTS", {}), **settings}
        self.target = self.unlabelled = Chips()
        self.seed, self.steps, self.module = 4, steps, module
        for norm in norms(network):  # as after a pretraining
            generator = torch.Generator().manual_seed(2)
            nn.init.uniform_(norm.running_mean, -1, 1, generator)
            nn.init.uniform_(norm.running_var, 0.5, 2, generator)

    def pretrained(self):
        return self.learner

    def train(self, learner, sides, *, parts="all", rate):
        drawn = [Drawn.start(side.name, side.samples, side.share, self.seed) for side in sides]
        train(learner.network, drawn, MeanLoss("segmentation"), Schedule(rate, steps=self.steps), parts=parts)
        learner.trained = learner.network.check_parts(parts)

    def fit(self):
        """Names of the tensors of the state that the fit changes, new ones among them."""
        before = {name: tensor.clone() for name, tensor in self.learner.network.state_dict().items()}
        self.module.fit(self)
        after = self.learner.network.state_dict()
        changed = set()
        for name, tensor in after.items():
            old = name.replace("parametrizations.weight.original", "weight").replace(".level.", ".")
            if old not in before or not torch.equal(before[old], tensor):
                changed.add(name)
        return changed


def norms(network):
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def outputs(network):
    network.eval()
    with torch.no_grad():
        return network(Chips().x, torch.zeros(10, 0))


def shipped(given, names):
    return sum(
        tensor.numel() * tensor.element_size()
        for name, tensor in given.learner.network.state_dict().items()
        if name in names
    )


# -- adabn --------------------------------------------------------------------------------------------------------


class OneNorm(Network):
    """A batch norm and a head."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict({"norm": nn.BatchNorm2d(3), "head": nn.Conv2d(3, 2, 1)})

    def features(self, x, static):
        return self.parts["norm"](x)


def test_one_norm_gives_mean_zero_and_variance_one_over_seen_pixels():
    given = Given(OneNorm(), adabn)
    with torch.no_grad():
        given.learner.network.parts["norm"].weight.fill_(1)
    given.fit()
    chips = Chips()
    found = given.learner.network.features(chips.x, None).movedim(1, -1)[chips.seen].double()
    assert found.mean(0).abs().max() < 1e-4
    assert (found.var(0, unbiased=False) - 1).abs().max() < 1e-4


def test_every_norm_of_a_unet_sees_what_reaches_it_after_those_before():
    given = Given(unet.build(SHAPE, SMALL), adabn)
    given.unlabelled.seen[:] = True
    given.fit()
    network, seen = given.learner.network, {}
    for norm in norms(network):
        norm.register_forward_pre_hook(lambda own, arguments: seen.__setitem__(own, arguments[0]))
    outputs(network)
    for norm in norms(network):
        assert torch.allclose(norm.running_mean, seen[norm].mean((0, 2, 3)), atol=1e-4)
        assert torch.allclose(norm.running_var, seen[norm].var((0, 2, 3), unbiased=False), rtol=1e-3)


def test_statistics_alone_move_and_are_shipped():
    given = Given(unet.build(SHAPE, SMALL), adabn)
    changed = given.fit()
    assert changed == {name for name in given.learner.network.state_dict() if name.endswith(("_mean", "_var"))}
    assert given.learner.counts() == (0, parameter_count(given.learner.network.parameters()))
    assert given.learner.shipped_bytes() == shipped(given, changed)


def test_values_of_pixels_that_were_not_seen_do_not_matter():
    states = []
    for value in (0.0, 1e3):
        given = Given(OneNorm(), adabn)
        given.unlabelled.x[:, :, 8:] = value
        given.fit()
        states.append(given.learner.network.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_place_counts_by_the_share_of_its_pixels_that_were_seen():
    real = torch.zeros(1, 4, 4, dtype=torch.bool)
    real[:, :3] = True
    found = adabn.weights_of(torch.zeros(1, 5, 2, 2), real)
    assert found.tolist() == [[[1, 1], [0.5, 0.5]]]
    steps = adabn.weights_of(torch.zeros(1, 5, 3), torch.tensor([[True, False, False, False]]))
    assert steps.tolist() == [[1, 0, 0]]
    assert adabn.weights_of(torch.zeros(2, 5), real).tolist() == [1, 1]


def test_networks_without_norms_and_targets_without_pixels():
    with pytest.raises(NotApplicable, match="no batch norm"):
        Given(linear.build(SHAPE, {"chips": True}), adabn).fit()
    given = Given(OneNorm(), adabn)
    given.unlabelled.seen[:] = False
    with pytest.raises(NotApplicable, match="hold nothing that was seen"):
        given.fit()


# -- lora ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "count"), [(nn.Linear(64, 32), 384), (nn.Conv2d(16, 32, 3), 704), (nn.Conv2d(64, 64, 1), 512)]
)
def test_new_weights_and_rank(layer, count):
    low = lora.LowRank(layer.weight, 4, torch.Generator().manual_seed(0))
    assert parameter_count(low.parameters()) == count
    assert torch.equal(low(layer.weight), layer.weight)
    nn.init.normal_(low.up)
    change = (low(layer.weight) - layer.weight).flatten(1)
    assert torch.linalg.matrix_rank(change.double(), tol=1e-4) <= 4


def test_a_changed_convolution_is_the_sum_of_two():
    layer = nn.Conv2d(5, 7, 3, stride=2, padding=1, bias=False).double()
    low = lora.LowRank(layer.weight, 2, torch.Generator().manual_seed(0))
    nn.init.normal_(low.up)
    x = torch.randn(2, 5, 8, 8, dtype=torch.float64)
    narrow = nn.functional.conv2d(x, low.down.view(2, 5, 3, 3), stride=2, padding=1)
    expected = layer(x) + nn.functional.conv2d(narrow, low.up[..., None, None])
    found = nn.functional.conv2d(x, low(layer.weight), stride=2, padding=1)
    assert (found - expected).abs().max() < 1e-10


@pytest.mark.parametrize(
    ("model", "numbers"),
    [
        (unet, [9 * 3, 9 * 4, 9 * 4, 9 * 8, 9 * 8, 9 * 8, 9 * 8, 9 * 16, 9 * 24, 9 * 8, 9 * 16, 9 * 8, 9 * 12, 9 * 4]),
        (wht_unet, [8] * 3 + [16] * 3),
    ],
)
def test_which_layers_change(model, numbers):
    network = model.build(SHAPE, SMALL)
    assert [own.weight[0].numel() for own in lora.layers(network)] == numbers


def test_the_resnet_changes_its_1x1_convolutions_and_the_lstm_its_linear_maps():
    assert all(own.kernel_size == (1, 1) for own in lora.layers(resnet.build(SHAPE, SMALL)))
    assert all(isinstance(own, nn.Linear) for own in lora.layers(lstm.build(SHAPE, {"hidden": 4})))


def test_low_rank_begins_at_the_source_and_moves_nothing_but_itself_and_the_head():
    given = Given(unet.build(SHAPE, SMALL), lora, steps=0)
    before = outputs(given.learner.network)
    given.fit()
    assert torch.equal(outputs(given.learner.network), before)
    given = Given(unet.build(SHAPE, SMALL), lora)
    changed = given.fit()
    names = given.learner.network.state_dict()
    new = {name for name in names if name.endswith((".up", ".down"))}
    assert len(new) == 28
    assert changed == new | {"parts.head.weight", "parts.head.bias"}
    assert given.learner.shipped_bytes() == shipped(given, changed)
    assert given.learner.counts()[0] == given.learner.shipped_bytes() // 4


def test_equal_seeds_draw_equal_changes_whatever_ran_before():
    def drawn(noise):
        torch.manual_seed(noise)
        given = Given(unet.build(SHAPE, SMALL), lora)
        given.fit()
        return given.learner.network.state_dict()

    one, other = drawn(0), drawn(7)
    assert all(torch.equal(one[name], other[name]) for name in one)


# -- adapter ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [unet, wht_unet])
def test_adapters_begin_at_the_source_and_move_nothing_but_norms_and_head(model):
    given = Given(model.build(SHAPE, SMALL), adapter, steps=0)
    before = outputs(given.learner.network)
    given.fit()
    assert torch.equal(outputs(given.learner.network), before)
    given = Given(model.build(SHAPE, SMALL), adapter, steps=20)
    changed = given.fit()
    names = set(given.learner.network.state_dict())
    moving = {name for name in names if ".norm" in name and name.endswith(("weight", "bias"))}
    moving |= {name for name in names if ".adapter." in name or name.startswith("parts.head.")}
    assert changed == moving
    widths = SMALL["widths"]
    of_norms = 2 * 2 * (sum(widths) + sum(widths[:3]))
    head = 2 * widths[0] + 2
    assert given.learner.counts()[0] == sum(width**2 + width for width in widths) + of_norms + head
    assert given.learner.shipped_bytes() == shipped(given, changed)


def test_adapters_after_the_stages_of_a_resnet():
    network = resnet.build(SHAPE, SMALL)
    initialise(network, 1)
    before = outputs(network)
    adapter.add_adapters(network)
    assert torch.equal(outputs(network), before)
    assert [name for name in network.part_tree() if name.endswith("adapter")] == [
        f"stage{stage}.adapter" for stage in (1, 2, 3, 4)
    ]


def test_networks_without_levels_have_no_place_for_adapters():
    with pytest.raises(NotApplicable, match="names no levels"):
        Given(linear.build(SHAPE, {"chips": True}), adapter).fit()


# -- scales and thresholds ----------------------------------------------------------------------------------------


def test_scales_and_thresholds_alone_move():
    given = Given(wht_unet.build(SHAPE, SMALL), wht_scale_threshold)
    changed = given.fit()
    assert {name.split(".")[-2] for name in changed} == {"spectrum"}
    assert len(changed) == 4
    assert given.learner.counts()[0] == 3 * 2 * (4**2 + 2**2)
    assert given.learner.shipped_bytes() == 4 * given.learner.counts()[0]


def test_the_bias_of_the_head_moves_where_it_is_asked_to():
    given = Given(wht_unet.build(SHAPE, SMALL), wht_scale_threshold, head_bias=True)
    assert "parts.head.bias" in given.fit()


def test_at_64_pixels_they_are_1920():
    network = wht_unet.build(Shape(6, 0, 2, 64), {})
    network.keep_all_but(lambda name: name.endswith(wht_scale_threshold.ENDS))
    assert parameter_count(network.set_trainable("all")) == 1_920
    other = wht_resnet.build(Shape(6, 0, 10, 64), {})
    other.keep_all_but(lambda name: name.endswith(wht_scale_threshold.ENDS))
    assert parameter_count(other.set_trainable("all")) == 6 * sum(side**2 for side in (64, 32, 16, 8))


# -- all ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lora", "adapter", "wht_scale_threshold"])
def test_frozen_norms_keep_their_statistics(name):
    module = importlib.import_module(f"landbridge.methods.{name}")
    given = Given(wht_unet.build(SHAPE, SMALL), module, steps=5)
    statistics = [norm.running_mean.clone() for norm in norms(given.learner.network)]
    given.fit()
    after = [norm.running_mean for norm in norms(given.learner.network)]
    assert all(np.array_equal(one, other) for one, other in zip(statistics, after, strict=True))
