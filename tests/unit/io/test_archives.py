"""Archives are unpacked whole and inside their folder, or not at all."""

import io
import tarfile
import zipfile

import pytest
from landbridge.io import archives
from landbridge.stage import StageError


def make_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as handle:
        for name, data in members.items():
            handle.writestr(name, data)


def make_tar(path, members, **changes):
    with tarfile.open(path, "w:gz") as handle:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in changes.items():
                setattr(info, key, value)
            handle.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_good_archive(tmp_path, make):
    make(tmp_path / "a", {"x.txt": b"1", "deep/y.txt": b"2"})
    assert archives.unpack(tmp_path / "a", tmp_path / "out") == ["deep/y.txt", "x.txt"]
    assert (tmp_path / "out" / "deep" / "y.txt").read_bytes() == b"2"


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("name", ["../x.txt", "/x.txt", "a/../../x.txt", "..\\x.txt", "C:/x.txt"])
def test_members_that_leave_the_folder(tmp_path, make, name):
    make(tmp_path / "a", {"good.txt": b"1", name: b"2"})
    with pytest.raises(StageError, match="would be written outside its folder"):
        archives.unpack(tmp_path / "a", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar(tmp_path, kind):
    make_tar(tmp_path / "a", {"x": b""}, type=kind, linkname="/etc/passwd")
    with pytest.raises(StageError, match="is a link or a device"):
        archives.unpack(tmp_path / "a", tmp_path / "out")


def test_a_link_in_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "a", "w") as handle:
        info = zipfile.ZipInfo("x")
        info.external_attr = 0o120777 << 16
        handle.writestr(info, "/etc/passwd")
    with pytest.raises(StageError, match="is a link"):
        archives.unpack(tmp_path / "a", tmp_path / "out")


def test_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "SMALL", 1000)
    make_zip(tmp_path / "a", {"x": b"0" * 1_000_000})
    with pytest.raises(StageError, match="1000000 bytes would come out of"):
        archives.unpack(tmp_path / "a", tmp_path / "out")


def test_what_is_no_archive_and_what_is_cut_short(tmp_path):
    (tmp_path / "a").write_text("hello")
    with pytest.raises(StageError, match="not a whole zip or tar archive"):
        archives.unpack(tmp_path / "a", tmp_path / "out")
    make_tar(tmp_path / "b", {"x": bytes(range(256)) * 1000})
    (tmp_path / "b").write_bytes((tmp_path / "b").read_bytes()[:300])
    with pytest.raises(StageError, match="not a whole zip or tar archive"):
        archives.unpack(tmp_path / "b", tmp_path / "out")


def test_an_old_folder_is_not_overwritten(tmp_path):
    make_zip(tmp_path / "a", {"x": b"1"})
    (tmp_path / "out").mkdir()
    with pytest.raises(StageError, match="is there already"):
        archives.unpack(tmp_path / "a", tmp_path / "out")
