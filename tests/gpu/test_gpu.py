"""The same training on a GPU and on the processor."""

import pytest
import torch
from landbridge.models import lstm
from landbridge.models.network import initialise
from landbridge.models.shape import Shape
from landbridge.train.drawn import Drawn
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import Batch, MeanLoss

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


class Population:
    """Random windows whose target is the mean of their inputs."""

    def __init__(self, device):
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(256, 30, 6, generator=generator).to(device)
        self.y = self.x.mean(-1, keepdim=True)

    def __len__(self):
        return len(self.x)

    def batch(self, index):
        index = index.to(self.x.device)
        x, y = self.x[index], self.y[index]
        return Batch((x, x.new_zeros(len(x), 0)), y, torch.ones_like(y), index)


def losses(device, steps=200):
    network = lstm.build(Shape(6, 0, 1, 30), {"hidden": 32, "dropout": 0.0}).to(device)
    initialise(network, 1)
    drawn = [Drawn.start("a", Population(device), 1.0, 1, device)]
    history = train(network, drawn, MeanLoss("regression"), Schedule(rate=1e-2, steps=steps)).history
    return [row["training_loss"] for row in history]


def test_the_training_that_is_compared_learns_something():
    found = losses("cpu", steps=60)
    assert found[-1] < 0.5 * Population("cpu").y.var().item()


@pytest.mark.gpu
@needs_gpu
def test_gpu_and_processor_agree():
    assert losses("cuda:0")[-1] == pytest.approx(losses("cpu")[-1], rel=0.05)
