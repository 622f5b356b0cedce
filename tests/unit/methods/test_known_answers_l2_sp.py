"""Known answers of `l2_sp`: the penalty and its gradient, and what it does to a network."""

import pytest
import torch
from landbridge.models import dlinear, linear
from landbridge.models.network import initialise
from landbridge.models.shape import Shape
from landbridge.train.anchor import Anchor
from landbridge.train.drawn import Drawn
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import MeanLoss

from tests.unit.methods.test_known_answers import fit, pretrained, weights
from tests.unit.methods.test_known_answers import line as line
from tests.unit.train.test_loop import Population


def moved(before, after, name):
    return float((before[name] - after[name]).abs().max())


def test_the_penalty_of_one_and_two_about_zero_is_a_quarter():
    weight = torch.tensor([1.0, 2.0], requires_grad=True)
    weight.grad = torch.zeros(2)
    anchor = Anchor([torch.zeros(2)], 0.1)
    assert float(anchor.penalty([weight])) == pytest.approx(0.25)
    anchor.add_gradients([weight])
    assert weight.grad.tolist() == pytest.approx([0.1, 0.2])


def test_the_gradient_is_that_of_the_penalty():
    network = linear.build(Shape(2, 0, 1, 1), {})
    initialise(network, 1)
    parameters = network.set_trainable("all")
    anchor = Anchor.with_head_at_zero(network, parameters, 0.3, 0.7)
    start = {name: own.detach().clone() for name, own in network.named_parameters()}
    with torch.no_grad():
        for own in parameters:
            own.add_(torch.linspace(0.5, 1.5, own.numel()).view_as(own))
    encoder, head = network.parts["encoder"], network.parts["head"]
    near = sum((own - start[f"parts.encoder.{name}"]).square().sum() for name, own in encoder.named_parameters())
    penalty = 0.15 * near + 0.35 * head.weight.square().sum()  # the head's bias is free
    assert float(anchor.penalty(parameters)) == pytest.approx(float(penalty.detach()), rel=1e-6)
    penalty.backward()
    expected = [torch.zeros_like(own) if own.grad is None else own.grad.clone() for own in parameters]
    for own in parameters:
        own.grad = torch.zeros_like(own)
    anchor.add_gradients(parameters)
    for own, gradient in zip(parameters, expected, strict=True):
        torch.testing.assert_close(own.grad, gradient)


def trained(model, **options):
    network = model.build(Shape(2, 0, 1, 1), {})
    initialise(network, 1)
    before = {name: own.clone() for name, own in network.state_dict().items()}
    schedule = Schedule(rate=0.01, steps=100, batch=8, weight_decay=options.pop("weight_decay", 0.0))
    outcome = train(network, [Drawn.start("a", Population(), 1.0, 3)], MeanLoss("regression"), schedule, **options)
    return before, network.state_dict(), outcome


def test_it_stands_in_the_place_of_weight_decay():
    plain = trained(linear, pull=0.1, shrink=0.1)[1]
    decayed = trained(linear, pull=0.1, shrink=0.1, weight_decay=10.0)[1]
    assert all(torch.equal(plain[name], decayed[name]) for name in plain)
    free = trained(linear, shrink=0.0)[1]
    unbound = trained(linear)[1]
    assert all(torch.equal(free[name], unbound[name]) for name in free)


def test_a_strong_shrink_takes_the_head_to_zero_and_its_bias_is_free():
    _, after, _ = trained(linear, shrink=100.0)
    assert float(after["parts.head.weight"].abs().max()) < 0.05
    assert float(trained(linear)[1]["parts.head.weight"].abs().max()) > 0.5
    assert abs(float(after["parts.head.bias"])) > 0.01


def test_the_penalty_is_a_part_of_the_loss_that_is_reported():
    plain, penalised = (trained(linear, shrink=shrink)[2].history[0]["training_loss"] for shrink in (0.0, 10.0))
    assert penalised > plain


def test_a_model_without_a_head_is_held_as_a_whole():
    before, after, _ = trained(dlinear, pull=1e5, shrink=0.0)
    _, free, _ = trained(dlinear, shrink=0.0)
    for name in before:
        assert moved(before, after, name) < 0.1 * max(moved(before, free, name), 1e-9) or torch.equal(
            before[name], after[name]
        )


def test_pulls_of_rows_go_without_shrink():
    with pytest.raises(ValueError, match="a pull for each row"):
        trained(linear, pull=[1.0, 2.0], shrink=0.1)


def test_an_endless_pull_leaves_the_encoder_at_the_source(line):
    """To a few steps of the optimiser, each of 0.001; without it the encoder goes ten times as far."""
    before = weights(pretrained(line))
    free = weights(fit(line, "l2_sp", settings={"rate": 1e-3, "pull": 0.0, "shrink": 0.0})[0])
    held = weights(fit(line, "l2_sp", settings={"rate": 1e-3, "pull": 1e6, "shrink": 0.0})[0])
    encoder = [name for name in before if name.startswith("parts.encoder")]
    assert max(moved(before, held, name) for name in encoder) < 3e-3
    assert max(moved(before, free, name) for name in encoder) > 3e-2


def test_without_pull_and_shrink_it_is_full_finetuning(line):
    one = weights(fit(line, "l2_sp", settings={"rate": 1e-3, "pull": 0.0, "shrink": 0.0})[0])
    other = weights(fit(line, "full_finetune", settings={"rate": 1e-3})[0])  # whose weight decay is 0 here
    assert all(torch.equal(one[name], other[name]) for name in one)
