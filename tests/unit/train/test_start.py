"""Where training begins: weights of a file laid on the bands by name, all of them or none, and known by their bytes."""

import numpy as np
import pytest
import torch
from landbridge.io import weights
from landbridge.models import resnet, torchvision_resnet, unet
from landbridge.models.network import initialise
from landbridge.models.shape import Shape
from landbridge.stage import StageError
from landbridge.train.progress import load_tensors
from landbridge.train.start import on_bands, own_names, take_over

from tests.line import Line

RGB = ["red", "green", "blue"]
SMALL = {"widths": [2, 2, 4, 4]}


def network(bands=2, static=0, seed=1):
    made = resnet.build(Shape(bands, static, 2, 16), SMALL)
    initialise(made, seed)
    return made


def test_bands_are_matched_by_name():
    weight = torch.arange(6.0).reshape(2, 3, 1, 1)  # red, green, blue are 0, 1, 2 and 3, 4, 5
    found = on_bands(weight, ["blue", "nir", "red", "red_pre", "nir_pre"], RGB, 6)
    assert found[:, :, 0, 0].tolist() == [[2, 1, 0, 0, 1, 0], [5, 4, 3, 3, 4, 0]]


def test_equal_bands_stay_as_they_are():
    weight = torch.randn(4, 3, 7, 7)
    assert torch.equal(on_bands(weight, RGB, RGB, 3), weight)


def test_everything_but_the_head_is_taken():
    theirs, ours = network(seed=2), network(seed=3)
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    take_over(ours, theirs.state_dict(), ["red", "nir"], ["red", "nir"], "file")
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, (before if name.startswith("parts.head") else theirs.state_dict())[name]), name


def test_numbers_of_the_unit_begin_without_a_say():
    ours = network(static=1)
    take_over(ours, network(seed=2).state_dict(), ["red", "nir"], ["red", "nir"], "file")
    ours.eval()
    x = torch.randn(2, 2, 16, 16)
    assert torch.equal(ours(x, torch.zeros(2, 1)), ours(x, torch.ones(2, 1)))


def test_names_of_checkpoints_and_published_ones():
    tensor = torch.zeros(1)
    names = ["network/parts.stem.norm.weight", "scaler/input_mean", "layer1.0.conv1.weight", "fc.bias"]
    found = own_names(dict.fromkeys(names, tensor), torchvision_resnet.PUBLISHED_NAMES)
    assert list(found) == ["parts.stem.norm.weight", "parts.stage1.0.conv1.weight", "parts.head.bias"]


def test_weights_of_another_network_are_refused():
    state = network(seed=2).state_dict()
    first = "parts.stem.convolution.weight"
    bands = ["red", "nir"]
    lacking = {name: tensor for name, tensor in state.items() if name != "parts.stage4.block2.body.norm3.bias"}
    infinite = {**state, "parts.stem.norm.bias": torch.full((2,), torch.nan)}
    wider = {**state, "parts.stem.norm.bias": torch.zeros(7)}
    for tensors, own_bands, said in (
        (lacking, bands, r"lacks parts\.stage4\.block2\.body\.norm3\.bias; name the weights of this very architecture"),
        ({**state, "layer5.weight": state[first]}, bands, r"holds what this model has not: layer5\.weight;"),
        (wider, bands, r"has other shapes: parts\.stem\.norm\.bias is \(7,\) for \(2,\);"),
        (infinite, bands, r"is not finite in parts\.stem\.norm\.bias"),
        (
            state,
            RGB,
            r"its first convolution has 2 input channels, and weights_bands names 3 \(red, green, blue\); name",
        ),
        ({"x": state[first]}, bands, r"lacks .* and \d+ more"),
    ):
        ours = network()
        before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
        with pytest.raises(StageError, match=f"^file: {said}"):
            take_over(ours, tensors, bands, own_bands, "file")
        assert all(torch.equal(tensor, before[name]) for name, tensor in ours.state_dict().items())


def test_counts_of_batches_may_be_missing():
    state = {name: t for name, t in network(seed=2).state_dict().items() if not name.endswith("num_batches_tracked")}
    take_over(network(), state, ["red", "nir"], ["red", "nir"], "file")


def begun(folder, path, **changes):
    """A line whose networks begin at a file and are not moved from there."""
    line = Line(folder, "segmentation", model="unet", side=16)
    still = {"epochs": 1, "epoch_steps": 1, "batch": 4, "learning_rate": 0.0, "fixed_steps": 1}
    line.settings["training"] |= still
    line.settings["network"] = {**SMALL, "weights": str(path), "weights_bands": ["nir", "red"]}
    line.settings["weights"] = {"file": path.name, "sha256": weights.checksum(path), **changes}
    line.own_inputs = {"weights": str(path)}
    return line, still


def test_pretraining_and_training_from_scratch_begin_there(tmp_path):
    theirs = unet.build(Shape(2, 0, 2, 16), SMALL)
    initialise(theirs, 5)
    path = tmp_path / "net.pth"
    torch.save(theirs.state_dict(), path)
    line, still = begun(tmp_path / "line", path)
    line.pretrain(**still)
    tensors, notes = load_tensors(tmp_path / "line" / "checkpoint0")
    first = "parts.enc1.convolution1.weight"
    assert torch.equal(tensors[f"network/{first}"], theirs.state_dict()[first].flip(1))  # red, nir of the chips
    assert torch.equal(tensors["network/parts.dec1.norm2.weight"], theirs.state_dict()["parts.dec1.norm2.weight"])
    assert notes["weights"] == {"file": "net.pth", "sha256": weights.checksum(path)}
    kept = line.transfer("target_only", budgets=["1"], recipe_settings={"rate": 0.0})
    other, _ = begun(tmp_path / "other", path)
    other.own_inputs = {}
    alone = other.transfer("target_only", budgets=["1"], recipe_settings={"rate": 0.0})
    assert not np.array_equal(kept["probability"], alone["probability"])


def test_a_file_that_changes_while_a_run_is_planned_is_refused(tmp_path):
    path = tmp_path / "net.pth"
    path.write_bytes(b"something")
    line, still = begun(tmp_path / "line", path, sha256="0" * 64)
    with pytest.raises(StageError, match=r"net\.pth: has changed since this run was planned; run again"):
        line.pretrain(**still)
