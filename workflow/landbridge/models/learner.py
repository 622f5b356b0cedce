"""A network with its scaler: what training makes, checkpoints hold and predictions come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landbridge.models.network import Network, parameter_count
from landbridge.models.shape import Shape
from landbridge.prepare.scaling import Scaler

PREDICTION_BATCH = 2048  # windows at a time, fewer of long ones
PREDICTION_STEPS = 500_000  # steps of the windows, or pixels of the chips, at a time


def at_once(cells: int, most: int = PREDICTION_STEPS) -> int:
    """How many windows of so many steps, or chips of so many pixels, are worked on at a time; `most` at most."""
    return max(1, min(most, PREDICTION_STEPS // cells))


class Learner:
    """A network that predicts in the units of its targets.

    Args:
        network: on the device where it trains.
        scaler: fitted on the rows that the network learned from.
        shape: sizes that the network was built for.
    """

    def __init__(self, network: Network, scaler: Scaler, shape: Shape) -> None:
        self.network = network
        self.scaler = scaler
        self.shape = shape
        self.trained: Sequence[str] = ()

    @torch.no_grad()
    def predict(self, samples: Any) -> np.ndarray:
        """Regression (row, target) in the targets' units; log-probabilities (row, class); or (row, class, y, x).

        A row's prediction does not depend on the other rows of the batch: the network is in evaluation mode.
        """
        found = [
            self._finish(self.network(*inputs), samples.task, steps).cpu().numpy()
            for inputs, steps in self._batches(samples)
        ]
        return np.concatenate(found) if found else np.zeros((0, self.shape.outputs), np.float32)

    @property
    def has_features(self) -> bool:
        """Whether the network has an encoder whose features `hidden` can give."""
        return type(self.network).features is not Network.features

    @torch.no_grad()
    def hidden(self, samples: Any) -> np.ndarray:
        """Features (row, d) that the head reads at each row to predict: a step, a window or a chip, but no pixel."""
        found = []
        for inputs, steps in self._batches(samples):
            features = self.network.features(*inputs)
            if features.ndim == 3:
                features = self.network.until_scored(features)
            if steps is not None:
                features = _of_rows(features, steps)
            elif features.ndim == 3:
                features = features[:, -1]  # the step whose logits count
            found.append(features.cpu().numpy())
        return np.concatenate(found)

    def _batches(self, samples: Any) -> Iterator[tuple[tuple[Tensor, ...], tuple[Tensor, Tensor] | None]]:
        """Inputs of the windows to predict, some at a time, and of a regression where its rows stand in the outputs."""
        self.network.eval()
        batch = at_once(samples.cells, PREDICTION_BATCH)
        for start in range(0, len(samples.prediction_windows.ends), batch):
            stop = min(start + batch, len(samples.prediction_windows.ends))
            inputs = samples.tensors.prediction_batch(torch.arange(start, stop), self.scaler)
            yield inputs, samples.tensors.prediction_steps(start, stop) if samples.task == "regression" else None

    def _finish(self, outputs: Tensor, task: str, steps: tuple[Tensor, Tensor] | None) -> Tensor:
        if steps is not None:
            last = _of_rows(outputs, steps)  # (row, target)
            mean = torch.as_tensor(self.scaler.target_mean, dtype=torch.float32, device=last.device)
            spread = torch.as_tensor(self.scaler.target_spread, dtype=torch.float32, device=last.device)
            return last * spread + mean
        if task == "classification":
            last = outputs[:, -1] if outputs.ndim == 3 else outputs
            return torch.log_softmax(last, dim=1)
        return torch.softmax(outputs, dim=1)

    def counts(self) -> tuple[int, int]:
        """Trained and total parameters."""
        trained = parameter_count(self._changed(self.network.named_parameters()))
        return trained, parameter_count(self.network.parameters())

    def shipped_bytes(self) -> int:
        """Bytes of the trained parts without what is kept in them."""
        changed = self._changed(self.network.state_dict().items())
        return sum(tensor.numel() * tensor.element_size() for tensor in changed)

    def _changed(self, named: Iterable[tuple[str, Tensor]]) -> list[Any]:
        """Those tensors that belong to trained parts and are not kept."""
        if not self.trained:
            return []
        begins = tuple(f"parts.{part}." for part in self.network.check_parts(self.trained))
        return [tensor for name, tensor in named if name.startswith(begins) and name not in self.network.kept]


def _of_rows(values: Tensor, steps: tuple[Tensor, Tensor]) -> Tensor:
    """(row, d) of windows (b, t, d), or of windows with one vector each (b, d)."""
    window, step = steps
    return values[window, step] if values.ndim == 3 else values[window]
