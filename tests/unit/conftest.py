"""Signals, as a job hears them."""

import signal

import pytest
from landbridge import stopping


@pytest.fixture
def listening():
    """SIGTERM and SIGINT lead to an orderly end, as in a job; afterwards to what they led to before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    stopping.listen()
    yield
    stopping.listen()  # forgets what came
    for number, handler in before.items():
        signal.signal(number, handler)
