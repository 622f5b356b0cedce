"""Names of parts: parts of parts, wildcards, exclusions, and what freezing does to a module."""

import pytest
import torch
from landbridge.models import lstm_attention, speed_transformer
from landbridge.models.learner import Learner
from landbridge.models.network import Network, initialise, parameter_count
from landbridge.models.shape import Shape
from torch import nn

SHAPE = Shape(inputs=1, static=0, outputs=5, length=200)
BLOCK = 181_802


class Nested(Network):
    """Two stages, each a linear map and a batch norm, and a head."""

    def __init__(self):
        super().__init__()
        stage = {"map": nn.Linear(3, 3), "norm": nn.BatchNorm1d(3)}
        other = {"map": nn.Linear(3, 3), "norm": nn.BatchNorm1d(3)}
        self.parts = nn.ModuleDict(
            {"first": nn.ModuleDict(stage), "second": nn.ModuleDict(other), "head": nn.Linear(3, 2)}
        )

    def features(self, x, static):
        for stage in ("first", "second"):
            x = self.parts[stage]["norm"](self.parts[stage]["map"](x))
        return x


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("all", ["first.map", "first.norm", "second.map", "second.norm", "head"]),
        ("first", ["first.map", "first.norm"]),
        ("second.norm", ["second.norm"]),
        ("*.norm", ["first.norm", "second.norm"]),
        ("*", ["first.map", "first.norm", "second.map", "second.norm", "head"]),
        (["head", "first.map"], ["first.map", "head"]),
        (["all", "-*.norm"], ["first.map", "second.map", "head"]),
        (["all", "-first", "-head"], ["second.map", "second.norm"]),
        (["-first.map", "first", "first.norm"], ["first.norm"]),
        (["head", "-first"], ["head"]),
    ],
)
def test_names_stand_for_the_parts_without_parts(names, found):
    assert Nested().check_parts(names) == found


@pytest.mark.parametrize("names", ["third", ["head", "*.third"], ["all", "-third"], "norm", "first.map.weight", ""])
def test_what_is_no_part_is_refused_with_all_that_are(names):
    valid = r"this model has first, first\.map, first\.norm, second, second\.map, second\.norm, head"
    with pytest.raises(ValueError, match=valid):
        Nested().check_parts(names)


@pytest.mark.parametrize("names", [["-head"], ["all", "-*"], []])
def test_a_choice_of_nothing_is_refused(names):
    with pytest.raises(ValueError, match="names no part; begin with all"):
        Nested().set_trainable(names)


def test_parameters_come_in_the_order_of_the_network_whatever_the_order_of_names():
    network = Nested()
    one, other = network.set_trainable(["head", "first.map"]), network.set_trainable(["first.map", "head"])
    assert [id(p) for p in one] == [id(p) for p in other]
    assert one[0] is network.parts["first"]["map"].weight
    assert {name for name, p in network.named_parameters() if p.requires_grad} == {
        f"parts.{part}.{kind}" for part in ("first.map", "head") for kind in ("weight", "bias")
    }


def test_a_frozen_part_acts_as_in_evaluation_and_keeps_its_running_statistics():
    network = Nested()
    network.set_trainable(["all", "-first.norm"])
    first, second = (network.parts[stage]["norm"] for stage in ("first", "second"))
    before = first.running_mean.clone(), second.running_mean.clone()
    network(torch.randn(8, 3) + 4, torch.zeros(8, 0))
    assert torch.equal(before[0], first.running_mean)
    assert not torch.equal(before[1], second.running_mean)
    assert not first.training and second.training and network.parts["first"]["map"].training
    network.set_trainable("all")
    assert first.training


def test_weights_outside_of_all_parts_are_refused():
    network = Nested()
    network.lost = nn.Linear(1, 1)
    with pytest.raises(ValueError, match=r"belong to no part: lost\.weight, lost\.bias"):
        network.set_trainable("all")


@pytest.mark.parametrize(
    ("names", "trained"),
    [
        ("all", 728_494),
        ("head", 645),
        (["pooling", "head"], 774),
        (["norm", "pooling", "head"], 1_030),
        (["all", "-*.attention"], 530_350),
        (["all", "-*.feed_forward"], 201_478),
        (["all", "-embedding"], 728_238),
        (["all", "-block1", "-block2"], 364_890),
        ("block4", BLOCK),
        ("block1.attention", 49_536),
    ],
)
def test_trained_counts_of_the_published_strategies(names, trained):
    network = speed_transformer.build(SHAPE, {})
    assert parameter_count(network.set_trainable(names)) == trained
    learner = Learner(network, None, SHAPE)
    learner.trained = network.check_parts(names)
    assert learner.counts() == (trained, 728_494)
    assert learner.shipped_bytes() == 4 * trained


def test_trained_counts_of_the_lstm():
    network = lstm_attention.build(SHAPE, {})
    assert parameter_count(network.set_trainable(["pooling", "head"])) == 131_328 + 257 + 2_565
    with pytest.raises(ValueError, match="this model has recurrent, pooling, head"):
        network.set_trainable("*.attention")


def test_parts_trained_in_several_stages_count_once():
    learner = Learner(speed_transformer.build(SHAPE, {}), None, SHAPE)
    learner.trained = ["block1.attention", "block1", "head"]
    assert learner.counts()[0] == BLOCK + 645
    learner.trained = ()
    assert learner.counts()[0] == learner.shipped_bytes() == 0


def test_one_part_is_drawn_anew_from_a_stream_of_its_own():
    def after(noise, parts):
        network = speed_transformer.build(SHAPE, {})
        initialise(network, 1)
        torch.manual_seed(noise)
        initialise(network, 2, parts)
        return network

    start, one, other = after(0, "head"), after(0, "block4"), after(9, "block4")
    names = [name for name, _ in start.named_parameters() if not name.startswith("parts.head")]
    for name in names:
        same = torch.equal(start.get_parameter(name), one.get_parameter(name))
        drawn = name.startswith("parts.block4") and name.endswith("weight") and ".norms." not in name
        assert same != drawn, name
        assert torch.equal(one.get_parameter(name), other.get_parameter(name))
    part = one.part_tree()["block4"]
    assert parameter_count(part.parameters()) == BLOCK
