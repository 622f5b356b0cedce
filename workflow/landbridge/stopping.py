"""An orderly end: what SIGTERM, which schedulers send before they kill a job, and SIGINT, from a keyboard, lead to.

Both raise `Stopped` wherever the process is, but for blocks that are `held`: those ask by `check`, at places where
their state is whole and can be kept.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_told: int | None = None  # signal that came
_held = 0  # blocks that are open


class Stopped(BaseException):
    """The process was told to end; no `Exception`, since what handles faults must not swallow it.

    Attributes:
        status: exit status, by the shell's custom 128 and the number of the signal: a failure, so it leads to a retry.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number


def listen() -> None:
    """From now on both signals raise `Stopped`; one that came before is forgotten."""
    global _told
    _told = None
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _hear)


def _hear(number: int, frame: FrameType | None) -> None:
    global _told
    _told = number
    if not _held:
        raise Stopped(number)


@contextmanager
def held() -> Iterator[None]:
    """While the block runs a signal waits for `check`, or for the block's end."""
    global _held
    _held += 1
    try:
        yield
    finally:
        _held -= 1
    if not _held:
        check()


def check() -> None:
    """Raise `Stopped` if a signal has come."""
    if _told is not None:
        raise Stopped(_told)
