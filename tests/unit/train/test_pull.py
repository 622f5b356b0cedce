"""What pulls weights towards where they start, and what stays as it is when embeddings alone are trained."""

import torch
from landbridge.models import refquery
from landbridge.models.network import build, initialise
from landbridge.models.shape import Shape
from landbridge.train.anchor import Anchor
from landbridge.train.drawn import Drawn
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import Batch, MeanLoss

SHAPE = Shape(1, 0, 2, 24, scored=8, lookahead=6, groups=2)
SETTINGS = {"hidden": 4, "blocks": 2, "trunk": 4, "embedding": 3}


class Homes:
    """Windows of noise, whose appliances are on where the mains are high."""

    def __init__(self):
        self.x = torch.randn(40, 24, 1, generator=torch.Generator().manual_seed(0))

    def __len__(self):
        return len(self.x)

    def batch(self, index):
        x = self.x[index]
        labels = x[:, 10:18].clamp_min(0).repeat(1, 1, 2)
        inputs = (x, x.new_zeros(len(x), 0), torch.full((len(x),), -1))
        return Batch(inputs, labels, torch.ones_like(labels), index, labels > 0.5)


def trained(pull):
    network = build(refquery, SHAPE, SETTINGS)
    initialise(network, 1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    sides = [Drawn.start("target", Homes(), 1.0, 1)]
    schedule = Schedule(rate=1e-2, steps=30, batch=8, weight_decay=0.0)
    train(network, sides, MeanLoss("regression"), schedule, parts="embedding", pull=pull)
    return before, network.state_dict()


def test_only_embeddings_move():
    before, after = trained(0.0)
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    assert moved == ["parts.embedding.weight"]
    assert (before["parts.embedding.weight"] != after["parts.embedding.weight"]).sum() == 2 * 3


def test_a_stronger_pull_keeps_weights_nearer():
    distances = []
    for pull in (0.0, 1.0, 100.0):
        before, after = trained(pull)
        distances.append(float((before["parts.embedding.weight"] - after["parts.embedding.weight"]).norm()))
    assert distances[0] > distances[1] > distances[2]


def test_a_pull_for_each_row_holds_that_row():
    before, after = trained([0.0, 1000.0])
    free, held = (before["parts.embedding.weight"] - after["parts.embedding.weight"]).norm(dim=1).tolist()
    assert free > 10 * held


def test_rows_that_are_pulled_alike_are_pulled_as_one():
    for one, rows in ((0.5, [0.5, 0.5]), (0.0, [0.0, 0.0])):
        expected, found = (trained(pull)[1]["parts.embedding.weight"] for pull in (one, rows))
        assert torch.allclose(expected, found, atol=1e-6)


def test_the_gradient_of_the_pull():
    weight = torch.tensor([3.0, 5.0], requires_grad=True)
    weight.grad = torch.tensor([1.0, 1.0])
    frozen = torch.tensor([1.0], requires_grad=True)
    Anchor([torch.tensor([1.0, 5.0]), torch.tensor([0.0])], 0.5).add_gradients([weight, frozen])
    assert weight.grad.tolist() == [2.0, 1.0]
    assert frozen.grad is None
