"""LSTM modulated by a code of the tower, read from other windows of its own drivers.

After TAM-RL (arXiv 2603.09974) with feature-wise modulation (FiLM, arXiv 1709.07871). A bidirectional LSTM reads
support windows of the same unit, none of which shares a step with the window to predict; their codes are averaged to
z, and the hidden state h becomes (1 + gamma(z)) h + beta(z). gamma and beta begin at zero, where the network is the
plain LSTM. A decoder rebuilds the support windows from their codes; its error joins the loss with weight 0.1.

The published code predicts each window from a code of that very window and gives the decoder no loss; its modulation
of the encoded input, s e + s with s = 1 + ReLU(W z), is the variant `modulate_input`.

With `support_labels`, which the recipe `film_modulation` sets and nobody else, support windows come with their labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from landbridge.models.network import Network
from landbridge.models.recurrent import TwoSided
from landbridge.models.shape import Shape

KIND = "series"
PARTS = ("encoder", "code", "recurrent", "modulation", "head")
DEFAULTS = {
    "hidden": 128,
    "latent": 32,
    "layers": 1,
    "dropout": 0.2,
    "support": 4,
    "reconstruction": 0.1,
    "modulate_input": False,
    "support_labels": False,
}


class Code(nn.Module):
    """Support windows of `width` columns to a code of the unit, and back."""

    def __init__(self, shape: Shape, latent: int, width: int) -> None:
        super().__init__()
        self.length, self.width = shape.length, width
        self.read = nn.LSTM(width, latent, batch_first=True, bidirectional=True)
        self.join = nn.Linear(2 * latent, latent)
        self.write = nn.LSTM(latent, latent, batch_first=True)
        self.rebuild = nn.Linear(latent, width)

    def forward(self, support: Tensor) -> Tensor:
        """(b, k, t, width) to a code of each window, (b, k, latent)."""
        if support.shape[-1] != self.width:
            raise ValueError(
                f"support windows have {support.shape[-1]} columns for {self.width}: `support_labels` is set by the "
                f"recipe film_modulation; leave it out of the settings of the model"
            )
        batch, count = support.shape[:2]
        last = self.read(support.flatten(0, 1))[1][0]  # (2, b k, latent): the last state of either direction
        return self.join(torch.cat([last[0], last[1]], dim=1)).view(batch, count, -1)

    def rebuilt(self, codes: Tensor) -> Tensor:
        """(b, k, latent) to windows (b, k, t, width)."""
        repeated = codes.flatten(0, 1)[:, None].expand(-1, self.length, -1)
        return self.rebuild(self.write(repeated)[0]).view(*codes.shape[:2], self.length, -1)


class FromZero(nn.Linear):
    """A linear map that begins at zero."""

    def reset_parameters(self) -> None:
        """Set weight and bias to zero."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)


class Modulation(nn.Module):
    """gamma and beta of the hidden state, and s of the encoded input, from the code."""

    def __init__(self, hidden: int, latent: int, modulate_input: bool) -> None:
        super().__init__()
        self.state = FromZero(latent, 2 * hidden)
        self.input = nn.Linear(latent, hidden) if modulate_input else None

    def of_state(self, hidden: Tensor, code: Tensor) -> Tensor:
        """(b, t, hidden) to the same."""
        gamma, beta = self.state(code)[:, None].chunk(2, dim=-1)
        return (1 + gamma) * hidden + beta

    def of_input(self, encoded: Tensor, code: Tensor) -> Tensor:
        """(b, t, hidden) to the same; unchanged unless the variant is on."""
        if self.input is None:
            return encoded
        scale = 1 + torch.relu(self.input(code))[:, None]
        return scale * encoded + scale


class TamRL(Network):
    """Encoder, code of the support windows, LSTM, modulation, linear head on every step.

    Args:
        shape: sizes of inputs and outputs.
        hidden: width of the recurrence.
        latent: width of the code.
        layers: stacked recurrent layers.
        dropout: share of outputs dropped before the head while training.
        support: support windows of each unit.
        reconstruction: weight of the error of the rebuilt support windows.
        modulate_input: modulate the encoded input as well, as the released code does.
        support_labels: support windows hold, behind their inputs, their labels and which of those are known.
    """

    def __init__(
        self,
        shape: Shape,
        hidden: int,
        latent: int,
        layers: int,
        dropout: float,
        support: int,
        reconstruction: float,
        modulate_input: bool,
        support_labels: bool,
    ) -> None:
        super().__init__()
        if support < 1:
            raise ValueError("support is 0; tam_rl reads the tower from one support window at least")
        self.reconstruction = reconstruction
        self.parts = nn.ModuleDict(
            {
                "encoder": TwoSided(shape, hidden),
                "code": Code(shape, latent, shape.inputs + (2 * shape.outputs if support_labels else 0)),
                "recurrent": nn.LSTM(hidden, hidden, layers, batch_first=True),
                "modulation": Modulation(hidden, latent, modulate_input),
                "head": nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, shape.outputs)),
            }
        )

    def forward(self, x: Tensor, static: Tensor, support: Tensor, known: Tensor) -> Tensor:  # type: ignore[override]
        """Outputs (b, t, outputs) of windows x (b, t, inputs).

        Args:
            x: window to predict.
            static: (b, static).
            support: (b, k, t, width) other windows of each unit.
            known: (b, k) bool, which of them exist; without any the code is zero.
        """
        return self._outputs(x, static, self.parts["code"](support), known)

    def step(self, *inputs: Tensor) -> tuple[Tensor, Tensor | float]:
        """Outputs, and the weighted error of the rebuilt support windows."""
        x, static, support, known = inputs
        code: Any = self.parts["code"]
        codes = code(support)
        error = (code.rebuilt(codes) - support).square().mean(dim=(2, 3))
        mean = (error * known).sum() / known.sum().clamp_min(1)
        return self._outputs(x, static, codes, known), self.reconstruction * mean

    def _outputs(self, x: Tensor, static: Tensor, codes: Tensor, known: Tensor) -> Tensor:
        share = known[..., None].to(codes.dtype)
        code = (codes * share).sum(dim=1) / share.sum(dim=1).clamp_min(1)
        modulation: Any = self.parts["modulation"]
        encoded = modulation.of_input(self.parts["encoder"](x, static), code)
        hidden = modulation.of_state(self.parts["recurrent"](encoded)[0], code)
        return self.until_scored(self.parts["head"](hidden))


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`."""
    return TamRL(shape, **{**DEFAULTS, **settings})
