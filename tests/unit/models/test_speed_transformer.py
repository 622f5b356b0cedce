"""The transformer over speeds: sizes, rotary positions, attention and dropout against naive reckoning, padding."""

import cmath

import pytest
import torch
from landbridge.models import rotary_attention, speed_transformer
from landbridge.models.network import initialise, parameter_count
from landbridge.models.rotary_attention import Attention, attend, attend_thinned, drawn, rotate, turns
from landbridge.models.shape import Shape
from landbridge.models.speed_transformer import FeedForward

from tests.unit.models.padded import built, check_padding, check_that_everything_learns, windows

SHAPE = Shape(inputs=1, static=0, outputs=5, length=200)
SMALL = {"hidden": 32, "heads": 4, "key_value_heads": 2, "layers": 2}


@pytest.mark.parametrize(
    ("sizes", "parameters"),
    [
        ((128, 8, 4, 4), 728_494),
        ((192, 12, 6, 4), 1_634_182),
        ((256, 8, 4, 4), 2_897_750),
        ((128, 8, 2, 4), 695_470),
        ((32, 4, 2, 2), 23_642),
    ],
)
def test_published_sizes(sizes, parameters):
    settings = dict(zip(("hidden", "heads", "key_value_heads", "layers"), sizes, strict=True))
    assert parameter_count(speed_transformer.build(SHAPE, settings).parameters()) == parameters
    assert parameter_count(speed_transformer.build(SHAPE, {}).parameters()) == 728_494


def test_the_parts_of_a_block():
    network = speed_transformer.build(SHAPE, {})
    assert tuple(network.part_names()) == speed_transformer.PARTS
    sizes = {name: parameter_count(part.parameters()) for name, part in network.part_tree().items()}
    assert sizes["block1"] == 181_802
    assert sizes["block1.attention"] == 16_512 + 2 * 8_256 + 16_512 == 49_536
    assert sizes["block1.feed_forward"] == 87_978 + 43_776
    assert (sizes["block1.norms"], sizes["embedding"], sizes["norm"]) == (512, 256, 256)
    assert (sizes["pooling"], sizes["head"]) == (129, 645)


def test_rotary_positions_multiply_complex_numbers():
    x = torch.randn(2, 7, 3, 16)
    found = rotate(x, turns(7, 16, x.device))
    for batch in range(2):
        for step in range(7):
            for head in range(3):
                for pair in range(8):
                    given = complex(*x[batch, step, head, 2 * pair : 2 * pair + 2].tolist())
                    turned = given * cmath.exp(1j * step * 10_000 ** (-2 * pair / 16))
                    wanted = torch.tensor([turned.real, turned.imag])
                    torch.testing.assert_close(found[batch, step, head, 2 * pair : 2 * pair + 2], wanted)


def test_rotary_scores_depend_on_the_distance_alone():
    query, key = torch.randn(2, 16)
    angles = turns(30, 16, query.device)
    queries = rotate(query.expand(1, 30, 1, 16), angles)[0, :, 0]
    keys = rotate(key.expand(1, 30, 1, 16), angles)[0, :, 0]
    scores = queries @ keys.T
    torch.testing.assert_close(scores[5, 3], scores[25, 23])
    assert not torch.isclose(scores[5, 3], scores[5, 4])


def naive_attention(part, x, known):
    """One head, one query at a time, with keys and values repeated for neighbouring heads."""
    width, shared = part.width, part.shared
    sizes = (part.heads * width, shared * width, shared * width)
    query, key, value = (
        (x @ weight.T + bias).unflatten(-1, (-1, width))
        for weight, bias in zip(part.projections.weight.split(sizes), part.projections.bias.split(sizes), strict=True)
    )
    angles = turns(x.shape[1], width, x.device)
    query, key = rotate(query, angles), rotate(key, angles)
    key, value = (item.repeat_interleave(part.heads // shared, dim=2) for item in (key, value))
    found = torch.zeros_like(query)
    for row in range(len(x)):
        for head in range(part.heads):
            for step in range(x.shape[1]):
                scores = key[row, known[row], head] @ query[row, step, head] / width**0.5
                found[row, step, head] = scores.softmax(0) @ value[row, known[row], head]
    return found.flatten(2) @ part.mix.weight.T + part.mix.bias


def test_attention_equals_a_naive_one():
    part = Attention(32, 4, 2, 0.1).eval()
    x, known = torch.randn(2, 9, 32), torch.ones(2, 9, dtype=torch.bool)
    known[1, 5:] = False
    with torch.no_grad():
        found = part(x, known[:, None, None], turns(9, 8, x.device))
        torch.testing.assert_close(found, naive_attention(part, x, known), rtol=1e-4, atol=1e-5)


def test_thinned_attention_without_dropout_is_attention():
    query, key, value = torch.randn(2, 2, 10, 8), torch.randn(2, 2, 5, 8), torch.randn(2, 2, 5, 8)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])[:, None, None]
    torch.testing.assert_close(attend_thinned(query, key, value, mask, 0.0), attend(query, key, value, mask, 0.0))


def test_thinned_attention_drops_a_share_of_the_weights_and_scales_the_rest():
    query, key = torch.randn(1, 1, 5_000, 4), torch.randn(1, 1, 4, 4)
    value, mask = torch.eye(4)[None, None], torch.tensor([True, True, True, False])[None, None, None]
    torch.manual_seed(1)
    thinned = attend(query, key, value, mask, 0.3)  # values that are the identity show the weights themselves
    weights = attend(query, key, value, mask, 0.0)
    dropped = thinned == 0
    assert dropped[..., 3].all()
    assert float(dropped[..., :3].float().mean()) == pytest.approx(0.3, abs=0.02)
    torch.testing.assert_close(thinned[~dropped], (weights / 0.7)[~dropped])
    torch.manual_seed(1)
    assert torch.equal(thinned, attend(query, key, value, mask, 0.3))
    assert not torch.equal(thinned, attend(query, key, value, mask, 0.3))


@pytest.mark.parametrize("in_cache", [1, 30, 2**18])
def test_gradients_of_thinned_attention(monkeypatch, in_cache):
    monkeypatch.setattr(rotary_attention, "IN_CACHE", in_cache)
    shapes = (2, 2, 3, 2), (2, 2, 4, 2), (2, 2, 4, 2)
    given = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    mask = torch.tensor([[True] * 4, [True, True, True, False]])[:, None, None]

    def attended(*parts):
        torch.manual_seed(5)  # the same weights are dropped at every call
        return attend_thinned(*parts, mask, 0.3)

    assert torch.autograd.gradcheck(attended, given, fast_mode=True)
    assert not torch.allclose(attended(*given), attend(*given, mask, 0.0))


def test_draws_have_the_share_in_each_of_the_four_numbers_of_a_word():
    torch.manual_seed(0)
    kept = drawn(torch.Size([40_001, 4]), 0.1)
    assert (kept.float().mean(0) - 0.9).abs().max() < 0.01
    assert drawn(torch.Size([7]), 0.0).all()
    neighbours = (kept[:, 0] & kept[:, 1]).float().mean()
    assert float(neighbours) == pytest.approx(0.81, abs=0.01)


def test_where_dropout_stands():
    torch.manual_seed(0)
    part, x = Attention(32, 4, 2, 0.1), torch.randn(50, 20, 32)
    known = torch.ones(50, 1, 1, 20, dtype=torch.bool)
    attended = part(x, known, turns(20, 8, x.device))
    assert float((attended == 0).float().mean()) == pytest.approx(0.19, abs=0.01)  # once as output, once as branch
    forward = FeedForward(32, 0.1)
    assert float((forward(x) == 0).float().mean()) == pytest.approx(0.1, abs=0.01)
    torch.nn.init.ones_(forward.down.weight)  # the sum over the inner width tells how much was dropped before it
    forward.dropout.p = 0.5
    assert forward(x).ne(0).float().mean() == pytest.approx(0.5, abs=0.02)
    head = speed_transformer.build(SHAPE, SMALL).parts["head"]
    assert head[0].p == 0.1
    still = speed_transformer.build(SHAPE, {**SMALL, "dropout": 0.0})
    given = windows(SHAPE)
    assert torch.allclose(still.train()(*given), still.eval()(*given), atol=1e-6)


def test_seeds_draw_every_weight():
    one, same, other = (speed_transformer.build(SHAPE, {}) for _ in range(3))
    for network, seed in ((one, 1), (same, 1), (other, 2)):
        torch.manual_seed(seed * 10)
        for parameter in network.parameters():
            torch.nn.init.constant_(parameter, 7.0)
        initialise(network, seed)
    for name, parameter in one.named_parameters():
        assert torch.equal(parameter, same.get_parameter(name)), name
        if name.endswith("bias"):
            assert (parameter == 0).all(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name
        else:
            assert not torch.equal(parameter, other.get_parameter(name)), name
    attention = one.part_tree()["block2.attention"]
    query, key, value = attention.projections.weight.split((128, 64, 64))
    for block, outputs in ((query, 128), (key, 64), (value, 64)):  # each bounded as a matrix of its own
        assert float(block.detach().abs().max()) == pytest.approx((6 / (128 + outputs)) ** 0.5, rel=0.01)


@pytest.mark.parametrize("static", [0, 3])
def test_padding_and_the_rest_of_the_batch_change_no_logit(static):
    check_padding(built(speed_transformer, static, SMALL))


@pytest.mark.parametrize("static", [0, 3])
def test_every_weight_learns(static):
    # a bias of the scores moves all steps alike, and their softmax does not see it
    check_that_everything_learns(built(speed_transformer, static, SMALL), {"parts.pooling.score.bias"})


def test_numbers_of_the_unit_begin_without_effect():
    network = built(speed_transformer, 3, SMALL)
    x, static, known = windows(Shape(1, 3, 5, 200))
    before = network(x, static, known)
    assert torch.equal(before, network(x, static + 1, known))
    torch.nn.init.normal_(network.parts["pooling"].offset.weight)
    assert not torch.allclose(before, network(x, static, known))


def test_order_matters():
    network = built(speed_transformer, 0, SMALL)
    x, static, known = windows(SHAPE)
    known = torch.ones_like(known)
    assert not torch.allclose(network(x, static, known), network(x.flip(1), static, known), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "text"),
    [({"hidden": 36}, "even multiple of its 8 heads"), ({"key_value_heads": 3}, "divisor of the 8 heads")],
)
def test_sizes_that_do_not_fit(settings, text):
    with pytest.raises(ValueError, match=text):
        speed_transformer.build(SHAPE, settings)
