"""A penalty beside the losses: what it is handed, its own optimiser group, its state through a kill."""

import pytest
import torch
from landbridge.methods import dann, joint_then_finetune
from landbridge.methods.alignment import SOURCE, UNLABELLED
from landbridge.methods.given import Penalty, Seen
from landbridge.models import linear, lstm
from landbridge.models.network import initialise
from landbridge.models.shape import Shape
from landbridge.train.drawn import Drawn
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import Batch, MeanLoss
from landbridge.train.progress import Progress
from torch import nn

from tests.unit.train.kills import Killed, KilledAtSecondSave

LOSS = MeanLoss("regression")
SCHEDULES = [Schedule(rate=1e-2, epochs=6, epoch_steps=5, batch=8), Schedule(rate=1e-2, steps=130, batch=8)]


class Windows:
    """Windows of four steps, the last two of which are scored, in groups of unequal size."""

    def __init__(self, seed=0, rows=40):
        self.x = torch.randn(rows, 4, 2, generator=torch.Generator().manual_seed(seed))
        self.groups = (torch.arange(rows) >= 4).long()

    def __len__(self):
        return len(self.x)

    def batch(self, index):
        x = self.x[index]
        return Batch((x, x.new_zeros(len(x), 0)), x[:, -2:].sum(-1, keepdim=True), torch.ones(len(x), 2, 1), index)


class Recorder(Penalty):
    """A penalty with a weight and a random stream of its own; it remembers what it was handed."""

    watched = ("encoder",)
    rate = 1e-2

    def __init__(self, scale=1.0):
        self.weight = nn.Parameter(torch.ones(2))
        self.parameters = [self.weight]
        self.generator = torch.Generator().manual_seed(1)
        self.scale = scale
        self.handed = []

    def __call__(self, seen, progress):
        self.handed.append((seen, progress))
        noise = torch.rand(2, generator=self.generator)
        both = torch.stack([own.features.mean((0, 1)) for own in seen])
        return self.scale * ((both * (self.weight + noise)).sum(1) - 1).square().mean()

    def state(self):
        return {"weight": self.weight.detach(), "generator": self.generator.get_state()}

    def load(self, state):
        self.weight.data.copy_(state["weight"])
        self.generator.set_state(state["generator"])


def network(lookahead=0):
    built = linear.build(Shape(2, 0, 1, 4, scored=2), {})
    built.lookahead = lookahead
    initialise(built, 1)
    return built


def sides(share=1.0):
    other = Windows(1)
    return [
        Drawn.start(SOURCE, Windows(), 1.0, 3),
        Drawn.start(UNLABELLED, other, share, 3, groups=other.groups, scored=False),
    ]


def run(penalty, progress=None, schedule=SCHEDULES[1], drawn=None, validation=None):
    built = network()
    drawn = sides() if drawn is None else drawn
    outcome = train(built, drawn, LOSS, schedule, penalty=penalty, progress=progress, validation=validation)
    return built.state_dict(), outcome


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_killed_training_resumes_to_the_same_weights_its_penalty_with_it(tmp_path, schedule):
    undisturbed = Recorder()
    expected, whole = run(undisturbed, schedule=schedule, validation=Windows(2))

    with pytest.raises(Killed):
        run(Recorder(), KilledAtSecondSave(tmp_path), schedule, validation=Windows(2))
    resumed = Recorder()
    found, outcome = run(resumed, Progress(tmp_path), schedule, validation=Windows(2))
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert outcome.history == whole.history
    assert torch.equal(undisturbed.weight, resumed.weight)
    assert [own[1] for own in resumed.handed] == [own[1] for own in undisturbed.handed][-len(resumed.handed) :]
    assert 0 < len(resumed.handed) < len(undisturbed.handed)


@pytest.mark.parametrize("recipe", ["dann", "joint_then_finetune"])
def test_weights_of_a_penalty_resume_with_their_optimiser(tmp_path, recipe):
    class Killed(Exception):
        pass

    class Killing(Progress):
        def save(self, fit, kind, tensors, notes):
            super().save(fit, kind, tensors, notes)
            raise Killed

    def trained(progress):
        built = network()
        if recipe == "dann":
            penalty = dann.Adversary(dann.discriminator(2, 1), 1.0, 1e-2, 1)
        else:
            penalty = joint_then_finetune.SecondHead(built, 1.0, 1e-2, 1)
        train(built, sides(), LOSS, Schedule(rate=1e-2, steps=130, batch=8), penalty=penalty, progress=progress)
        return [*built.state_dict().values(), *penalty.parameters]

    expected = trained(None)
    with pytest.raises(Killed):
        trained(Killing(tmp_path))
    found = trained(Progress(tmp_path))
    assert all(torch.equal(one, other) for one, other in zip(expected, found, strict=True))


def test_a_penalty_is_handed_every_side_and_the_progress():
    penalty = Recorder()
    run(penalty, schedule=Schedule(rate=1e-2, steps=4, batch=8))
    assert [progress for _, progress in penalty.handed] == [0, 0.25, 0.5, 0.75]
    for seen, _ in penalty.handed:
        assert [type(own) for own in seen] == [Seen, Seen]
        assert [own.name for own in seen] == [SOURCE, UNLABELLED]
        for own in seen:
            assert own.outputs.shape == (8, 4, 1)
            assert own.features.shape == own.maps["encoder"].shape == (8, 4, 2)
            assert torch.equal(own.loss(own.outputs), LOSS(own.outputs, own.batch))


def test_features_end_with_the_last_scored_step():
    penalty, built = Recorder(), network(lookahead=1)
    train(built, sides(), LOSS, Schedule(rate=1e-2, steps=1, batch=8), penalty=penalty)
    (own, _), _ = penalty.handed[0]
    assert own.features.shape == (8, 3, 2)


def test_what_the_head_reads_is_seen_without_its_dropout():
    built = lstm.build(Shape(2, 0, 1, 4, scored=2), {"hidden": 2, "dropout": 0.9})
    initialise(built, 1)
    penalty = Recorder()
    penalty.watched = ("recurrent",)
    train(built, sides(), LOSS, Schedule(rate=0.0, steps=1, batch=8), penalty=penalty)
    (own, _), _ = penalty.handed[0]
    assert torch.equal(own.features, own.maps["recurrent"])
    torch.testing.assert_close(own.features, built.features(*own.batch.inputs))


def test_batches_by_group_hold_a_small_group_as_often_as_a_large_one():
    penalty = Recorder()
    run(penalty, schedule=Schedule(rate=1e-2, steps=50, batch=8))
    rows = [torch.cat([seen[side].batch.rows for seen, _ in penalty.handed]) for side in (0, 1)]
    assert 0.05 < float((rows[0] < 4).float().mean()) < 0.15
    assert 0.4 < float((rows[1] < 4).float().mean()) < 0.6


def test_a_side_that_is_seen_alone_adds_no_loss():
    alone, _ = run(None, drawn=sides()[:1])
    both, _ = run(Recorder(scale=0.0))
    assert all(torch.equal(alone[name], both[name]) for name in alone)


def test_a_side_of_share_zero_is_not_run():
    penalty = Recorder()
    run(penalty, drawn=sides(share=0.0))
    assert {len(seen) for seen, _ in penalty.handed} == {1}


def test_the_loss_holds_the_penalty():
    one, two = (run(Recorder(scale), schedule=Schedule(rate=0.0, steps=1, batch=8))[1] for scale in (0.0, 1.0))
    penalty = Recorder()
    _, outcome = run(penalty, schedule=Schedule(rate=0.0, steps=1, batch=8))
    seen, progress = penalty.handed[0]
    again = Recorder()
    value = float(again(seen, progress).detach())
    assert two.history[0]["training_loss"] - one.history[0]["training_loss"] == pytest.approx(value, rel=1e-5)
    assert value > 0
    assert outcome.history[0]["training_loss"] == two.history[0]["training_loss"]


def test_a_large_gradient_of_the_penalty_does_not_shrink_the_step_of_the_network():
    """Its own weight has a gradient of its own norm; that of the network is clipped apart."""

    class Apart(Recorder):
        def __call__(self, seen, progress):
            return self.scale * (self.weight - 7).square().sum()

    schedule = Schedule(rate=1e-2, steps=20, batch=8, clip=0.1)
    small, large = (run(Apart(scale), schedule=schedule)[0] for scale in (1e-3, 1e6))
    assert all(torch.equal(small[name], large[name]) for name in small)


def test_hooks_are_gone_when_training_ends():
    built = network()
    train(built, sides(), LOSS, Schedule(rate=1e-2, steps=1, batch=8), penalty=Recorder())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in built.modules())


def test_a_side_without_a_loss_needs_a_penalty():
    with pytest.raises(ValueError, match="a side without a loss is there for a penalty"):
        run(None)
