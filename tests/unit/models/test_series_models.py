"""Architectures of series: parameter counts, shapes, what each part may depend on."""

import importlib

import pytest
import torch
from landbridge import registry
from landbridge.models.network import initialise, parameter_count
from landbridge.models.shape import Shape

SHAPE = Shape(inputs=5, static=3, outputs=2, length=30, support=4)
NAMES = ("lstm", "gru", "ct_lstm", "ct_gru", "transformer", "patch_transformer", "tam_rl")
SMALL = {"hidden": 16}


def built(name, **settings):
    network = importlib.import_module(f"landbridge.models.{name}").build(SHAPE, {**SMALL, **settings})
    initialise(network, 1)
    return network.eval()


def inputs(name, rows=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    found = [torch.randn(rows, 30, 5, generator=generator), torch.randn(rows, 3, generator=generator)]
    if name == "tam_rl":
        found += [torch.randn(rows, 4, 30, 5, generator=generator), torch.ones(rows, 4, dtype=torch.bool)]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_outputs_parts_and_seeds(name):
    network = built(name)
    steps = 15 if name == "patch_transformer" else 30
    assert network(*inputs(name)).shape == (6, steps, 2)
    assert tuple(network.part_names()) == registry.models()[name].literals["PARTS"]
    inside = sum(parameter_count(part.parameters()) for part in network.parts.values())
    assert inside == parameter_count(network.parameters())
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), built(name).parameters(), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_row_does_not_depend_on_the_batch_and_every_part_learns(name):
    network, given = built(name), inputs(name)
    whole = network(*given)
    one = network(*(item[2:3] for item in given))
    assert torch.allclose(whole[2:3], one, atol=1e-6)
    network.train()
    outputs, own = network.step(*given)
    (outputs[:, -1].square().sum() + own).backward()
    silent = ()
    for part, module in network.parts.items():
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters()) or part in silent, part


def test_counts_known_by_hand():
    lstm = 16 * (5 + 3) + 16 + 4 * (16 * 16 * 2 + 2 * 16) + 2 * 16 + 2
    assert parameter_count(built("lstm").parameters()) == lstm
    assert parameter_count(built("lstm", static=False).parameters()) == lstm - 16 * 3
    assert parameter_count(built("gru").parameters()) == lstm - (16 * 16 * 2 + 2 * 16)
    assert parameter_count(built("ct_lstm").parameters()) == lstm - 16 * (5 + 3) - 16 + 8 * 5 + 8 + 8 * 3 + 8


def test_static_numbers_can_be_left_out():
    network, (x, static) = built("lstm", static=False), inputs("lstm")
    assert torch.equal(network(x, static), network(x, static + 1))


@pytest.mark.parametrize("name", ["transformer", "patch_transformer", "gru"])
def test_the_scored_last_day_enters_every_prediction(name):
    network, (x, static) = built(name), inputs(name)
    moved = x.clone()
    moved[:, -1] += 1
    assert not torch.allclose(network(x, static)[:, -1], network(moved, static)[:, -1])
    if name == "patch_transformer":  # seven patches of four days end at day 30, so days 1 and 2 are left over
        moved = x.clone()
        moved[:, :2] += 1
        assert torch.equal(network(x, static), network(moved, static))
        moved[:, 2] += 1
        assert not torch.allclose(network(x, static), network(moved, static))


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="multiple of 3"):
        built("transformer", heads=3)


def test_the_code_begins_without_effect_and_reads_support_alone():
    network, (x, static, support, known) = built("tam_rl"), inputs("tam_rl")
    assert torch.equal(network(x, static, support, known), network(x, static, support + 1, known))
    torch.nn.init.normal_(network.parts["modulation"].state.weight, generator=torch.Generator().manual_seed(2))
    assert not torch.allclose(network(x, static, support, known), network(x, static, support + 1, known))
    missing = known.clone()
    missing[:, 1:] = False
    other = support.clone()
    other[:, 1:] += 5  # windows that do not exist must not matter
    assert torch.equal(network(x, static, support, missing), network(x, static, other, missing))
    nothing = torch.zeros_like(known)
    assert torch.isfinite(network(x, static, support, nothing)).all()


def test_the_reconstruction_has_its_own_loss():
    network, given = built("tam_rl"), inputs("tam_rl")
    assert float(network.step(*given)[1].detach()) > 0
    assert float(built("tam_rl", reconstruction=0.0).step(*given)[1].detach()) == 0
    assert network.step(*given[:3], torch.zeros_like(given[3]))[1] == 0
