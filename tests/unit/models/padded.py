"""What holds for every network of padded windows."""

import pytest
import torch
from landbridge.models.network import initialise
from landbridge.models.shape import Shape


def built(module, static, settings, length=200):
    """A network in evaluation mode, drawn from seed 1."""
    network = module.build(Shape(1, static, 5, length), settings)
    initialise(network, 1)
    return network.eval()


def windows(shape, rows=6, steps=40, seed=0):
    """Windows of 1, 2, ... and all steps, with zeros behind."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([1, 2, 7, steps // 2, steps - 1, steps])[:rows]
    known = torch.arange(steps) < lengths[:, None]
    x = torch.randn(rows, steps, shape.inputs, generator=generator) * known[..., None]
    return x, torch.randn(rows, shape.static, generator=generator), known


def check_padding(network):
    """Padding, what stands in it, and other windows change no logit beyond 1e-5."""
    static = network.parts["pooling"].offset
    shape = Shape(1, static.in_features if static is not None else 0, 5, 200)
    x, numbers, known = windows(shape)
    with torch.no_grad():
        found = network(x, numbers, known)
        assert found.shape == (6, 5)
        longer = torch.cat([x, torch.zeros(6, 25, 1)], dim=1)
        mask = torch.cat([known, torch.zeros(6, 25, dtype=torch.bool)], dim=1)
        close = {"rtol": 0, "atol": 1e-5}
        torch.testing.assert_close(network(longer, numbers, mask), found, **close)
        torch.testing.assert_close(network(x.masked_fill(~known[..., None], 1e3), numbers, known), found, **close)
        turn = torch.tensor([3, 1, 5, 0, 2, 4])
        torch.testing.assert_close(network(x[turn], numbers[turn], known[turn]), found[turn], **close)
        for row, steps in enumerate(known.sum(1).tolist()):
            alone = network(x[row : row + 1, :steps], numbers[row : row + 1], torch.ones(1, steps, dtype=torch.bool))
            torch.testing.assert_close(alone[0], found[row], **close)
        moved = x.clone()
        moved[4, 38] += 1  # the last known step of the fifth window
        others = torch.arange(6) != 4
        assert torch.equal(network(moved, numbers, known)[others], found[others])
        assert not torch.allclose(network(moved, numbers, known)[4], found[4])


def check_that_everything_learns(network, unmoved):
    """Each weight but `unmoved` has a gradient, under the ban on operations without a fixed order."""
    static = network.parts["pooling"].offset
    given = windows(Shape(1, static.in_features if static is not None else 0, 5, 200))
    torch.set_deterministic_debug_mode("error")
    try:
        gradients = []
        for _ in range(2):
            network.zero_grad()
            torch.manual_seed(3)
            network.set_trainable("all")
            logits, own = network.step(*given)
            (torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 3, 4, 0])) + own).backward()
            gradients.append({name: parameter.grad.clone() for name, parameter in network.named_parameters()})
    finally:
        torch.set_deterministic_debug_mode("default")
    for name, gradient in gradients[0].items():
        assert torch.equal(gradient, gradients[1][name]), name
        largest = float(gradient.abs().max())
        assert largest == pytest.approx(0, abs=1e-7) if name in unmoved else largest > 1e-7, name
