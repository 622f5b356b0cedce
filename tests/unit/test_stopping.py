"""Signals end a process at once, or where a block that is held asks."""

import os
import signal

import pytest
from landbridge import stopping


def tell(number=signal.SIGTERM):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_raises_at_once_and_no_handler_of_faults_sees_it(listening, number, status):
    def work():
        try:
            tell(number)
        except Exception:
            pytest.fail("a signal is no fault")

    with pytest.raises(stopping.Stopped) as told:
        work()
    assert told.value.status == status


def test_a_block_that_is_held_ends_where_it_asks(listening):
    done = []

    def work():
        with stopping.held():
            tell()
            done.append("the step")
            stopping.check()
            done.append("the next")

    with pytest.raises(stopping.Stopped):
        work()
    assert done == ["the step"]


def test_a_block_that_never_asks_ends_when_it_is_done(listening):
    done = []

    def work():
        with stopping.held(), stopping.held():
            tell()
            done.append("all of it")
        done.append("more")

    with pytest.raises(stopping.Stopped):
        work()
    assert done == ["all of it"]
