"""The training loop: resumes to the same bytes, keeps the best weights, stops a divergence."""

import os
import signal

import pytest
import torch
from landbridge import stopping
from landbridge.methods.given import Diverged
from landbridge.models import linear
from landbridge.models.network import initialise
from landbridge.models.shape import Shape
from landbridge.train.drawn import Drawn
from landbridge.train.loop import Schedule, mean_loss, train
from landbridge.train.losses import Batch, MeanLoss
from landbridge.train.progress import Progress

from tests.unit.train.kills import Killed, KilledAtSecondSave

LOSS = MeanLoss("regression")


class Population:
    """A linear target with noise."""

    def __init__(self, rows=40, seed=0, sign=1.0):
        generator = torch.Generator().manual_seed(seed)
        self.x = torch.randn(rows, 1, 2, generator=generator)
        self.y = sign * self.x.sum(-1, keepdim=True) + 0.1 * torch.randn(rows, 1, 1, generator=generator)

    def __len__(self):
        return len(self.x)

    def batch(self, index):
        x = self.x[index]
        return Batch((x, torch.zeros(len(x), 0)), self.y[index], torch.ones(len(x), 1, 1), index)


def network():
    built = linear.build(Shape(2, 0, 1, 1), {})
    initialise(built, 1)
    return built


def run(progress=None, schedule=None, validation=None, population=None):
    built = network()
    schedule = schedule or Schedule(rate=1e-2, epochs=6, epoch_steps=5, batch=8)
    outcome = train(
        built,
        [Drawn.start("a", population or Population(), 1.0, 3)],
        LOSS,
        schedule,
        validation=validation,
        progress=progress,
    )
    return built.state_dict(), outcome


@pytest.mark.parametrize(
    "schedule", [Schedule(rate=1e-2, epochs=6, epoch_steps=5, batch=8), Schedule(rate=1e-2, steps=130, batch=8)]
)
def test_a_killed_training_resumes_to_the_same_weights(tmp_path, schedule):
    expected, whole = run(schedule=schedule, validation=Population(seed=1))

    with pytest.raises(Killed):
        run(KilledAtSecondSave(tmp_path), schedule=schedule, validation=Population(seed=1))
    resumed, outcome = run(Progress(tmp_path), schedule=schedule, validation=Population(seed=1))
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)
    assert outcome.history == whole.history
    finished, again = run(Progress(tmp_path), schedule=schedule, validation=Population(seed=1))
    assert all(torch.equal(expected[name], finished[name]) for name in expected)
    assert again.steps == whole.steps


class Interrupted(Population):
    """Sends SIGTERM to this process while its nth batch is drawn."""

    def __init__(self, nth, **arguments):
        super().__init__(**arguments)
        self.left = nth

    def batch(self, index):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().batch(index)


@pytest.mark.parametrize(
    ("training", "validating", "reached"),
    [(1, 0, (0, 1)), (13, 0, (2, 3)), (15, 0, (2, 5)), (0, 6, (0, 5)), (0, 1, None)],
    ids=["first step", "in an epoch", "its last step", "validating", "before all"],
)
def test_sigterm_keeps_the_step_that_a_training_is_at(tmp_path, listening, training, validating, reached):
    # 40 rows in batches of 8: five steps an epoch, and four batches of a validation, of which one stands before all.
    schedule = Schedule(rate=1e-2, epochs=6, epoch_steps=5, batch=8, validation_batch=10)
    expected, whole = run(schedule=schedule, validation=Population(seed=1))
    with pytest.raises(stopping.Stopped) as told:
        run(Progress(tmp_path), schedule, Interrupted(validating, seed=1), Interrupted(training))
    assert told.value.status == 143
    kept = Progress(tmp_path).load(0, "running")
    assert (kept and (len(kept[1]["history"]), kept[1]["done"])) == reached
    stopping.listen()
    resumed, outcome = run(Progress(tmp_path), schedule, Population(seed=1))
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)
    assert outcome.history == whole.history


def test_a_fixed_number_of_steps_is_just_that():
    for steps in (1, 49, 50, 51, 130):
        assert run(schedule=Schedule(rate=1e-3, steps=steps, batch=8))[1].steps == steps


def test_the_best_weights_are_kept_not_the_last():
    opposite = Population(seed=1, sign=-1.0)  # training makes this validation worse from the first step on
    start = network().state_dict()
    kept, outcome = run(
        schedule=Schedule(rate=1e-2, epochs=20, epoch_steps=5, batch=8, patience=3), validation=opposite
    )
    assert outcome.best_epoch == 0
    assert len(outcome.history) == 3
    assert all(torch.equal(start[name], kept[name]) for name in start)


def test_training_lowers_the_loss():
    before = mean_loss(network(), Population(), LOSS)
    _, outcome = run(schedule=Schedule(rate=1e-2, epochs=40, epoch_steps=5, batch=8))
    assert outcome.history[-1]["training_loss"] < before / 10


def test_a_divergence_is_an_outcome_not_a_number():
    with pytest.raises(Diverged, match="lower the learning rate"):
        run(schedule=Schedule(rate=1e30, steps=50, batch=8, clip=1e30))


def test_a_batch_is_a_pass_without_repeats():
    drawn = Drawn.start("a", Population(10), 1.0, 1)
    seen = torch.cat([drawn.next_index(4) for _ in range(5)])
    assert sorted(seen[:10].tolist()) == sorted(seen[10:].tolist()) == list(range(10))


def test_loss_of_the_whole_does_not_depend_on_its_batches():
    built = network()
    assert mean_loss(built, Population(), LOSS, batch=7) == pytest.approx(mean_loss(built, Population(), LOSS))
