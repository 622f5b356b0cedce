"""Sizes of networks; apart from these, so that what trains none can do without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """Sizes that a network is built for.

    Attributes:
        inputs: features of each step of a series, or bands of a chip.
        static: numbers that describe the unit, one-hot classes included.
        outputs: targets of a regression, or classes.
        length: steps of a window, or pixels along a chip's side.
        support: windows of the same unit that come beside the window to predict; see `Samples`.
        scored: steps of a window that are compared with labels.
        lookahead: steps of a window after those.
        groups: groups of the source that the network may tell apart in training.
    """

    inputs: int
    static: int
    outputs: int
    length: int
    support: int = 0
    scored: int = 1
    lookahead: int = 0
    groups: int = 0

    @property
    def field(self) -> int:
        """Steps that every scored step has around it inside a window: `lookahead` after it and the rest before."""
        return self.length - self.scored + 1
