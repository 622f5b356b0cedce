"""Our AdamW is torch's, step by step."""

import torch
from landbridge.train.adamw import AdamW, clip_gradients


def parameters(seed):
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.nn.Parameter(torch.randn(shape, generator=generator, dtype=torch.float64)) for shape in ((3, 4), (5,), ())
    ]


def test_equals_torch():
    ours, theirs = parameters(1), parameters(1)
    mine = AdamW(ours, rate=0.01, weight_decay=0.1)
    reference = torch.optim.AdamW(theirs, lr=0.01, weight_decay=0.1)
    for step in range(20):
        for group in (ours, theirs):
            for parameter in group:
                parameter.grad = None
            loss = sum(((parameter - 0.3 * step) ** 4).sum() for parameter in group)
            loss.backward()
        mine.step()
        reference.step()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_state_round_trip_continues_the_path():
    first, second = parameters(2), parameters(2)
    whole, part = AdamW(first, 0.01, 0.0), AdamW(second, 0.01, 0.0)

    def step(group, optimiser):
        optimiser.zero_grad()
        sum((parameter**2).sum() for parameter in group).backward()
        optimiser.step()

    for _ in range(6):
        step(first, whole)
    for _ in range(3):
        step(second, part)
    resumed = AdamW(second, 0.01, 0.0)
    resumed.load(part.state())
    for _ in range(3):
        step(second, resumed)
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)


def test_a_parameter_without_gradient_stays():
    one, two = parameters(3)[:2]
    before = two.detach().clone()
    optimiser = AdamW([one, two], 0.1, 0.1)
    (one**2).sum().backward()
    optimiser.step()
    assert torch.equal(two, before)


def test_clipping_equals_torch():
    ours, theirs = parameters(4), parameters(4)
    for group in (ours, theirs):
        sum((parameter**2).sum() * 10 for parameter in group).backward()
    norm = clip_gradients(ours, 1.0)
    reference = torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    torch.testing.assert_close(norm, reference)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)
