"""Causal convolutions over a window whose every step is predicted."""

import pytest
import torch
from landbridge import registry
from landbridge.models import causal_tcn, tcn
from landbridge.models.network import build, initialise, parameter_count
from landbridge.models.shape import Shape
from landbridge.stage import StageError

YEAR = Shape(inputs=4, static=2, outputs=1, length=365, scored=365)


def built(shape=YEAR, **settings):
    network = build(causal_tcn, shape, {"filters": 6, "dropout": 0.0, **settings})
    initialise(network, 2)
    return network.eval()


def test_every_step_of_a_year_has_an_output_that_sees_the_whole_year_before():
    network = built()
    x = torch.randn(1, 365, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    found = network(x, torch.ones(1, 2))
    assert found.shape == (1, 365, 1)
    found[0, 364, 0].backward()
    seen = torch.nonzero(x.grad.abs().sum(-1).ravel()).ravel()
    assert (int(seen.min()), int(seen.max())) == (0, 364)


def test_a_step_sees_the_reach_that_the_docstring_names_and_no_later_step():
    network = built(Shape(4, 2, 1, 60, scored=60), blocks=3, kernel=2)
    x = torch.randn(1, 60, 4, generator=torch.Generator().manual_seed(1), requires_grad=True)
    network(x, torch.ones(1, 2))[0, 40, 0].backward()
    seen = torch.nonzero(x.grad.abs().sum(-1).ravel()).ravel()
    assert (int(seen.min()), int(seen.max())) == (40 - 2 * (2**3 - 1), 40)


def test_it_is_the_field_of_tcn_where_a_step_has_one():
    """The blocks are those of `tcn`: over a window that begins where its field begins they leave the same features."""
    shape = Shape(4, 0, 1, 12)
    whole, around = built(shape, blocks=3, kernel=2), build(tcn, shape, {"blocks": 3, "kernel": 2, "filters": 6})
    around.parts["blocks"].load_state_dict(whole.parts["blocks"].state_dict())
    around.eval()
    x = torch.randn(3, 12, 4, generator=torch.Generator().manual_seed(3))
    features = whole.features(x, torch.zeros(3, 0))
    found = around(x, torch.zeros(3, 0))[:, 0]
    torch.testing.assert_close(found, around.parts["head"](features.transpose(1, 2).flatten(1)))


def test_counts_and_parts():
    network = built(blocks=2, kernel=3)
    first, second = (6 * 6 * 3 + 12) * 2, (6 * 6 * 3 + 12) * 2  # weights, biases and gains; widths agree, so no skip
    assert parameter_count(network.parameters()) == first + second + 7
    assert tuple(network.part_names()) == registry.models()["causal_tcn"].literals["PARTS"]


def test_static_numbers_enter_every_step():
    network = built(Shape(4, 2, 1, 30, scored=30))
    x = torch.randn(2, 30, 4)
    moved = (network(x, torch.zeros(2, 2)) - network(x, torch.ones(2, 2))).abs()
    assert (moved > 0).all()


def test_a_tcn_of_fields_refuses_windows_whose_every_step_is_scored():
    with pytest.raises(StageError, match=r"all 365 steps of a window are scored, .* take the model causal_tcn"):
        build(tcn, YEAR, {})
