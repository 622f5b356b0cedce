"""The entity-aware LSTM: its equations step by step, and what its input gate may depend on."""

import pytest
import torch
from landbridge import registry
from landbridge.models import ea_lstm
from landbridge.models.network import build, initialise, parameter_count
from landbridge.models.shape import Shape
from landbridge.stage import StageError

SHAPE = Shape(inputs=5, static=3, outputs=2, length=20, scored=20)


def built(**settings):
    network = build(ea_lstm, SHAPE, {"hidden": 8, **settings})
    initialise(network, 1)
    return network.eval()


def inputs(rows=4, steps=20, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, steps, 5, generator=generator), torch.randn(rows, 3, generator=generator)


def step_by_step(network, x, static):
    """Equations 7 to 12 of Kratzert et al. (2019), and the input gate of each step."""
    gate, cell = network.parts["gate"], network.parts["recurrent"]
    h = c = torch.zeros(len(x), cell.hidden)
    entry = torch.sigmoid(static @ gate.weight.T + gate.bias)
    states = []
    for t in range(x.shape[1]):
        f, g, o = (x[:, t] @ cell.of_drivers.T + h @ cell.of_state.T + cell.bias).chunk(3, dim=1)
        c = torch.sigmoid(f) * c + entry * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        states.append(h)
    return torch.stack(states, dim=1)


def test_it_is_its_equations_and_so_are_its_gradients():
    network, (x, static) = built(), inputs()
    found, expected = network.features(x, static), step_by_step(network, x, static)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    own, wanted = (
        torch.autograd.grad((states * torch.linspace(-1, 1, 8)).square().sum(), encoder_weights(network))
        for states in (found, expected)
    )
    for one, other in zip(own, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
        assert one.abs().sum() > 0


def encoder_weights(network):
    return [*network.parts["gate"].parameters(), *network.parts["recurrent"].parameters()]


def test_a_closed_gate_lets_no_driver_in_at_any_step():
    network, (x, static) = built(), inputs()
    with torch.no_grad():
        network.parts["gate"].bias.fill_(-200.0)
    assert network.features(x, static).abs().max() == 0


def test_static_numbers_act_through_the_gate_alone():
    network, (x, static) = built(), inputs()
    assert not torch.allclose(network(x, static), network(x, static + 1))
    with torch.no_grad():
        network.parts["gate"].weight.zero_()
    assert torch.equal(network(x, static), network(x, static + 1))


def test_a_step_sees_no_later_one():
    network, (x, static) = built(), inputs()
    changed = x.clone()
    changed[:, 12:] += 1
    before, after = network(x, static), network(changed, static)
    assert torch.equal(before[:, :12], after[:, :12])
    assert not torch.allclose(before[:, 12], after[:, 12])


def test_counts_parts_and_where_weights_begin():
    network = built(forget_bias=2.5)
    assert parameter_count(network.parameters()) == (3 * 8 + 8) + 3 * 8 * (5 + 8 + 1) + (8 * 2 + 2)
    assert tuple(network.part_names()) == registry.models()["ea_lstm"].literals["PARTS"]
    assert network.parts["recurrent"].bias.tolist() == [2.5] * 8 + [0.0] * 16
    assert network.parts["recurrent"].of_state.abs().max() <= 8**-0.5


def test_the_gate_can_train_while_the_recurrence_is_frozen():
    network, (x, static) = built(), inputs()
    trained = network.set_trainable("gate")
    network(x, static).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in trained)
    assert network.parts["recurrent"].of_state.grad is None


def test_a_scenario_without_static_numbers_is_refused():
    with pytest.raises(StageError, match="no static numbers, and they alone drive its input gate; name some in"):
        build(ea_lstm, Shape(5, 0, 1, 20), {})


def test_a_year_of_days_has_gradients_everywhere():
    network = build(ea_lstm, Shape(15, 8, 1, 365, scored=365), {"hidden": 16}).train()
    random = torch.Generator().manual_seed(5)
    x, static = torch.randn(8, 365, 15, generator=random), torch.randn(8, 8, generator=random)
    network(x, static).square().mean().backward()
    assert all(torch.isfinite(p.grad).all() and p.grad.abs().sum() > 0 for p in network.parameters())
