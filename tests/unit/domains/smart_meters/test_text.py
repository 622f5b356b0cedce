"""Tables of text: what becomes of every kind of broken line."""

import gzip
import io
from collections import Counter

import numpy as np
import pytest
from landbridge.domains.smart_meters import text
from landbridge.domains.smart_meters.channels import LAYOUT
from landbridge.stage import StageError

CLOCK = text.Layout(("Time", "A", "B"), "Time", ("B", "A"), clock=True, header="Time,A,B")
CUT = "dropped: last line, cut"


def read(data, layout=LAYOUT, line=1):
    counts = Counter()
    batches = list(text.read_batches(io.BytesIO(data), "file", layout, line, counts))
    if not batches:
        return [], [], [], counts
    time = np.concatenate([batch.time for batch in batches])
    values = np.concatenate([batch.values for batch in batches], axis=1)
    lines = np.concatenate([batch.lines for batch in batches])
    return lines.tolist(), time.tolist(), values.tolist(), counts


ROWS = b"10 1.5\n20 2\n30 3\n"
READ = ([1, 2, 3], [10, 20, 30], [[1.5, 2, 3]])


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        b"10 1.5\r\n20 2\r\n30 3\r\n",
        b"10 1.5\n20 2\r\n30 3\n",
        b"10 1.5 \n20   2\n30\t3\n",
    ],
)
def test_line_ends_and_blanks(data):
    assert read(data)[:3] == READ


def test_a_lone_carriage_return_among_others_ends_a_line():
    lines, time, values, _ = read(b"10 1.5\r20 2\n30 3\n")
    assert (lines, time, values) == ([1, 1, 2], *READ[1:])


def test_carriage_returns_alone_are_refused():
    with pytest.raises(StageError, match="line feed"):
        read(b"10 1.5\r20 2\r30 3\r")


def test_blank_lines_keep_the_numbers_of_lines():
    assert read(b"10 1.5\n\n20 2\n30 3\n")[0] == [1, 3, 4]


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_last_line_without_its_end_is_dropped(cut):
    *found, counts = read(ROWS + b"40 4\n"[:-cut])
    assert tuple(found) == READ
    assert counts[CUT] == 1


@pytest.mark.parametrize("last", [b"40\n", b"4x 4\n", b"40 \n", b"40 4 4\n", b"40 x\n"])
def test_a_broken_last_line_is_dropped_and_one_before_is_refused(last):
    *found, counts = read(ROWS + last)
    assert tuple(found) == READ
    assert counts[CUT] == 1
    with pytest.raises(StageError, match=r"file, line 4: '4.*2 fields are wanted: time, power"):
        read(ROWS + last + ROWS)
    with pytest.raises(StageError, match="file, line 4"):
        read(ROWS + last + b"50")  # the line after it is cut, so it is not the last


def test_a_header_that_comes_again_is_counted():
    data = b"2014-01-01 00:00:00,1,2\nTime,A,B\n2014-01-01 00:01:00,,4\n"
    lines, time, values, counts = read(data, CLOCK, 2)
    assert lines == [2, 4]
    assert np.diff(time).tolist() == [60]
    np.testing.assert_array_equal(values, [[2, 4], [1, np.nan]])
    assert counts["dropped: header line that comes again"] == 1


@pytest.mark.parametrize("stamp", ["2014-13-01 00:00:00", "2014-01", "noon"])
def test_a_time_that_is_none(stamp):
    with pytest.raises(StageError, match="file, line 2"):
        read(f"{stamp},1,2\n2014-01-01 00:00:00,1,2\n".encode(), CLOCK, 2)


def test_both_ways_give_the_same_whatever_the_block(monkeypatch):
    random = np.random.default_rng(1)
    data = b"".join(b"%d %.2f\n" % (time, watts) for time, watts in enumerate(random.uniform(0, 3000, 500)))
    whole = read(data)
    assert whole[:3] == read(data + b"\n")[:3]  # a blank line sends it the slow way
    for block in (20, 64, 1000):
        monkeypatch.setattr(text, "BLOCK", block)
        assert read(data)[:3] == whole[:3]
    with pytest.raises(StageError, match="line 501: 'x'"):
        read(data + b"x\n" + data)


def test_a_line_without_end_is_refused_before_it_fills_memory(monkeypatch):
    monkeypatch.setattr(text, "BLOCK", 64)
    with pytest.raises(StageError, match="line 1: has more than"):
        read(b"1" * 1000)


def test_a_damaged_archive_is_refused():
    data = gzip.compress(ROWS * 1000)[:-20]
    with gzip.open(io.BytesIO(data)) as handle, pytest.raises(StageError, match="file: can't be unpacked"):
        list(text.read_batches(handle, "file", LAYOUT, 1, Counter()))


def test_an_empty_file():
    assert read(b"")[:3] == ([], [], [])
