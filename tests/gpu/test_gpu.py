"""The same training on a GPU and on the processor."""

import pytest
import torch
from landbridge.models import lstm
from landbridge.models.network import Shape, initialise
from landbridge.train.loop import Drawn, Schedule, train
from landbridge.train.losses import squared_error

pytestmark = pytest.mark.gpu
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
        x = self.x[index.to(self.x.device)]
        return x, x.new_zeros(len(x), 0), self.y[index.to(self.x.device)], torch.ones_like(self.y[: len(x)])


def final_loss(device):
    network = lstm.build(Shape(6, 0, 1, 30), {"hidden": 32, "dropout": 0.0}).to(device)
    initialise(network, 1)
    drawn = [Drawn.start("a", Population(device), 1.0, 1, device)]
    return train(network, drawn, squared_error, Schedule(rate=1e-2, steps=200)).history[-1]["training_loss"]


@needs_gpu
def test_gpu_and_processor_agree():
    assert final_loss("cuda:0") == pytest.approx(final_loss("cpu"), rel=0.05)
