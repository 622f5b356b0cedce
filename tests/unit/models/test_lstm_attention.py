"""The bidirectional LSTM with attention pooling: sizes, pooling by hand, padding."""

import pytest
import torch
from landbridge.models import lstm_attention
from landbridge.models.network import initialise, parameter_count
from landbridge.models.pooling import AttentionPooling
from landbridge.models.shape import Shape
from torch import nn

from tests.unit.models.padded import built, check_padding, check_that_everything_learns

SHAPE = Shape(inputs=1, static=0, outputs=5, length=200)
SMALL = {"hidden": 12, "layers": 2}


def test_published_sizes():
    network = lstm_attention.build(SHAPE, {})
    assert parameter_count(network.parameters()) == 3_818_502
    assert tuple(network.part_names()) == lstm_attention.PARTS
    sizes = {name: parameter_count(part.parameters()) for name, part in network.part_tree().items()}
    assert sizes == {"recurrent": 530_432 + 2 * 1_576_960, "pooling": 131_328 + 257, "head": 2_565}
    assert parameter_count(lstm_attention.build(SHAPE, {"hidden": 128, "layers": 2}).parameters()) == 563_718


@pytest.mark.parametrize("static", [0, 2])
def test_padding_and_the_rest_of_the_batch_change_no_logit(static):
    check_padding(built(lstm_attention, static, SMALL))


@pytest.mark.parametrize("static", [0, 2])
def test_every_weight_learns_and_equal_streams_give_equal_gradients(static):
    # a bias of the scores moves all steps alike, and their softmax does not see it
    check_that_everything_learns(built(lstm_attention, static, SMALL), {"parts.pooling.score.2.bias"})


def test_the_pooling_by_hand():
    score = nn.Linear(2, 1)
    with torch.no_grad():
        score.weight.copy_(torch.tensor([[1.0, 0.0]]))
        score.bias.fill_(5.0)
    pooling = AttentionPooling(score, 0, 2)
    x = torch.tensor([[[0.0, 1.0], [float(torch.log(torch.tensor(3.0))), 5.0], [9.0, 100.0]]])
    known = torch.tensor([[True, True, False]])
    pooled = pooling(x, torch.zeros(1, 0), known)  # weights 1/4 and 3/4
    assert float(pooled[0, 1].detach()) == pytest.approx(0.25 * 1 + 0.75 * 5)


def test_both_directions_reach_every_step():
    network = built(lstm_attention, 0, {"hidden": 12, "layers": 1}).requires_grad_(False)
    x = torch.randn(1, 10, 1)
    hidden = network.parts["recurrent"](x)[0]
    moved = x.clone()
    moved[:, 9] += 1
    change = (network.parts["recurrent"](moved)[0] - hidden).abs()
    assert float(change[0, 0, :12].max()) == 0 and float(change[0, 0, 12:].max()) > 0


def test_seeds_draw_every_weight():
    one, same, other = (lstm_attention.build(SHAPE, SMALL) for _ in range(3))
    for network, seed in ((one, 1), (same, 1), (other, 2)):
        initialise(network, seed)
    for name, parameter in one.named_parameters():
        assert torch.equal(parameter, same.get_parameter(name))
        assert not torch.equal(parameter, other.get_parameter(name)), name
