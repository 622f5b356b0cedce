"""Files of weights that a user brings: where they are looked for, their checksum and their tensors.

Nothing is fetched: a file that is not here ends the plan of a run. Read when Snakemake parses the workflow, so torch is
imported where tensors are read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landbridge.stage import StageError

if TYPE_CHECKING:
    from torch import Tensor

EXPOSURES = ("yes", "no", "unknown")  # whether weights from elsewhere may have seen the target
INNER = ("state_dict", "model")  # keys under which some programs keep the weights inside their file


def find(named: str, folders: Sequence[Path], key: str) -> Path:
    """The file that `named` stands for: a path, or its name in the first of `folders` that has it.

    Absolute unless it lies in the folder that the workflow runs in.

    Args:
        named: as the configuration has it.
        folders: looked in in this order.
        key: of the configuration, for errors.

    Raises:
        StageError: it is an address, or there is no such file.
    """
    if "://" in named:
        raise StageError(f"{key}: {named} is an address, and weights are never fetched; get the file and name its path")
    places = [Path(named).expanduser(), *(folder / named for folder in folders)]
    for place in places:
        if place.is_file():
            outside = place.is_absolute() or ".." in place.parts
            return Path(os.path.abspath(place)) if outside else place
    looked = ", ".join(str(place) for place in places)
    raise StageError(f"{key}: there is no file {named} (looked for {looked}); write the path of a file that is here")


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal; computed once for each state of the file."""
    state = path.stat()
    return _checksum(path, state.st_size, state.st_mtime_ns)


@cache
def _checksum(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def read(path: Path) -> dict[str, Tensor]:
    """Tensors of a file by name, in the names that it has: one that `torch.save` wrote, or safetensors.

    Of the first kind nothing but tensors and plain containers is unpickled.

    Raises:
        StageError: another kind of file, a damaged one, or one without tensors.
    """
    import torch

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found: Any = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise whatever their bytes lead to
        reason = str(error).split("\n")[0]
        raise StageError(
            f"{path}: holds no weights that can be read safely ({reason}); write it with "
            f"torch.save(network.state_dict(), PATH), or as .safetensors"
        ) from error
    for key in INNER:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    tensors = (
        {name: value for name, value in found.items() if isinstance(value, torch.Tensor)}
        if isinstance(found, Mapping)
        else {}
    )
    if not tensors:
        raise StageError(f"{path}: holds no tensors by name; write it with torch.save(network.state_dict(), PATH)")
    return tensors


def exposure(told: object) -> str | None:
    """A declared exposure as a word; None where it is none of the three. YAML reads a bare yes and no as truth."""
    word = {True: "yes", False: "no"}.get(told, told) if isinstance(told, bool) else told
    return word if isinstance(word, str) and word in EXPOSURES else None
