"""Known answers of the recipes that hold features, maps or outputs while the target's labels are learned."""

import copy

import pytest
import torch
from landbridge.methods import bss, delta, distillation, joint_then_finetune
from landbridge.methods.alignment import Places
from landbridge.methods.given import Diverged, NotApplicable, Seen
from landbridge.models import dlinear, linear, lstm, unet
from landbridge.models.network import initialise
from landbridge.models.shape import Shape
from landbridge.stage import StageError
from landbridge.train.drawn import Drawn
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import Batch, MeanLoss

from tests.unit.methods.test_known_answers import fit, line, pretrained, weights  # noqa: F401

DIAGONAL = torch.diag(torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64))


def seen(network, inputs, labels, name="target"):
    """What a step would show of a side, with maps as the training loop collects them."""
    batch = Batch(inputs, labels, torch.ones_like(labels, dtype=torch.float32), torch.arange(len(labels)))
    maps = delta.maps_of(network, inputs)
    features = maps.get(delta.FEATURES, torch.zeros(0))
    return Seen(name, batch, network(*inputs), features, maps, None)


# -- bss -------------------------------------------------------------------------------------------------------


def test_bss_of_diagonal_features():
    assert float(bss.shrinkage(DIAGONAL, 1)) == pytest.approx(1, abs=1e-12)
    assert float(bss.shrinkage(DIAGONAL, 2)) == pytest.approx(5, abs=1e-12)
    assert float(bss.shrinkage(torch.diag(torch.tensor([3.0, 4.0])), 1)) == pytest.approx(9, abs=1e-5)
    assert float(bss.shrinkage(DIAGONAL, 9)) == pytest.approx(14, abs=1e-12)  # there are no more


@pytest.mark.parametrize("values", [[2.0, 2.0, 2.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
def test_bss_gradient_is_finite_for_repeated_and_zero_singular_values(values):
    rows = torch.diag(torch.tensor(values)).requires_grad_()
    bss.shrinkage(rows, 2).backward()
    assert torch.isfinite(rows.grad).all()
    assert float(rows.grad.norm()) == pytest.approx(2 * sum(sorted(v**2 for v in values)[:2]) ** 0.5, abs=1e-5)


def test_bss_gradient_moves_the_smallest_singular_value_alone():
    rows = DIAGONAL.clone().requires_grad_()
    bss.shrinkage(rows, 1).backward()
    torch.testing.assert_close(rows.grad, torch.diag(torch.tensor([0.0, 0.0, 2.0], dtype=torch.float64)))


def test_bss_lowers_the_smallest_singular_value_of_a_fit(line):  # noqa: F811
    smallest = []
    for strength in (1e-9, 1.0):
        learner, given = fit(line, "bss", settings={"rate": 0.01, "strength": strength})
        population = given.target.tensors.scaled(learner.scaler)
        features = learner.network.features(*population.batch(torch.arange(len(population))).inputs)[:, -1]
        smallest.append(float(torch.linalg.svdvals(features.detach())[-1]))
    assert smallest[1] < 0.5 * smallest[0]


def test_bss_that_diverges_says_so(line):  # noqa: F811
    with pytest.raises(Diverged, match="lower the learning rate"):
        fit(line, "bss", settings={"rate": 1e35}, training={"clip": 1e30})


def test_bss_needs_one_singular_value(line):  # noqa: F811
    with pytest.raises(StageError, match=r"recipe_settings\.bss: smallest is 0; write a whole number from 1 on"):
        fit(line, "bss", settings={"smallest": 0})


def test_bss_rows_resume_where_they_were():
    one, other = Places(0), Places(0)
    real = torch.ones(3, 50, dtype=torch.bool)
    one.draw(real)
    other.load(one.state())
    assert torch.equal(one.draw(real)[1], other.draw(real)[1])


# -- delta -----------------------------------------------------------------------------------------------------


def networks(kind):
    """A network, and the inputs and labels of a batch."""
    generator = torch.Generator().manual_seed(0)
    if kind == "unet":
        built = unet.build(Shape(2, 0, 2, 16), {"widths": [2, 3, 4, 5]})
        inputs, labels = torch.randn(3, 2, 16, 16, generator=generator), torch.zeros(3, 16, 16, dtype=torch.int64)
    else:
        model = {"linear": linear, "lstm": lstm}[kind]
        built = model.build(Shape(2, 0, 1, 5), {"hidden": 4} if kind == "lstm" else {"width": 3})
        inputs, labels = torch.randn(3, 5, 2, generator=generator), torch.zeros(3, 1, 1)
    initialise(built, 1)
    return built, (inputs, torch.zeros(3, 0)), labels


def even(network, inputs):
    return {
        name: torch.full((own.shape[1 if own.ndim == 4 else -1],), 1.0)
        for name, own in delta.maps_of(network, inputs).items()
    }


@pytest.mark.parametrize("kind", ["linear", "lstm", "unet"])
def test_delta_is_zero_at_the_start_and_grows_away_from_it(kind):
    built, inputs, labels = networks(kind)
    built.eval()
    penalty = delta.HeldMaps(built, copy.deepcopy(built), even(built, inputs), 0.01, 0.0)
    # a recurrence without gradients rounds another way
    assert float(penalty([seen(built, inputs, labels)], 0.5).detach()) < 1e-15
    with torch.no_grad():
        for parameter in built.parameters():
            parameter += 0.1
    moved = penalty([seen(built, inputs, labels)], 0.5)
    moved.backward()
    assert float(moved.detach()) > 0
    assert all(parameter.grad is None for parameter in penalty.start.parameters())


def test_delta_of_a_known_move():
    """Channels 0, 1 of two are moved by 3 and 1; D = (0.25, 0.75): (a/2)(0.25 x 9 + 0.75 x 1) + (b/2)(4 + 1)."""
    built = linear.build(Shape(2, 0, 1, 1), {"width": 2})
    with torch.no_grad():
        built.parts["head"].weight.copy_(torch.tensor([[2.0, 1.0]]))
    start = copy.deepcopy(built)
    with torch.no_grad():
        built.parts["encoder"].bias += torch.tensor([3.0, 1.0])
    penalty = delta.HeldMaps(built, start, {delta.FEATURES: torch.tensor([0.25, 0.75])}, 0.2, 0.4)
    inputs = (torch.randn(7, 1, 2), torch.zeros(7, 0))
    value = float(penalty([seen(built, inputs, torch.zeros(7, 1, 1))], 0.0).detach())
    assert value == pytest.approx(0.1 * 3 + 0.2 * 5, abs=1e-5)


def test_delta_silences_one_channel():
    built, inputs, _ = networks("unet")
    for name, own in delta.maps_of(built, inputs).items():
        hook = delta.silence(built, name, 1)
        silent = delta.maps_of(built, inputs)[name]
        hook.remove()
        assert (silent[:, 1] == 0).all()
        assert torch.equal(silent[:, 0], own[:, 0])
        assert torch.equal(delta.maps_of(built, inputs)[name], own)


def test_delta_attention_adds_up_to_one_and_falls_on_the_channel_that_carries_the_label(line):  # noqa: F811
    """The head reads the second feature alone, which is 2 a - b; without it the squared error rises by nearly 1."""
    learner, given = fit(line, "delta", training={"fixed_steps": 1})
    with torch.no_grad():
        learner.network.parts["head"].weight.copy_(torch.tensor([[0.0, 5**-0.5]]))  # to units of the spread of y
        learner.network.parts["encoder"].weight.copy_(torch.tensor([[1.0, 0.0], [2.0, -1.0]]))
        for part in learner.network.parts.values():
            part.bias.zero_()
    found = delta.attention(given, learner, given.target)[delta.FEATURES]
    assert float(found.sum()) == pytest.approx(1, abs=1e-6)
    assert float(found[1]) > 0.65


def test_delta_holds_features_to_those_of_the_source(line):  # noqa: F811
    before = pretrained(line)
    moved = []
    for strength in (1e-9, 1e3):
        learner, given = fit(line, "delta", settings={"rate": 0.01, "strength": strength})
        inputs = given.target.tensors.scaled(learner.scaler).batch(torch.arange(50)).inputs
        both = [own.network.features(*inputs).detach() for own in (before, learner)]
        moved.append(float((both[0] - both[1]).square().mean()))
    assert moved[1] < 0.1 * moved[0]
    assert learner.counts()[0] == learner.counts()[1]


def test_delta_needs_an_encoder():
    with pytest.raises(NotApplicable, match="no encoder whose features a head reads"):
        delta.levels(dlinear.build(Shape(2, 0, 1, 3), {"average": 1}))


# -- distillation ----------------------------------------------------------------------------------------------


def test_distillation_of_known_logits():
    teacher, student = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    assert float(distillation.softened_divergence(student, teacher, 2.0)) == pytest.approx(0.4438, abs=5e-5)
    assert float(distillation.softened_divergence(teacher, teacher, 2.0)) == 0


def test_distillation_gives_the_teacher_no_gradient():
    (teacher, inputs, _), (student, _, _) = networks("linear"), networks("linear")
    with torch.no_grad():
        student.parts["head"].bias += 0.5
    labels = torch.full((3, 1, 1), 7.0)
    value = distillation.Teaching(teacher, 0.5, 2.0, "regression")([seen(student, inputs, labels)], 0.0)
    assert float(value.detach()) == pytest.approx(0.5 * 0.5**2, abs=1e-6)  # a (f_s - f_t)^2, whatever the labels are
    value.backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert student.parts["head"].bias.grad is not None


def test_distillation_of_pixels_counts_those_with_a_weight():
    (teacher, inputs, labels), (student, _, _) = networks("unet"), networks("unet")
    with torch.no_grad():
        student.parts["head"].bias += torch.tensor([0.7, 0.0])
    teacher.eval(), student.eval()
    whole = seen(student, inputs, labels)
    teaching = distillation.Teaching(teacher, 1.0, 2.0, "segmentation")
    taught = teacher(*inputs)
    each = distillation.softened_divergence(whole.outputs, taught, 2.0)  # (b, y, x)
    some = torch.zeros(3, 16, 16)
    some[1, :4] = 1.0
    for mask, expected in ((torch.ones(3, 16, 16), each.mean()), (some, each[1, :4].mean())):
        own = Seen("target", whole.batch._replace(weights=mask), whole.outputs, whole.features, {}, None)
        torch.testing.assert_close(teaching([own], 0.0), expected)
    none = Seen("target", whole.batch._replace(weights=0 * some), whole.outputs, whole.features, {}, None)
    assert float(teaching([none], 0.0)) == 0


def test_distillation_leaves_a_student_between_teacher_and_labels(line):  # noqa: F811
    """The source lacks the offset of 0.5 that the target has; a share near 1 teaches what the source knows."""
    teacher = pretrained(line)
    away = []
    for share in (0.01, 0.5, 0.99):
        learner, given = fit(line, "distillation", settings={"rate": 0.02, "share": share})
        inputs = given.target.tensors.scaled(learner.scaler).batch(torch.arange(50)).inputs
        teacher.network.eval()
        away.append(float((learner.network(*inputs) - teacher.network(*inputs)).square().mean().detach()))
    assert away[0] > 2 * away[1] > 8 * away[2]
    assert all(
        torch.equal(one, other)
        for one, other in zip(weights(teacher).values(), weights(pretrained(line)).values(), strict=True)
    )


def test_distillation_makes_a_smaller_student_where_settings_say_so(line):  # noqa: F811
    learner, _ = fit(line, "distillation", settings={"student": {"width": 1}}, training={"fixed_steps": 2})
    assert learner.counts() == (5, 5)
    assert pretrained(line).counts()[1] == 9
    with pytest.raises(StageError, match=r"recipe_settings\.distillation: the model has no setting widht; write one"):
        fit(line, "distillation", settings={"student": {"widht": 1}})
    with pytest.raises(StageError, match="share is 1; write a number above 0 and below 1"):
        fit(line, "distillation", settings={"share": 1})


# -- joint_then_finetune ---------------------------------------------------------------------------------------


def test_joint_at_weight_zero_follows_target_only_bit_for_bit(line):  # noqa: F811
    joint, _ = fit(
        line, "joint_then_finetune", settings={"weight": 0, "second_rate": 0.0}, training={"fixed_steps": 40}
    )
    alone, _ = fit(line, "target_only", training={"fixed_steps": 20})
    assert all(
        torch.equal(one, other) for one, other in zip(weights(joint).values(), weights(alone).values(), strict=True)
    )


class Noise:
    """Windows whose target is twice the first input."""

    def __init__(self, seed, factor=2.0):
        self.x = torch.randn(40, 1, 2, generator=torch.Generator().manual_seed(seed))
        self.y = factor * self.x[..., :1]

    def __len__(self):
        return 40

    def batch(self, index):
        return Batch((self.x[index], torch.zeros(len(index), 0)), self.y[index], torch.ones(len(index), 1, 1), index)


def joined(weight, steps=300):
    """The target's path with the source beside it by a second head, on equal scalers."""
    built = linear.build(Shape(2, 0, 1, 1), {})
    initialise(built, 5)
    sides = [Drawn.start("target", Noise(0), 1.0, 3)]
    penalty = None
    if weight is not None:
        sides.append(Drawn.start("source", Noise(1, -2.0), 1.0, 3, scored=False))
        penalty = joint_then_finetune.SecondHead(built, weight, 1e-2, 3)
    train(built, sides, MeanLoss("regression"), Schedule(rate=1e-2, steps=steps, batch=8), penalty=penalty)
    return built.state_dict(), penalty


def test_joint_draws_source_batches_from_a_stream_of_their_own():
    """With the source's loss at weight 0 in the sum, batches of the target are those without it."""
    alone, without = joined(None)[0], joined(0.0)[0]
    assert all(torch.equal(alone[name], without[name]) for name in alone)
    with_source, penalty = joined(1.0)
    assert not torch.equal(alone["parts.encoder.weight"], with_source["parts.encoder.weight"])
    # one encoder serves two heads that ask for opposite things of it
    source = Noise(1, -2.0)
    built = linear.build(Shape(2, 0, 1, 1), {})
    built.load_state_dict(with_source)
    features = built.features(source.x, torch.zeros(40, 0)).detach()
    error = (penalty.head(features) - source.y).square().mean()
    other = (built.parts["head"](features) - source.y).square().mean()
    assert float(error.detach()) < 0.5 * float(other.detach())


def test_joint_heads_begin_apart_and_the_second_is_left_behind(line):  # noqa: F811
    built = linear.build(Shape(2, 0, 1, 1), {})
    initialise(built, 5)
    penalty = joint_then_finetune.SecondHead(built, 1.0, 1e-2, 3)
    assert not torch.equal(penalty.head.weight, built.parts["head"].weight)
    again = joint_then_finetune.SecondHead(built, 1.0, 1e-2, 3)
    assert torch.equal(penalty.head.weight, again.head.weight)
    learner, given = fit(line, "joint_then_finetune", training={"fixed_steps": 4})
    assert learner.counts() == (9, 9)
    assert given.tools.fits == 2
    with pytest.raises(StageError, match="weight is -1; write a number from 0 on"):
        fit(line, "joint_then_finetune", settings={"weight": -1})


def test_joint_outputs_of_pooled_features_end_with_the_last_scored_step():
    from landbridge.models import patch_transformer
    from landbridge.models.network import build

    shape = Shape(2, 1, 1, 8, scored=2, lookahead=1)
    settings = {**patch_transformer.DEFAULTS, "hidden": 4, "patch": 4}
    built = build(patch_transformer, shape, settings)
    inputs = (torch.randn(3, 8, 2), torch.zeros(3, 1))
    penalty = joint_then_finetune.SecondHead(built, 1.0, 1e-2, 3)
    own = Seen("source", None, built(*inputs), built.features(*inputs), {}, None)
    assert penalty.outputs(own).shape == own.outputs.shape
