"""Entity-aware LSTM: what a unit is decides which inputs it takes up, the drivers decide the rest.

Kratzert et al. (2019), Hydrology and Earth System Sciences 23, 5089-5110, section 2.3: the static numbers alone drive
the input gate, i = s(W_i x_s + b_i), which is therefore the same at every step; forget gate, output gate and cell
update see the drivers and the last state alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from landbridge.models.network import Network, join_static
from landbridge.models.shape import Shape
from landbridge.stage import StageError

KIND = "series"
PARTS = ("gate", "recurrent", "head")
DEFAULTS = {"hidden": 128, "dropout": 0.2, "forget_bias": 3.0}


class Recurrence(nn.Module):
    """The steps of the entity-aware LSTM, given its input gate.

    f = s(W_f x + U_f h + b_f), g = tanh(W_g x + U_g h + b_g), o = s(W_o x + U_o h + b_o), c <- f c + i g,
    h <- o tanh(c), from c = h = 0.

    It is run as an LSTM of torch over drivers and static numbers side by side, whose weights are zero where a gate may
    not look, so that a window takes as long as one of the plain `lstm` and no step is a call of Python.

    Args:
        inputs: drivers of each step.
        hidden: width of the state.
        forget_bias: where b_f begins, so that untrained gates forget slowly; windows may be a year long.
    """

    def __init__(self, inputs: int, hidden: int, forget_bias: float) -> None:
        super().__init__()
        self.hidden = hidden
        self.forget_bias = forget_bias
        self.of_drivers = nn.Parameter(torch.empty(3 * hidden, inputs))  # forget, cell, output, one below the other
        self.of_state = nn.Parameter(torch.empty(3 * hidden, hidden))
        self.bias = nn.Parameter(torch.empty(3 * hidden))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights as torch draws those of an LSTM; biases are 0 but for the forget gate's."""
        reach = self.hidden**-0.5
        nn.init.uniform_(self.of_drivers, -reach, reach)
        nn.init.uniform_(self.of_state, -reach, reach)
        with torch.no_grad():
            self.bias.zero_()
            self.bias[: self.hidden] = self.forget_bias

    def forward(self, x: Tensor, static: Tensor, gate: nn.Linear) -> Tensor:
        """(b, t, inputs) and (b, static) to (b, t, hidden); `gate` gives W_i and b_i."""
        inputs, numbers = x.shape[-1], static.shape[-1]
        of_both = torch.cat(  # torch's order: input, forget, cell, output
            [
                torch.cat([x.new_zeros(self.hidden, inputs), gate.weight], dim=1),
                torch.cat([self.of_drivers, x.new_zeros(3 * self.hidden, numbers)], dim=1),
            ]
        )
        of_state = torch.cat([x.new_zeros(self.hidden, self.hidden), self.of_state])
        bias = torch.cat([gate.bias, self.bias])
        start = x.new_zeros(1, len(x), self.hidden)
        # The flag of training changes no number without dropout; on a GPU it is what gradients need, frozen or not.
        states: Tensor = torch.lstm(
            join_static(x, static),
            (start, start),
            (of_both, of_state, bias, torch.zeros_like(bias)),
            has_biases=True,
            num_layers=1,
            dropout=0.0,
            train=torch.is_grad_enabled(),
            bidirectional=False,
            batch_first=True,
        )[0]
        return states


class EntityAware(Network):
    """Input gate of the static numbers, recurrence of the drivers, dropout, linear head on every step.

    Args:
        shape: sizes of inputs and outputs.
        hidden: width of the recurrence.
        dropout: share of recurrent outputs dropped before the head while training.
        forget_bias: see `Recurrence`.

    Raises:
        StageError: units are not described by any number.
    """

    def __init__(self, shape: Shape, hidden: int, dropout: float, forget_bias: float) -> None:
        super().__init__()
        if shape.static == 0:
            raise StageError(
                "ea_lstm: the scenario has no static numbers, and they alone drive its input gate; name some in "
                "`static:` or `one_hot:`, or take the model lstm"
            )
        self.parts = nn.ModuleDict(
            {
                "gate": nn.Linear(shape.static, hidden),
                "recurrent": Recurrence(shape.inputs, hidden, forget_bias),
                "head": nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, shape.outputs)),
            }
        )

    def features(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, t, inputs) and (b, static) to (b, t, hidden)."""
        hidden: Tensor = self.parts["recurrent"](x, static, self.parts["gate"])
        return hidden


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`."""
    return EntityAware(shape, **{**DEFAULTS, **settings})
