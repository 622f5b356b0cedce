"""Files of weights: where they are found, their checksum, and which are read."""

import hashlib
import pickle

import pytest
import torch
from landbridge.io import weights
from landbridge.stage import StageError
from safetensors.torch import save_file

KEY = "satellite_imagery.models.resnet.weights"
TENSORS = {"conv1.weight": torch.arange(6.0).reshape(2, 3)}


class Evil:
    def __reduce__(self):
        return print, ("code of the file ran",)


def test_a_path_comes_first_then_the_folders_in_their_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [tmp_path / "raw", tmp_path / "mirror"]
    for folder in folders:
        folder.mkdir()
    (folders[1] / "net.pth").touch()
    assert weights.find("net.pth", folders, KEY) == folders[1] / "net.pth"
    (folders[0] / "net.pth").touch()
    assert weights.find("net.pth", folders, KEY) == folders[0] / "net.pth"
    (tmp_path / "net.pth").touch()
    assert str(weights.find("net.pth", folders, KEY)) == "net.pth"
    inner = tmp_path / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    assert (
        weights.find("../net.pth", folders, KEY) == tmp_path / "net.pth"
    )  # no way out of a folder that a job is sealed in


def test_nothing_is_fetched_and_a_file_that_is_missing_is_looked_for_by_name(tmp_path):
    with pytest.raises(StageError, match=f"^{KEY}: .* is an address, and weights are never fetched; get the file"):
        weights.find("https://example.org/net.pth", [tmp_path], KEY)
    with pytest.raises(
        StageError,
        match=rf"^{KEY}: there is no file net\.pth \(looked for net\.pth, {tmp_path}/net\.pth\); write the path",
    ):
        weights.find("net.pth", [tmp_path], KEY)


def test_the_checksum_is_of_the_bytes(tmp_path):
    path = tmp_path / "net.pth"
    for text in (b"one", b"other"):
        path.write_bytes(text)
        assert weights.checksum(path) == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize("inner", [None, "state_dict", "model"])
def test_tensors_of_every_kind_of_file(tmp_path, inner):
    path = tmp_path / "net.pth"
    torch.save({inner: TENSORS, "epoch": 3} if inner else TENSORS, path)
    save_file(TENSORS, tmp_path / "net.safetensors")
    for file in (path, tmp_path / "net.safetensors"):
        found = weights.read(file)
        assert found.keys() == TENSORS.keys() and torch.equal(found["conv1.weight"], TENSORS["conv1.weight"])


def test_code_in_a_file_does_not_run(tmp_path, capsys):
    path = tmp_path / "net.pth"
    for write in (lambda: torch.save({"conv1.weight": Evil()}, path), lambda: path.write_bytes(pickle.dumps(Evil()))):
        write()
        with pytest.raises(StageError, match=r"no weights that can be read safely .*torch\.save\(network\.state_dict"):
            weights.read(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_damaged_and_empty_files_are_refused(tmp_path, ending):
    path = tmp_path / f"net.{ending}"
    torch.save(TENSORS, path) if ending == "pth" else save_file(TENSORS, path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(StageError, match=r"holds no weights that can be read safely"):
        weights.read(path)
    torch.save({"epoch": 3}, tmp_path / "other.pth")
    with pytest.raises(StageError, match="holds no tensors by name"):
        weights.read(tmp_path / "other.pth")
