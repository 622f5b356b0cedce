"""Networks of chips: sizes of the brief, parts, and what must not depend on what."""

import importlib

import pytest
import torch
from landbridge import registry
from landbridge.models import resnet, unet, wht_resnet, wht_unet
from landbridge.models.convolutions import doubled, halved
from landbridge.models.network import initialise, parameter_count
from landbridge.models.shape import Shape
from torch.nn import functional

SMALL = {"widths": [4, 8, 16, 32]}
NAMES = ("unet", "wht_unet", "resnet", "wht_resnet")


def built(name, static=0, **settings):
    network = importlib.import_module(f"landbridge.models.{name}").build(Shape(6, static, 2, 32), {**SMALL, **settings})
    initialise(network, 1)
    return network.eval()


def chips(rows=3, side=32, bands=6):
    return torch.randn(rows, bands, side, side, generator=torch.Generator().manual_seed(0)), torch.zeros(rows, 0)


@pytest.mark.parametrize(
    ("model", "bands", "count"),
    [(unet, 6, 488_433), (unet, 12, 489_297), (wht_unet, 6, 367_473)],
)
def test_parameters_of_one_logit(model, bands, count):
    assert parameter_count(model.build(Shape(bands, 0, 1, 64), {}).parameters()) == count


def test_scales_and_thresholds_of_the_unet():
    network = wht_unet.build(Shape(6, 0, 1, 64), {})
    assert parameter_count(network.set_trainable("*.*.spectrum")) == 1_920


def test_parameters_of_the_resnet_by_hand():
    """Stem, then of each block 1x1, 3x3 and 1x1 convolutions with norms, and a shortcut where the width changes."""
    count, before = 9 * 6 * 32 + 2 * 32, 32
    for width in (32, 64, 128, 256):
        inner = width // 4
        for inputs in (before, width):
            count += inputs * inner + 9 * inner**2 + inner * width + 2 * (2 * inner + width)
            count += inputs * width + 2 * width if inputs != width else 0
        before = width
    assert parameter_count(resnet.build(Shape(6, 0, 10, 64), {}).parameters()) == count + 256 * 10 + 10


def test_second_blocks_alone_have_the_layer():
    tree = wht_resnet.build(Shape(6, 0, 10, 64), {}).part_tree()
    assert [name for name in tree if name.endswith("spectrum")] == [
        f"stage{stage}.block2.body.convolution2.spectrum" for stage in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_outputs_parts_and_seeds(name):
    network = built(name)
    x, static = chips()
    assert network(x, static).shape == ((3, 2, 32, 32) if name.endswith("unet") else (3, 2))
    assert tuple(network.part_names()) == registry.models()[name].literals["PARTS"]
    assert set(network.levels) <= set(network.part_names())
    inside = sum(parameter_count(part.parameters()) for part in network.parts.values())
    assert inside == parameter_count(network.parameters())
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), built(name).parameters(), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_chip_does_not_depend_on_the_batch_and_every_weight_learns(name):
    network = built(name)
    x, static = chips()
    assert torch.allclose(network(x, static)[1:2], network(x[1:2], static[1:2]), atol=1e-5)
    network.train()
    network(x, static).square().sum().backward()
    silent = [key for key, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert silent == []


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_the_unit_enter(name):
    network = built(name, static=1)
    x, _ = chips()
    assert not torch.allclose(network(x, torch.zeros(3, 1)), network(x, torch.ones(3, 1)))


@pytest.mark.parametrize("name", ["unet", "resnet"])
def test_chips_of_another_size_pass_where_no_layer_is_tied_to_it(name):
    x, static = chips(side=64)
    assert len(built(name)(x, static)) == 3
    with pytest.raises(ValueError, match="which was built for"):
        built(f"wht_{name}")(x, static)


@pytest.mark.parametrize("side", [20, 8])
def test_chips_that_cannot_be_halved_are_refused(side):
    with pytest.raises(ValueError, match=rf"{side} by {side} pixels cannot be halved 3 .* multiples of 8, 16 at least"):
        built("unet")(*chips(side=side))


@pytest.mark.parametrize("name", NAMES)
def test_widths_are_four(name):
    with pytest.raises(ValueError, match="3 widths for 4"):
        built(name, widths=[4, 8, 16])


@pytest.mark.parametrize("side", [1, 2, 5, 8])
def test_steps_up_and_down_are_those_of_torch(side):
    x, _ = chips(side=side)
    expected = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(doubled(x), expected, atol=1e-6)
    assert torch.equal(halved(expected), functional.max_pool2d(expected, 2))
