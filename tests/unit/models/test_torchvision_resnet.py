"""Networks of torchvision: its own numbers on its own weights, recipes' parts, and what is said without it."""

import builtins
import subprocess
import sys
from pathlib import Path

import landbridge
import pytest
import torch
from landbridge.methods.adabn import norms_in_order
from landbridge.methods.adapter import add_adapters
from landbridge.methods.lora import add_low_rank, layers
from landbridge.models import torchvision_resnet
from landbridge.models.convolutions import halved_by_three
from landbridge.models.network import initialise, parameter_count
from landbridge.models.shape import Shape
from landbridge.stage import StageError
from landbridge.train.start import own_names, take_over
from torch.nn import functional

from tests.unit.models.torchvision_here import torchvision_models

RGB = ["red", "green", "blue"]
WORKFLOW = Path(landbridge.__file__).parents[1]


@pytest.fixture(scope="module", autouse=True)
def models():
    return torchvision_models()


def published(models, variant="resnet18", seed=1):
    """A network of torchvision whose norms have seen something."""
    torch.manual_seed(seed)
    network = getattr(models, variant)(weights=None, num_classes=10)
    network.train()
    with torch.no_grad():
        network(torch.randn(4, 3, 64, 64))
    return network.eval()


def built(inputs=3, static=0, outputs=10, **settings):
    network = torchvision_resnet.build(Shape(inputs, static, outputs, 64), settings)
    initialise(network, 1)
    return network.eval()


@pytest.mark.parametrize("variant", ["resnet18", "resnet50"])
def test_published_weights_give_the_published_numbers(models, variant):
    """Three bands in their order, and torchvision's head: the network is torchvision's own."""
    theirs, ours = published(models, variant), built(variant=variant)
    tensors = own_names(theirs.state_dict(), torchvision_resnet.PUBLISHED_NAMES)
    take_over(ours, tensors, RGB, RGB, "weights.pth")
    ours.parts["head"].load_state_dict(theirs.fc.state_dict())
    x = torch.randn(2, 3, 64, 80, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        assert torch.allclose(ours(x, torch.zeros(2, 0)), theirs(x), atol=1e-5)
    assert parameter_count(ours.parameters()) == parameter_count(theirs.parameters())


def test_recipes_find_their_layers():
    network = built(13)
    assert tuple(network.part_names()) == torchvision_resnet.PARTS
    inside = sum(parameter_count(part.parameters()) for part in network.parts.values())
    assert inside == parameter_count(network.parameters())
    assert len(layers(network)) == 3  # the 1x1 shortcuts
    x, static = torch.randn(2, 13, 64, 64), torch.zeros(2, 0)
    before = network(x, static)

    class Inputs:
        def input_batches(self, scaler):
            yield (x, static), None

    assert len(norms_in_order(network, None, Inputs())) == 20
    add_adapters(network)
    assert torch.equal(network(x, static), before)  # adapters begin at nothing
    changed = built(13)
    add_low_rank(changed, 2, 1)
    assert torch.equal(changed(x, static), before)
    assert parameter_count(built(13).set_trainable("head")) == 512 * 10 + 10


def test_a_chip_does_not_depend_on_the_batch_and_every_weight_learns():
    network = built(4, static=1)
    x, static = torch.randn(3, 4, 64, 64), torch.ones(3, 1)
    assert torch.allclose(network(x, static)[1:2], network(x[1:2], static[1:2]), atol=1e-4)
    assert not torch.allclose(network(x, static), network(x, 0 * static))
    network.train()
    network(x, static).square().sum().backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()] == []


@pytest.mark.parametrize("side", [3, 4, 7, 8])
def test_the_pooling_is_that_of_torch(side):
    x = torch.randn(2, 3, side, side + 1)
    assert torch.equal(halved_by_three(x), functional.max_pool2d(x, 3, 2, 1))


def test_small_chips_are_refused():
    with pytest.raises(ValueError, match=r"chips of 32 by 32 pixels are too small .* 64 pixels a side"):
        built()(torch.zeros(2, 3, 32, 32), torch.zeros(2, 0))


def test_a_variant_that_there_is_not():
    with pytest.raises(ValueError, match=r"no residual network 'vgg11'; write variant: one of .*resnet18"):
        built(variant="vgg11")


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (ModuleNotFoundError("no module", name="torchvision"), "needs torchvision.*install.*envs/torchvision.txt"),
        (
            RuntimeError("operator torchvision::nms does not exist"),
            "does not load beside this torch .*nms.*of one kind",
        ),
    ],
)
def test_without_torchvision_it_says_what_to_install(monkeypatch, raised, said):
    real = builtins.__import__

    def refused(name, *arguments, **named):
        if name == "torchvision.models":
            raise raised
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", refused)
    with pytest.raises(StageError, match=said):
        built()


def test_nothing_else_loads_it():
    """A fresh process that imports every other model has no torchvision."""
    code = (
        "import importlib, sys\n"
        "from landbridge import registry\n"
        "for name in registry.models(): importlib.import_module(f'landbridge.models.{name}')\n"
        "sys.exit('torchvision' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(WORKFLOW)}, check=False).returncode == 0
