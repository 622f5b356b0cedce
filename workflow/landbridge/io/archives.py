"""Unpack zip and tar archives without letting one write outside its folder or fill the disk."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from landbridge.stage import StageError

LARGEST_RATIO = 200  # unpacked bytes for each packed byte; text packs to a twentieth, a bomb to a thousandth
SMALL = 64 << 20  # below this many unpacked bytes the ratio does not matter
MODE_KIND, LINK_KIND = 0o170000, 0o120000


def unpack(archive: Path, folder: Path) -> list[str]:
    """Unpack an archive into a new folder, whole or not at all.

    Returns:
        paths of the files below the folder, sorted.

    Raises:
        StageError: not an archive, a member that leaves the folder, a link, a device, or far more data than the
            archive's size explains.
    """
    if folder.exists():
        raise StageError(f"{folder}: is there already; remove it to unpack {archive.name} again")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as name:
        temporary = Path(name) / "unpacked"
        temporary.mkdir()
        with _opened(archive) as handle:
            if isinstance(handle, zipfile.ZipFile):
                _unpack_zip(archive, handle, temporary)
            else:
                _unpack_tar(archive, handle, temporary)
        temporary.rename(folder)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile | tarfile.TarFile]:
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as handle:
                yield handle
            return
        with tarfile.open(archive) as tar:
            yield tar
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise StageError(f"{archive}: not a whole zip or tar archive ({error}); fetch it again") from error


def _check_name(archive: Path, name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in (path.parts[0] if path.parts else ""):
        raise StageError(f"{archive}: member '{name}' would be written outside its folder; the archive is not safe")


def _check_size(archive: Path, total: int) -> None:
    packed = archive.stat().st_size
    if total > SMALL and total > LARGEST_RATIO * packed:
        raise StageError(f"{archive}: {total} bytes would come out of {packed}; the archive is not safe")


def _unpack_zip(archive: Path, handle: zipfile.ZipFile, folder: Path) -> None:
    members = handle.infolist()
    _check_size(archive, sum(member.file_size for member in members))
    for member in members:
        _check_name(archive, member.filename)
        if (member.external_attr >> 16) & MODE_KIND == LINK_KIND:
            raise StageError(f"{archive}: member '{member.filename}' is a link; the archive is not safe")
    for member in members:
        handle.extract(member, folder)


def _unpack_tar(archive: Path, handle: tarfile.TarFile, folder: Path) -> None:
    members = handle.getmembers()
    _check_size(archive, sum(member.size for member in members))
    for member in members:
        _check_name(archive, member.name)
        if not (member.isfile() or member.isdir()):
            raise StageError(f"{archive}: member '{member.name}' is a link or a device; the archive is not safe")
    for member in members:
        target = folder / member.name
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        source = handle.extractfile(member)
        assert source is not None
        with source, target.open("wb") as out:
            shutil.copyfileobj(source, out)
