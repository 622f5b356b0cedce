"""Penalties on a GPU use no operation without a fixed order, so that equal trainings give equal bytes."""

import pytest
import torch
from landbridge.methods import bss, cdan, coral, dann, delta, distillation, joint_then_finetune, mk_mmd
from landbridge.methods.alignment import SOURCE, UNLABELLED
from landbridge.models import lstm, unet
from landbridge.models.network import initialise
from landbridge.models.shape import Shape
from landbridge.train.drawn import Drawn
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import Batch, MeanLoss

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
PENALTIES = ["coral", "mk_mmd", "dann", "cdan", "bss", "delta", "distillation", "joint_then_finetune"]
KINDS = ["regression", "segmentation"]


class Population:
    """Random windows or chips, whose labels follow from their inputs."""

    def __init__(self, kind, seed, device):
        shape = (32, 30, 3) if kind == "regression" else (32, 3, 16, 16)
        self.x = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device)
        self.y = self.x[:, -10:].mean(-1, keepdim=True) if kind == "regression" else (self.x[:, 0] > 0).long()

    def __len__(self):
        return len(self.x)

    def batch(self, index):
        index = index.to(self.x.device)
        x, y = self.x[index], self.y[index]
        return Batch((x, x.new_zeros(len(x), 0)), y, torch.ones_like(y, dtype=torch.float32), index)


def network(kind, device):
    if kind == "regression":
        built = lstm.build(Shape(3, 0, 1, 30, scored=10), {"hidden": 8})
    else:
        built = unet.build(Shape(3, 0, 2, 16), {"widths": [4, 4, 8, 8]})
    built = built.to(device)
    initialise(built, 1)
    return built


def penalty_of(name, kind, built, device):
    width, outputs = (8, 4) if kind == "regression" else (4, 2)
    if name == "dann":
        return dann.Adversary(dann.discriminator(width, 1, device), 1.0, 1e-3, 1)
    if name == "cdan":
        layers = dann.discriminator(width * outputs, 1, device)
        return cdan.Conditional(layers, 1.0, 1e-3, 1, bins=4 if kind == "regression" else None)
    if name == "joint_then_finetune":
        return joint_then_finetune.SecondHead(built, 1.0, 1e-3, 1)
    start = network(kind, device)
    if name == "delta":
        inputs = Population(kind, 0, device).batch(torch.arange(2)).inputs
        maps = delta.maps_of(start, inputs)
        held = {own: torch.ones(x.shape[1 if x.ndim == 4 else -1], device=device) for own, x in maps.items()}
        return delta.HeldMaps(built, start, held, 1.0, 0.1)
    if name == "distillation":
        return distillation.Teaching(start, 0.5, 2.0, kind)
    return {"coral": coral.Coral(1.0, 1), "mk_mmd": mk_mmd.MeanDiscrepancy(1.0, 1), "bss": bss.Shrinkage(1.0, 1, 1)}[
        name
    ]


def trained(name, kind, device):
    built = network(kind, device)
    two = name in ("coral", "mk_mmd", "dann", "cdan", "joint_then_finetune")
    drawn = [Drawn.start(SOURCE, Population(kind, 0, device), 1.0, 1, device)]
    if two:
        drawn.append(Drawn.start(UNLABELLED, Population(kind, 1, device), 1.0, 1, device, scored=False))
    penalty = penalty_of(name, kind, built, device)
    before = torch.are_deterministic_algorithms_enabled()
    torch.set_deterministic_debug_mode("error")
    try:
        train(built, drawn, MeanLoss(kind), Schedule(rate=1e-3, steps=5, batch=16), penalty=penalty)
    finally:
        torch.use_deterministic_algorithms(before)
    return built.state_dict()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda:0", marks=[pytest.mark.gpu, needs_gpu])])
def test_equal_trainings_give_equal_weights(name, kind, device):
    first, second = trained(name, kind, device), trained(name, kind, device)
    assert all(torch.equal(first[own], second[own]) for own in first)
    assert all(torch.isfinite(own.float()).all() for own in first.values())
