"""Networks of load disaggregation: sizes of the literature, and several points of a window as each alone."""

import math

import pytest
import torch
from landbridge.models import dlinear, lstm, refquery, seq2point, tcn
from landbridge.models.network import build, initialise, parameter_count
from landbridge.models.shape import Shape
from torch.nn import functional

POINTS = (dlinear, seq2point, tcn)
SMALL = {dlinear: {"average": 5}, seq2point: {"filters": [2] * 5, "dense": 3}, tcn: {"filters": 3, "blocks": 3}}


def shape(field=41, scored=1, outputs=2, inputs=1, groups=0):
    """A field of 41 steps, 20 of them after the step to predict."""
    return Shape(inputs, 0, outputs, field + scored - 1, scored=scored, lookahead=field // 2, groups=groups)


@pytest.mark.parametrize(
    ("model", "field", "count"),
    [
        (dlinear, 299, 600),
        (dlinear, 255, 512),
        (seq2point, 299, 13_863_449),
        (seq2point, 255, 11_610_649),
        (seq2point, 99, 3_623_449),
        (seq2point, 599, 29_223_449),
        (tcn, 299, 74_151),
        (tcn, 255, 73_051),
        (tcn, 99, 69_151),
    ],
)
def test_parameters_of_one_appliance(model, field, count):
    assert parameter_count(build(model, shape(field, outputs=1), {}).parameters()) == count


@pytest.mark.parametrize(("blocks", "count"), [(6, 70_914), (5, 59_522)])
def test_parameters_of_refquery_without_embeddings(blocks, count):
    network = build(refquery, shape(512, outputs=3), {"blocks": blocks})
    assert parameter_count(network.parameters()) == count + 3 * 16


def test_a_modulated_trunk_has_a_factor_and_an_offset_more_for_each_of_its_numbers():
    plain, modulated = (build(refquery, shape(512), {"modulate_trunk": flag}) for flag in (False, True))
    more = parameter_count(modulated.parameters()) - parameter_count(plain.parameters())
    assert more == (16 + 1) * 2 * 64


def test_a_trunk_that_the_embedding_moves_doubles_what_it_is_told_to():
    trunk = refquery.Trunk(3, 2, 1)
    with torch.no_grad():
        trunk.film.weight.zero_()
        trunk.film.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 5.0]))  # factors 2 and 1, offsets 0 and 5
    x = torch.randn(4, 3, 6)
    expected = functional.gelu(trunk.layer(x) * torch.tensor([2.0, 1.0])[:, None] + torch.tensor([0.0, 5.0])[:, None])
    assert torch.allclose(trunk(x, torch.zeros(4, 1)), expected)


@pytest.mark.parametrize("model", POINTS)
def test_points_of_one_window_are_those_of_windows_of_their_own(model):
    many, one = (build(model, shape(scored=scored), SMALL[model]).eval() for scored in (7, 1))
    initialise(many, 3)
    one.load_state_dict(many.state_dict())
    x = torch.randn(2, 47, 1, generator=torch.Generator().manual_seed(0))
    found = many(x, torch.zeros(2, 0))
    assert found.shape == (2, 7, 2)
    for place in range(7):
        alone = one(x[:, place : place + 41], torch.zeros(2, 0))
        assert torch.allclose(found[:, place : place + 1], alone, atol=1e-5)


def test_dlinear_is_its_definition():
    network = build(dlinear, shape(inputs=2), {"average": 5})
    x = torch.randn(3, 41, 2)
    padded = functional.pad(x.transpose(1, 2), (2, 2), mode="replicate")
    trend = functional.avg_pool1d(padded, 5, 1)
    rest = x.transpose(1, 2) - trend
    expected = network.parts["trend"](trend.flatten(1)) + network.parts["remainder"](rest.flatten(1))
    assert torch.allclose(network(x, torch.zeros(3, 0))[:, 0], expected, atol=1e-5)


def test_the_average_repeats_the_edges():
    expected = torch.tensor([[2, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 2]]) / 3
    assert torch.allclose(dlinear.averaging(4, 3), expected)


def test_an_even_average_is_refused():
    with pytest.raises(ValueError, match="write an odd number"):
        build(dlinear, shape(), {"average": 4})


def test_a_field_shorter_than_the_convolutions_is_refused():
    with pytest.raises(ValueError, match="20 steps stand around each scored one, and the convolutions take 29"):
        build(seq2point, shape(20), {})


def test_a_network_of_every_step_leaves_out_the_lookahead():
    network = build(lstm, shape(scored=3), {"hidden": 4}).eval()
    x = torch.randn(2, 43, 1)
    assert network(x, torch.zeros(2, 0)).shape == (2, 23, 2)
    changed = x.clone()
    changed[:, 23:] += 1
    assert torch.equal(network(x, torch.zeros(2, 0)), network(changed, torch.zeros(2, 0)))


def small_refquery(groups=0, seed=1):
    network = build(refquery, shape(scored=5, groups=groups), {"hidden": 4, "trunk": 4, "blocks": 2, "embedding": 3})
    initialise(network, seed)
    return network


def test_power_of_zero_logits_is_half_the_softplus_of_zero():
    network = small_refquery()
    for layer in network.parts["head"].values():
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    power = network(torch.randn(1, 45, 1), torch.zeros(1, 0), torch.tensor([-1]))
    assert torch.allclose(power, torch.full_like(power, math.log(2) / 2))
    assert 400 * power[0, 0, 0].item() == pytest.approx(138.629, abs=1e-3)


def test_an_embedding_changes_its_own_appliance_alone():
    network = small_refquery().eval()
    x, group = torch.randn(2, 45, 1), torch.tensor([-1, -1])
    before = network(x, torch.zeros(2, 0), group)
    with torch.no_grad():
        network.parts["embedding"].weight[1] += 1
    after = network(x, torch.zeros(2, 0), group)
    assert torch.equal(before[..., 0], after[..., 0])
    assert not torch.allclose(before[..., 1], after[..., 1])


def test_a_home_that_is_not_known_has_no_deviation():
    network = small_refquery(groups=2).eval()
    x = torch.randn(1, 45, 1).repeat(3, 1, 1)
    with torch.no_grad():
        network.parts["homes"].deviation[1] += 1
    unknown, first, second = network(x, torch.zeros(3, 0), torch.tensor([-1, 0, 1]))
    assert torch.allclose(unknown, first)
    assert not torch.allclose(unknown, second)


def test_the_field_of_refquery():
    network = build(refquery, Shape(1, 0, 1, 600), {}).eval()
    x = torch.randn(1, 600, 1).requires_grad_()
    network(x, torch.zeros(1, 0), torch.tensor([-1]))[0, 300, 0].backward()
    seen = torch.nonzero(x.grad.ravel()).ravel()
    assert (int(seen.min()), int(seen.max())) == (300 - 256, 300 + 256)
