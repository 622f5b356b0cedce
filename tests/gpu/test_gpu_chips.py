"""Networks of chips on a GPU: outputs as on the processor, and a training step with sums in a fixed order."""

import importlib

import pytest
import torch
from landbridge.models.network import initialise
from landbridge.models.shape import Shape
from landbridge.models.walsh_hadamard import WalshHadamard
from landbridge.train.losses import Batch, MeanLoss

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")]


def test_the_layer_gives_the_same_on_both():
    torch.manual_seed(0)
    layer, x = WalshHadamard(8, 8, 16), torch.randn(4, 8, 16, 16)
    expected = layer(x)
    found = layer.cuda()(x.cuda()).cpu()
    assert (found - expected).abs().max() < 1e-5


@pytest.mark.parametrize("name", ["unet", "wht_unet", "resnet", "wht_resnet"])
def test_a_step_of_training_needs_no_operation_without_a_fixed_order(name):
    network = importlib.import_module(f"landbridge.models.{name}").build(Shape(6, 0, 2, 32), {}).cuda()
    initialise(network, 1)
    x, static = torch.randn(4, 6, 32, 32, device="cuda"), torch.zeros(4, 0, device="cuda")
    pixels = name.endswith("unet")
    labels = torch.ones((4, 32, 32) if pixels else (4,), dtype=torch.int64, device="cuda")
    loss = MeanLoss("segmentation", dice_weight=1.0) if pixels else MeanLoss("classification")
    gradients = []
    torch.set_deterministic_debug_mode("error")
    try:
        for _ in range(2):
            network.zero_grad()
            loss(network(x, static), Batch((), labels, torch.ones_like(labels).float(), labels)).backward()
            gradients.append([parameter.grad.clone() for parameter in network.parameters()])
    finally:
        torch.set_deterministic_debug_mode("default")
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))
