"""Where the training of a network begins: at random weights, or at those of a file that the user names.

Everything but the head is taken from the file, and all of it must fit. Its first convolution is laid on the bands of
the chips by name: a band that the file has gets its own weights, any other the mean over the file's bands, and numbers
of the unit begin without a say. An image before a fire is taken for the same bands.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from landbridge.contract import Dataset
from landbridge.io import weights
from landbridge.models.network import Network, initialise
from landbridge.stage import Job, StageError

log = logging.getLogger(__name__)

BEFORE = "_pre"  # ends the name of a band of the image before the fire
CHECKPOINT, SCALER = "network/", "scaler/"  # begin the names in checkpoints of this project
SHOWN = 3  # names in an error


def start(network: Network, job: Job, dataset: Dataset, seed: int) -> None:
    """Draw all weights from `seed` and, where the job has an input `weights`, take over those of that file.

    Args:
        network: untrained.
        job: whose settings hold `network.weights_bands` and the checksum that the file had when the run was planned.
        dataset: chips whose `band_name` the network will see.
        seed: of the random weights.

    Raises:
        StageError: the file has changed, can't be read, or does not fit the network.
    """
    initialise(network, seed)
    if not job.input_list("weights"):
        return
    path, settings = job.input("weights"), job.settings["network"]
    if weights.checksum(path) != job.settings["weights"]["sha256"]:
        raise StageError(f"{path}: has changed since this run was planned; run again")
    architecture = job.load("model")
    file_bands = list(settings.get("weights_bands", architecture.DEFAULTS["weights_bands"]))
    tensors = own_names(weights.read(path), getattr(architecture, "PUBLISHED_NAMES", {}))
    take_over(network, tensors, [str(name) for name in dataset["band_name"]], file_bands, path)
    log.info("begins at the weights of %s, sha256 %s", path, job.settings["weights"]["sha256"])


def own_names(tensors: Mapping[str, Tensor], published: Mapping[str, str]) -> dict[str, Tensor]:
    """Tensors under the names that they have in a network here.

    Args:
        tensors: by the names of a file.
        published: part here by the first word of the published names.
    """
    found = {}
    for name, tensor in tensors.items():
        if name.startswith(SCALER):
            continue
        first, _, rest = name.partition(".")
        found[f"parts.{published[first]}.{rest}" if first in published else name.removeprefix(CHECKPOINT)] = tensor
    return found


def take_over(
    network: Network, tensors: Mapping[str, Tensor], bands: Sequence[str], file_bands: Sequence[str], where: Path
) -> None:
    """Give a network the tensors of a file, all but those of the head.

    Args:
        network: any of chips.
        tensors: by the names of the network's `state_dict`.
        bands: of the chips, in their order.
        file_bands: what the input channels of the file's first convolution stand for.
        where: the file, for errors.

    Raises:
        StageError: a tensor is missing, is one too many, has another shape or holds no finite numbers; or the first
            convolution has another number of channels than `file_bands`.
    """
    state = network.state_dict()
    head = f"parts.{network.part_names()[-1]}."
    given = {name: tensor for name, tensor in tensors.items() if not name.startswith(head)}
    wanted = {name for name in state if not name.startswith(head)}
    missing = sorted(name for name in wanted - given.keys() if not name.endswith("num_batches_tracked"))
    _refuse(where, "lacks", missing)
    _refuse(where, "holds what this model has not:", sorted(given.keys() - wanted))
    first = first_convolution(network)
    if given[first].ndim != 4 or given[first].shape[1] != len(file_bands):
        channels = given[first].shape[1] if given[first].ndim == 4 else 0
        raise StageError(
            f"{where}: its first convolution has {channels} input channels, and weights_bands names "
            f"{len(file_bands)} ({', '.join(file_bands)}); name the band of each channel in weights_bands"
        )
    given[first] = on_bands(given[first], bands, file_bands, state[first].shape[1])
    shapes = [
        f"{name} is {tuple(tensor.shape)} for {tuple(state[name].shape)}"
        for name, tensor in sorted(given.items())
        if tensor.shape != state[name].shape
    ]
    _refuse(where, "has other shapes:", shapes)
    _refuse(where, "is not finite in", [name for name, tensor in given.items() if not tensor.isfinite().all()])
    network.load_state_dict({**state, **given})


def first_convolution(network: nn.Module) -> str:
    """Name, as in `state_dict`, of the weight that reads the bands."""
    return next(f"{name}.weight" for name, module in network.named_modules() if isinstance(module, nn.Conv2d))


def on_bands(weight: Tensor, bands: Sequence[str], file_bands: Sequence[str], inputs: int) -> Tensor:
    """A convolution's weight (out, band of the file, y, x) laid on other bands: (out, inputs, y, x).

    Args:
        weight: of the file.
        bands: names of the first channels wanted; those after them, numbers of the unit, get 0.
        file_bands: names of the file's channels.
        inputs: channels wanted.
    """
    mean = weight.mean(dim=1)
    channels = []
    for band in bands:
        name = band.removesuffix(BEFORE)
        channels.append(weight[:, file_bands.index(name)] if name in file_bands else mean)
    channels += [torch.zeros_like(mean)] * (inputs - len(bands))
    return torch.stack(channels, dim=1)


def _refuse(where: Path, what: str, names: Sequence[Any]) -> None:
    """End the job if there is anything in `names`."""
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        raise StageError(
            f"{where}: {what} {', '.join(names[:SHOWN])}{more}; name the weights of this very architecture"
        )
