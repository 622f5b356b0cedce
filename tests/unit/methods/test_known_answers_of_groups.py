"""Known answers of the objectives over groups of the source: `irm`, `vrex`, `mixup` and how `group_dro` is compared."""

import math

import pytest
import torch
from landbridge.methods import group_dro, irm, mixup, vrex
from landbridge.methods.given import NotApplicable
from landbridge.methods.risks import one_hot
from landbridge.models import linear
from landbridge.models.network import initialise
from landbridge.models.shape import Shape
from landbridge.stage import StageError
from landbridge.train.drawn import Drawn
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import Batch, MeanLoss

REGRESSION, CLASSES = MeanLoss("regression"), MeanLoss("classification")
THREE = torch.tensor([0, 1, 2])


def batch(labels, rows=None):
    labels = torch.as_tensor(labels)
    rows = torch.arange(len(labels)) if rows is None else torch.as_tensor(rows)
    return Batch(inputs(len(labels)), labels, torch.ones(labels.shape), rows)


def inputs(count):
    return torch.zeros(count, 1, 1), torch.zeros(count, 0)


def real(values):
    return torch.tensor(values)[:, None, None]


# -- irm ----------------------------------------------------------------------------------------------------------


def irm_of(plain, groups, weight=100.0, warm_up=0.0):
    groups = torch.as_tensor(groups)
    return irm.IRM(plain, groups, int(groups.max()) + 1, warm_up, weight)


def derivatives(loss, outputs, drawn):
    member = one_hot(loss.groups, loss.count, drawn)
    return loss.risks_and_derivatives(outputs, drawn, member)


def test_irm_of_squared_errors():
    losses, found = derivatives(irm_of(REGRESSION, [0, 0]), real([1.0, 2.0]), batch(real([1.0, 1.0])))
    assert losses.tolist() == [0.5]
    assert found.tolist() == [2.0]
    loss = irm_of(REGRESSION, [0, 0], weight=1.0)(real([1.0, 2.0]), batch(real([1.0, 1.0])))
    assert float(loss.detach()) == pytest.approx(0.5 + 4)


def test_irm_of_logits():
    logits = torch.tensor([[0.0, 2.0], [0.0, -2.0]])
    found = derivatives(irm_of(CLASSES, [0, 0]), logits, batch([1, 0]))[1]
    assert found.tolist() == pytest.approx([-0.2384], abs=5e-5)
    assert float(found.detach().square()) == pytest.approx(0.0568, abs=5e-5)


def test_irm_takes_the_derivative_of_each_group_by_itself_and_divides_by_a_weight_above_one():
    outputs, labels = real([1.0, 2.0, 3.0]), real([1.0, 1.0, 1.0])
    losses, found = derivatives(irm_of(REGRESSION, THREE), outputs, batch(labels))
    assert losses.tolist() == [0, 1, 4]
    assert found.tolist() == [0, 4, 12]
    assert float(irm_of(REGRESSION, THREE, 10.0)(outputs, batch(labels)).detach()) == pytest.approx((5 + 10 * 160) / 10)
    assert float(irm_of(REGRESSION, THREE, 0.5)(outputs, batch(labels)).detach()) == pytest.approx(5 + 0.5 * 160)


def test_irm_passes_its_penalty_on_to_the_network():
    outputs = real([1.0, 2.0]).requires_grad_()
    irm_of(REGRESSION, [0, 0], weight=1.0)(outputs, batch(real([1.0, 1.0]))).backward()
    # R = mean (f - 1)^2 and D = mean 2 (f - 1) f = 2: the gradient of R + D^2 is (f - 1) + 2 D (2 f - 1).
    assert outputs.grad.ravel().tolist() == pytest.approx([0 + 4 * 1, 1 + 4 * 3])


def test_irm_warms_up_with_weight_one_and_goes_on_where_it_was():
    loss = irm_of(REGRESSION, THREE, weight=10.0, warm_up=0.2)
    assert loss.spread_over(10) == 2
    values = [float(loss(real([1.0, 2.0, 3.0]), batch(real([1.0, 1.0, 1.0]))).detach()) for _ in range(3)]
    assert values == pytest.approx([165, 165, 160.5])
    resumed = irm_of(REGRESSION, THREE, weight=10.0, warm_up=0.2)
    resumed.spread_over(10)
    resumed.load(loss.state())
    assert float(resumed(real([1.0, 2.0, 3.0]), batch(real([1.0, 1.0, 1.0]))).detach()) == pytest.approx(160.5)


class Environments:
    """y = x1 + noise, x2 = y a + noise: what x2 tells of y changes from group to group (a = 2, 1, 0.2)."""

    def __init__(self, rows=600):
        generator = torch.Generator().manual_seed(0)
        first, noise, other = (torch.randn(rows, generator=generator) for _ in range(3))
        self.groups = torch.arange(rows) % 3
        self.y = (first + noise)[:, None, None]
        second = self.y[:, 0, 0] * torch.tensor([2.0, 1.0, 0.2])[self.groups] + other
        self.x = torch.stack([first, second], dim=-1)[:, None]

    def __len__(self):
        return len(self.y)

    def batch(self, index):
        return Batch((self.x[index], torch.zeros(len(index), 0)), self.y[index], torch.ones(len(index), 1, 1), index)


def coefficients(loss_of):
    world = Environments()
    network = linear.build(Shape(2, 0, 1, 1), {})
    initialise(network, 1)
    loss = loss_of(world.groups)
    side = Drawn.start("source", world, 1.0, 3, groups=world.groups)
    steps = 200
    if hasattr(loss, "spread_over"):
        loss.spread_over(steps)
    train(network, [side], loss, Schedule(rate=0.03, steps=steps, batch=150, weight_decay=0.0))
    found = network.parts["head"].weight.detach() @ network.parts["encoder"].weight.detach()
    return found.ravel().abs().tolist()


def test_a_spurious_coefficient_shrinks():
    plain = coefficients(lambda groups: REGRESSION)
    for objective in (irm, vrex):
        settings = {**objective.DEFAULTS, "weight": 100.0}
        robust = coefficients(lambda groups, own=objective, given=settings: own.objective(REGRESSION, groups, given))
        assert robust[1] < 0.8 * plain[1]
        assert robust[1] / robust[0] < 0.7 * plain[1] / plain[0]


# -- vrex ---------------------------------------------------------------------------------------------------------


def test_vrex_of_one_two_three():
    losses, all_of_them = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([True, True, True])
    assert float(vrex.combine(losses, all_of_them, 1.0)) == pytest.approx(2 + 2 / 3)
    assert float(vrex.combine(losses, torch.tensor([True, False, True]), 1.0)) == pytest.approx(2 + 1)


def test_vrex_of_equal_risks_has_no_penalty():
    assert float(vrex.combine(torch.full((3,), 5.0), torch.ones(3, dtype=torch.bool), 1e3)) == pytest.approx(5)


def test_vrex_leaves_the_variance_out_while_it_warms_up():
    loss = vrex.objective(REGRESSION, THREE, {"weight": 1.0, "warm_up": 0.5})
    assert loss.spread_over(2) == 1
    outputs = real([1.0, math.sqrt(2), math.sqrt(3)])
    values = [float(loss(outputs, batch(real([0.0, 0.0, 0.0])))) for _ in range(2)]
    assert values == pytest.approx([2, 2 + 2 / 3])


@pytest.mark.parametrize("objective", [irm, vrex])
def test_two_groups_and_numbers_out_of_range_are_said(objective):
    with pytest.raises(NotApplicable, match="3 groups or more, and the source has 2"):
        objective.objective(REGRESSION, torch.tensor([0, 1]), objective.DEFAULTS)
    name = objective.__name__.rpartition(".")[2]
    with pytest.raises(StageError, match=rf"recipe_settings.{name}: warm_up is 2; write a number from 0 to 1"):
        objective.objective(REGRESSION, THREE, {**objective.DEFAULTS, "warm_up": 2})
    with pytest.raises(StageError, match="weight is 'much'; write a number from 0 on"):
        objective.objective(REGRESSION, THREE, {**objective.DEFAULTS, "weight": "much"})


# -- an epoch of the warm-up is not kept --------------------------------------------------------------------------


class Opposite(Environments):
    """The same with the sign of the labels turned: training makes it worse from the first step on."""

    def __init__(self):
        super().__init__()
        self.y = -self.y


@pytest.mark.parametrize(("warm_up", "kept"), [(0, 0), (10, 3), (11, 3)])
def test_the_best_epoch_is_one_after_the_warm_up(warm_up, kept):
    network = linear.build(Shape(2, 0, 1, 1), {})
    initialise(network, 1)
    side = Drawn.start("source", Environments(), 1.0, 3)
    schedule = Schedule(rate=0.01, epochs=8, epoch_steps=1, batch=120, patience=8)  # five steps an epoch
    outcome = train(network, [side], REGRESSION, schedule, warm_up=warm_up, validation=Opposite())
    assert outcome.best_epoch == kept


# -- mixup --------------------------------------------------------------------------------------------------------


def windows(count=6, masked=False):
    generator = torch.Generator().manual_seed(1)
    x, static = torch.randn(count, 4, 2, generator=generator), torch.randn(count, 3, generator=generator)
    labels = torch.randn(count, 1, 1, generator=generator)
    inputs = (x, static)
    if masked:
        known = torch.arange(4) < torch.arange(1, count + 1).clamp_max(4)[:, None]
        inputs = (x * known[..., None], static, known)
    return Batch(inputs, labels, torch.ones(count, 1, 1), torch.arange(count))


def at(own, index):
    return own._replace(inputs=tuple(one[index] for one in own.inputs), labels=own.labels[index], rows=own.rows[index])


def test_mixup_with_all_of_one_returns_it():
    own = windows()
    found = mixup.mixture(own, at(own, [5, 4, 3, 2, 1, 0]), 1.0)
    assert all(torch.equal(one, other) for one, other in zip(found.inputs, own.inputs, strict=True))
    assert torch.equal(found.labels, own.labels)
    assert torch.equal(found.weights, own.weights)


def test_mixup_by_a_permutation_keeps_the_mean_label():
    own = windows()
    found = mixup.mixture(own, at(own, [5, 3, 4, 0, 1, 2]), 0.3)
    assert float(found.labels.mean()) == pytest.approx(float(own.labels.mean()), abs=1e-6)
    assert not torch.allclose(found.labels, own.labels)
    classes = batch([0, 1, 2, 2])
    mixed = mixup.mixture(classes, batch([2, 0, 1, 2]), 0.3, 3)
    assert mixed.labels.mean(0).tolist() == pytest.approx([0.25, 0.25, 0.5])
    assert mixed.labels[0].tolist() == pytest.approx([0.3, 0, 0.7])


def test_mixed_classes_give_the_mixed_cross_entropy():
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    one, two = batch([0, 1, 2, 2]), batch([2, 0, 1, 2])
    mixed = float(CLASSES(logits, mixup.mixture(one, two, 0.3, 3)))
    assert mixed == pytest.approx(0.3 * float(CLASSES(logits, one)) + 0.7 * float(CLASSES(logits, two)), rel=1e-6)


def test_an_ignored_pixel_stays_ignored():
    loss = MeanLoss("segmentation", dice_weight=1.0)
    labels = [torch.tensor([[[0, 1, 255, 255]]]), torch.tensor([[[1, 255, 0, 255]]])]
    one, two = (Batch(inputs(1), own, (own != 255).float(), torch.arange(1)) for own in labels)
    found = mixup.mixture(one, two, 0.25, 2)
    assert found.weights.ravel().tolist() == [1, 0, 0, 0]
    assert found.labels[0, :, 0, 0].tolist() == [0.25, 0.75]
    assert not found.labels[..., 1:].any()
    logits = torch.zeros(1, 2, 1, 4)
    other = logits.clone()
    other[..., 1:] = 9.0
    other[:, 1, :, 2] = -9.0
    assert float(loss(logits, found)) == float(loss(other, found))
    # cross-entropy ln 2; p = 1/2 and y = 3/4 of the second class: 1 - (2 * 3/8 + 1) / (1/2 + 3/4 + 1)
    assert float(loss(logits, found)) == pytest.approx(math.log(2) + 1 - 1.75 / 2.25)


def test_a_label_that_one_lacks_has_no_weight():
    own = windows(2)
    lacking = own._replace(weights=torch.tensor([0.0, 1.0])[:, None, None])
    assert mixup.mixture(own, lacking, 0.9).weights.ravel().tolist() == [0, 1]


def test_padded_windows_end_with_the_shorter():
    own = windows(masked=True)
    other = at(own, [5, 4, 3, 2, 1, 0])
    shorter = other._replace(inputs=tuple(one[:, :3] if one.shape[1] == 4 else one for one in other.inputs))
    x, static, known = mixup.mixture(own, shorter, 0.5).inputs
    assert known.sum(1).tolist() == [1, 2, 3, 3, 2, 1]
    assert x.shape == (6, 3, 2)
    assert not x[~known].any()
    assert torch.allclose(x[2, 2], (own.inputs[0][2, 2] + own.inputs[0][3, 2]) / 2)
    assert static.shape == (6, 3)


def test_half_of_the_partners_are_of_another_group_and_all_windows_are_partners():
    groups = torch.cat([torch.full((50,), 0), torch.full((5,), 1), torch.full((45,), 2)])[torch.randperm(100)]
    made = mixup.Mixing(groups, 0, 0.2, seed=1)
    index = torch.arange(100).repeat(200)
    partners = made.partners(index)
    other = groups[partners] != groups[index]
    assert float(other.float().mean()) == pytest.approx(0.5, abs=0.015)
    assert len(partners.unique()) == 100
    from_the_first = partners[other & (groups[index] == 0)]
    assert float((groups[from_the_first] == 1).float().mean()) == pytest.approx(0.1, abs=0.02)  # 5 of the 50 others


def test_shares_follow_their_distribution_and_equal_seeds_give_equal_mixtures():
    def shares(seed):
        made = mixup.Mixing(THREE, 0, 0.2, seed)
        one, two = (
            Batch(inputs(1), torch.full((1, 1, 1), value), torch.ones(1, 1, 1), THREE[:1]) for value in (1.0, 0.0)
        )
        return [float(made(one, two).labels) for _ in range(1000)]

    found = torch.tensor(shares(1))
    assert float(found.mean()) == pytest.approx(0.5, abs=0.04)
    assert float(found.var()) == pytest.approx(1 / (4 * (2 * 0.2 + 1)), abs=0.02)
    assert shares(1) == shares(1) != shares(2)


def test_mixtures_go_on_where_they_were():
    def side():
        world = Environments()
        made = Drawn.start("source", world, 1.0, 3)
        made.mixing = mixup.Mixing(world.groups, 0, 0.2, 1)
        return made

    first, second = side(), side()
    first.next_batch(8)
    second.load(first.state("side0"), "side0")
    one, two, other = first.next_batch(8), second.next_batch(8), side().next_batch(8)
    assert torch.equal(one.inputs[0], two.inputs[0])
    assert torch.equal(one.labels, two.labels)
    assert not torch.equal(one.labels, other.labels)


class Samples:
    task, outputs = "regression", 1


def population(own):
    world = Environments()
    world.samples = Samples()
    world.batch = lambda index: own
    return world


def test_what_cannot_be_mixed_is_said():
    settings, groups = mixup.DEFAULTS, Environments().groups
    assert mixup.mixing(population(windows(1)), groups, settings, 0).classes == 0
    with pytest.raises(NotApplicable, match="the source has 2"):
        mixup.mixing(population(windows(1)), torch.tensor([0, 1]), settings, 0)
    on = windows(1)._replace(on=torch.ones(1, 1, 1, dtype=torch.bool))
    with pytest.raises(NotApplicable, match="neither on nor off"):
        mixup.mixing(population(on), groups, settings, 0)
    told = windows(1)
    told = told._replace(inputs=(*told.inputs, torch.tensor([0])))
    with pytest.raises(NotApplicable, match="tells groups of its source apart"):
        mixup.mixing(population(told), groups, settings, 0)
    with pytest.raises(StageError, match=r"alpha is 0; write a number from 0.001 on"):
        mixup.mixing(population(windows(1)), groups, {"alpha": 0}, 0)


# -- group_dro ----------------------------------------------------------------------------------------------------


def test_epochs_of_group_dro_are_compared_by_the_worst_group_over_all_batches():
    worst = group_dro.compared(REGRESSION, torch.tensor([0, 0, 1]))
    missed = real([1.0, 3.0, 2.0])
    pairs = [(missed[rows], batch(real([0.0] * len(rows)), rows)) for rows in ([0, 2], [1])]
    assert worst.over(pairs) == 5.0  # (1 + 9) / 2 of the first group, 4 of the second
