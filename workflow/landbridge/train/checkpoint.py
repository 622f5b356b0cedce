"""A pretrained network as a file: weights, scaler, shape, and where they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from landbridge.models.learner import Learner
from landbridge.models.network import Network, shapes_of
from landbridge.models.shape import Shape
from landbridge.prepare.scaling import Scaler
from landbridge.stage import StageError
from landbridge.train.progress import load_tensors, save_tensors

WEIGHTS, SCALER = "network/", "scaler/"


def save_learner(path: Path, learner: Learner, notes: Mapping[str, Any]) -> None:
    """Write weights and scaler as safetensors; equal learners give equal bytes."""
    tensors = {WEIGHTS + name: tensor.cpu() for name, tensor in learner.network.state_dict().items()}
    tensors |= {SCALER + name: torch.as_tensor(array) for name, array in learner.scaler.arrays().items()}
    save_tensors(path, tensors, {**notes, "scaler_rows": learner.scaler.rows, "shape": vars(learner.shape)})


def load_learner(path: Path, build: Callable[[Shape], Network]) -> tuple[Learner, dict[str, Any]]:
    """A fresh learner from a checkpoint, and its notes.

    Raises:
        StageError: not a checkpoint, or weights of another architecture.
    """
    tensors, notes = load_tensors(path)
    shape = Shape(**notes["shape"])
    network = build(shape)
    weights = {name.removeprefix(WEIGHTS): tensor for name, tensor in tensors.items() if name.startswith(WEIGHTS)}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise StageError(
            f"{path}: its weights do not fit this model, whose tensors are {dict(shapes_of(network))}; delete it and "
            f"run again ({error})"
        ) from error
    arrays = {name.removeprefix(SCALER): t.numpy() for name, t in tensors.items() if name.startswith(SCALER)}
    return Learner(network, Scaler.from_arrays(arrays, notes["scaler_rows"]), shape), notes
