"""The Walsh-Hadamard layer: its own inverse, equal to the dense product, known answers, what it refuses."""

import pytest
import torch
from landbridge.models import wht_unet
from landbridge.models.network import initialise, parameter_count
from landbridge.models.shape import Shape
from landbridge.models.walsh_hadamard import WalshHadamard, padded_side, shrink, transform

SIZES = [2, 4, 8, 16, 32, 64, 128]


def dense(size):
    matrix = torch.ones(1, 1, dtype=torch.float64)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)]) / 2**0.5
    return matrix


def of_chips(x):
    """The transform of (b, c, y, x) in both directions."""
    found = transform(x.flatten(2).transpose(1, 2))
    return found.transpose(1, 2).unflatten(-1, x.shape[2:])


def random(*shape, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def layer(inputs=3, outputs=3, side=8, **options):
    found = WalshHadamard(inputs, outputs, side, **options).double()
    torch.manual_seed(1)
    found["spectrum"].reset_parameters()
    for mix in found["mixing"].paths:
        mix.reset_parameters()
    return found


def plain(side=8, residual=False, threshold=0.0):
    """One path that scales by 1, mixes nothing and shrinks by `threshold`."""
    found = layer(side=side, paths=1, residual=residual)
    with torch.no_grad():
        found["spectrum"].scale.fill_(1)
        found["spectrum"].threshold.fill_(threshold)
        found["mixing"].paths[0].weight.copy_(torch.eye(3))
    return found


def test_known_answers():
    row = torch.tensor([1.0, 2, 3, 4])
    assert transform(row.view(1, 4, 1)).flatten().tolist() == [5, -1, -2, 0]
    assert of_chips(row.view(1, 1, 2, 2)).flatten().tolist() == [5, -1, -2, 0]
    constant = of_chips(torch.full((1, 1, 8, 8), 0.3, dtype=torch.float64)).flatten()
    assert constant[0] == pytest.approx(0.3 * 8, abs=1e-14)
    assert constant[1:].abs().max() < 1e-14
    shrunk = shrink(torch.tensor([-0.3, 0.05, 0.3]), torch.tensor(0.1))
    assert torch.allclose(shrunk, torch.tensor([-0.2, 0, 0.2]))


def test_a_negative_threshold_shrinks_nothing():
    x = torch.tensor([-0.3, 0.05])
    assert torch.equal(shrink(x, torch.tensor(-0.1)), x)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("size", SIZES)
def test_its_own_inverse_and_a_rotation(size, dtype, tolerance):
    x = random(2, 1, size, size, dtype=dtype)
    found = of_chips(x)
    assert (of_chips(found) - x).abs().max() < tolerance
    assert float(found.norm()) == pytest.approx(float(x.norm()), rel=tolerance)


@pytest.mark.parametrize("size", SIZES)
def test_equal_to_the_dense_product_in_both_directions(size):
    x = random(2, 3, size, 2 * size)
    assert (of_chips(x) - dense(size) @ x @ dense(2 * size)).abs().max() < 1e-12


def test_other_sizes_than_powers_of_two_are_refused():
    with pytest.raises(ValueError, match="6 numbers are no power of two; fill up with zeros to 8"):
        transform(torch.zeros(1, 6, 1))
    assert [padded_side(side) for side in (1, 2, 3, 8, 9, 56)] == [1, 2, 4, 8, 16, 64]


def test_a_layer_that_does_nothing_returns_its_input():
    x = random(2, 3, 8, 8)
    assert (plain()(x) - x).abs().max() < 1e-12


@pytest.mark.parametrize("residual", [False, True])
def test_a_huge_threshold_leaves_nothing_but_the_residual(residual):
    x = random(2, 3, 8, 8)
    assert torch.equal(plain(residual=residual, threshold=1e6)(x), x if residual else torch.zeros_like(x))


def test_one_path_adds_its_input_and_three_do_not():
    assert layer(paths=1).residual
    assert not layer(paths=3).residual
    with pytest.raises(ValueError, match="3 channels cannot be added to 4"):
        layer(3, 4, paths=1)


def test_gradients_in_float64():
    own = layer(2, 3, side=4, paths=2)
    x = random(1, 2, 4, 4).requires_grad_()
    parameters = [x, own["spectrum"].scale, own["spectrum"].threshold, own["mixing"].paths[0].weight]
    mixed = own["mixing"].paths[0](own["spectrum"].scale[0] * transform(x.flatten(2).transpose(1, 2)))
    assert (mixed.abs() - own["spectrum"].threshold[0]).abs().min() > 1e-4  # away from the kink
    assert torch.autograd.gradcheck(lambda *_: own(x), parameters, eps=1e-6)


def test_gradients_of_shrinkage():
    x = torch.tensor([-0.3, 0.05, 0.3], requires_grad=True)
    threshold = torch.tensor([0.1, 0.1, 0.1], requires_grad=True)
    shrink(x, threshold).sum().backward()
    assert x.grad.tolist() == [1, 0, 1]
    assert threshold.grad.tolist() == [1, 0, -1]
    below = torch.tensor([-0.1], requires_grad=True)
    shrink(torch.tensor([0.3]), below).sum().backward()
    assert below.grad.tolist() == [0]


@pytest.mark.parametrize(
    ("channels", "side", "count"), [(16, 64, 25_344), (64, 64, 36_864), (128, 16, 50_688), (256, 8, 196_992)]
)
def test_parameters_by_the_formula(channels, side, count):
    padded = padded_side(side)
    assert parameter_count(WalshHadamard(channels, channels, side).parameters()) == count
    assert count == 3 * (2 * padded**2 + channels**2)


def test_chips_that_are_no_power_of_two_are_filled_up_and_cut_back():
    own = layer(side=56)
    x = random(1, 3, 56, 56)
    wide = torch.nn.functional.pad(x, (0, 8, 0, 8))
    whole = layer(side=64)
    whole.load_state_dict(own.state_dict())
    assert own(x).shape == x.shape
    assert torch.equal(own(x), whole(wide)[..., :56, :56])


def test_chips_of_another_size_are_refused():
    with pytest.raises(ValueError, match="chips are 16 by 16 pixels at this layer, which was built for 8 by 8"):
        layer()(random(1, 3, 16, 16))


def test_a_batch_equals_its_chips_alone():
    own, x = layer(), random(4, 3, 8, 8)
    whole = own(x)
    for place in range(4):
        assert (own(x[place : place + 1]) - whole[place : place + 1]).abs().max() < 1e-12


def test_every_pixel_depends_on_every_pixel():
    own = layer()
    x = random(1, 3, 8, 8).requires_grad_()
    own(x)[0, 0, 7, 7].backward()
    assert (x.grad != 0).all()


def test_scales_and_thresholds_are_drawn_from_their_ranges():
    network = wht_unet.build(Shape(6, 0, 2, 64), {})
    initialise(network, 3)
    parts = [part for name, part in network.part_tree().items() if name.endswith("spectrum")]
    scale, threshold = (torch.cat([getattr(part, name).flatten() for part in parts]) for name in ("scale", "threshold"))
    assert 0 <= scale.min() < 0.01 < 0.99 < scale.max() <= 1
    assert 0 <= threshold.min() < 0.001 < 0.099 < threshold.max() <= 0.1
