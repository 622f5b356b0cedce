"""Partial unfreezing: exactly the named weights move, for every variant, and what cannot be is said."""

import pytest
import torch
from landbridge.methods import partial_unfreeze
from landbridge.methods.given import NotApplicable
from landbridge.models import lstm_attention, speed_transformer
from landbridge.models.learner import Learner
from landbridge.models.network import Network, initialise
from landbridge.models.shape import Shape
from landbridge.stage import StageError
from landbridge.train.drawn import Drawn
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import Batch, MeanLoss
from torch import nn

SHAPE = Shape(inputs=1, static=0, outputs=5, length=20)
SMALL = {"hidden": 16, "heads": 2, "key_value_heads": 1, "layers": 4}


class Windows:
    """Twelve padded windows of five classes."""

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.known = torch.arange(20) < torch.randint(3, 20, (12, 1), generator=generator)
        self.x = torch.randn(12, 20, 1, generator=generator) * self.known[..., None]
        self.labels = torch.arange(12) % 5

    def __len__(self):
        return 12

    def batch(self, index):
        inputs = (self.x[index], torch.zeros(len(index), 0), self.known[index])
        return Batch(inputs, self.labels[index], torch.ones(len(index)), index)


class Given:
    """One fit on the windows, by the real loop."""

    def __init__(self, network, variant="chosen", steps=3, seed=4, **settings):
        initialise(network, 1)
        self.learner = Learner(network, None, SHAPE)
        self.variant, self.seed, self.steps = variant, seed, steps
        self.settings = {**partial_unfreeze.DEFAULTS, "rate": 0.01, **settings}
        self.target = Windows()

    def pretrained(self):
        return self.learner

    def train(self, learner, sides, *, parts, rate):
        drawn = [Drawn.start(side.name, side.samples, side.share, self.seed) for side in sides]
        train(learner.network, drawn, MeanLoss("classification"), Schedule(rate, steps=self.steps), parts=parts)
        learner.trained = learner.network.check_parts(parts)


def transformer():
    return speed_transformer.build(SHAPE, SMALL)


def changed(given):
    """Names of the tensors of the state that a fit changes."""
    network = given.learner.network
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    partial_unfreeze.fit(given)
    return {name for name, tensor in network.state_dict().items() if not torch.equal(before[name], tensor)}


def weights(network, *beginnings):
    """Names of the tensors that training can move; a bias of the scores is none."""
    names = {name for name in network.state_dict() if name != "parts.pooling.score.bias"}
    return {name for name in names if not beginnings or any(part in name for part in beginnings)}


@pytest.mark.parametrize(
    ("variant", "frozen"),
    [
        ("freeze_attention", [".attention."]),
        ("freeze_forward", [".feed_forward."]),
        ("freeze_embedding", [".embedding."]),
        ("freeze_first_half", [".block1.", ".block2."]),
        ("head_only", [".embedding.", ".block", ".norm.", ".pooling."]),
        ("head_and_pooling", [".embedding.", ".block", ".norm."]),
    ],
)
def test_exactly_the_named_weights_move(variant, frozen):
    given = Given(transformer(), variant)
    network = given.learner.network
    moved = changed(given) - {"parts.pooling.score.bias"}
    assert moved == weights(network) - weights(network, *frozen)
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert trained - {"parts.pooling.score.bias"} == moved
    assert given.learner.counts()[0] == sum(network.get_parameter(name).numel() for name in trained)


def test_what_the_settings_choose():
    assert changed(Given(transformer())) == {"parts.head.1.weight", "parts.head.1.bias"}
    given = Given(transformer(), parts=["norm", "head"])
    assert changed(given) == weights(given.learner.network, "parts.norm.", ".head.")


def test_the_last_block_is_drawn_anew_from_the_stream_of_the_fit():
    def drawn(seed, noise):
        given = Given(transformer(), "reinitialise_last", seed=seed, steps=0)
        torch.manual_seed(noise)
        return changed(given), given.learner.network.state_dict()

    names, state = drawn(4, 0)
    matrices = {name for name in state if ".block4." in name and name.endswith("weight") and ".norms." not in name}
    assert names == matrices  # no step was made: biases are 0 and norms 1 before and after
    assert all(torch.equal(tensor, state[name]) for name, tensor in drawn(4, 7)[1].items())
    other = drawn(5, 0)[1]
    assert all(torch.equal(other[name], state[name]) == (name not in matrices) for name in state)
    given = Given(transformer(), "reinitialise_last")
    assert changed(given) - {"parts.pooling.score.bias"} == weights(given.learner.network)


class Normalised(Network):
    """A batch norm of the last step and a head."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict({"block1": nn.ModuleDict({"norms": nn.BatchNorm1d(1)}), "head": nn.Linear(1, 5)})

    def forward(self, x, static, known):
        return self.parts["head"](self.parts["block1"]["norms"](x[:, 0]))


def test_running_statistics_of_a_frozen_part_stay():
    assert changed(Given(Normalised())) == {"parts.head.weight", "parts.head.bias"}
    moved = changed(Given(Normalised(), parts=["all"]))
    assert "parts.block1.norms.running_mean" in moved


@pytest.mark.parametrize("variant", ["freeze_attention", "freeze_forward", "freeze_first_half", "reinitialise_last"])
def test_a_variant_that_the_model_does_not_allow(variant):
    network = lstm_attention.build(SHAPE, {"hidden": 4, "layers": 1})
    with pytest.raises(NotApplicable, match=r"no part named .*; this model has recurrent, pooling, head"):
        partial_unfreeze.fit(Given(network, variant))
    partial_unfreeze.fit(Given(network, "head_and_pooling"))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"parts": ["heda"]}, "recipe_settings.partial_unfreeze: no part named heda; this model has embedding, block1"),
        ({"parts": ["-head"]}, "names no part; begin with all"),
        ({"reinitialise": ["block4"]}, r"block4\.attention, .* would be drawn anew and never trained"),
        ({"reinitialise": ["block9"]}, "no part named block9"),
    ],
)
def test_settings_that_a_user_can_mend(settings, text):
    with pytest.raises(StageError, match=text):
        partial_unfreeze.fit(Given(transformer(), **settings))


def test_every_variant_has_a_preset():
    assert ("chosen", *partial_unfreeze.presets(["block1"])) == partial_unfreeze.VARIANTS
    assert partial_unfreeze.presets([f"block{n}" for n in range(1, 6)])["freeze_first_half"][0] == [
        "all",
        "-block1",
        "-block2",
    ]
