"""A network of torchvision through the stages, from its published weights to every small adaptation."""

import numpy as np
import pytest
import torch
from landbridge.contract import Chip
from landbridge.io import netcdf, weights
from landbridge.train.progress import load_tensors

from tests import synthetic
from tests.line import Line
from tests.unit.models.torchvision_here import torchvision_models

BANDS = ["nir", "red", "green", "blue"]
QUICK = {"epochs": 1, "epoch_steps": 2, "batch": 4, "fixed_steps": 2, "learning_rate": 1e-3}


def write_tiles(path, units=28, side=64):
    """Tiles whose class is their brightest band of the first three."""
    random = np.random.default_rng(0)

    def tiles():
        for number in range(units):
            bands = random.uniform(0, 0.5, (len(BANDS), side, side)).astype(np.float32)
            bands[number % 3] += 0.4
            where = (10.0, 0.0, 1000.0 * number, 0.0, -10.0, 0.0)
            own = synthetic.static(number, units)
            yield Chip(
                f"t{number:02d}",
                bands,
                np.ones((side, side), bool),
                number % 3,
                "EPSG:32650",
                where,
                own,
                target="mode",
            )

    netcdf.write_chips(path, tiles(), BANDS, synthetic.DESCRIBED, synthetic.ATTRIBUTES)


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(synthetic, "write", lambda path, task, side: write_tiles(path))
        changes = {"kind": "chips", "window": None, "inputs": ["reflectance"]}
        made = Line(folder, "classification", model="torchvision_resnet", **changes)
    torch.manual_seed(1)
    theirs = torchvision_models().resnet18(weights=None)  # as its published weights are saved
    torch.save(theirs.state_dict(), folder / "resnet18.pth")
    made.settings["network"] = {"variant": "resnet18", "weights": "resnet18.pth"}
    made.settings["weights"] = {"file": "resnet18.pth", "sha256": weights.checksum(folder / "resnet18.pth")}
    made.settings["training"] |= QUICK
    made.own_inputs = {"weights": str(folder / "resnet18.pth")}
    made.pretrain(**QUICK)
    made.own_inputs = {}
    made.theirs = theirs.state_dict()
    return made


def test_pretraining_begins_at_the_published_weights(line):
    tensors, _ = load_tensors(line.folder / "checkpoint0")
    first = tensors["network/parts.stem.convolution.weight"]
    red, green, blue = line.theirs["conv1.weight"].unbind(1)
    expected = torch.stack([(red + green + blue) / 3, red, green, blue], dim=1)  # two steps of training away
    assert 0 < (first - expected).abs().max() < 0.01
    assert (tensors["network/parts.stage4.1.conv2.weight"] - line.theirs["layer4.1.conv2.weight"]).abs().max() < 0.01


@pytest.mark.parametrize("recipe", ["adabn", "adapter", "lora", "linear_probe", "full_finetune"])
def test_recipes_adapt_it(line, recipe):
    source = line.transfer("source_only", budgets=["1"])
    found = line.transfer(recipe, budgets=["1"])
    assert found["status"].tolist() == ["ok"]
    assert not np.array_equal(found["log_probability"], source["log_probability"])
