"""Raw files of household meters, made by hand, and what readers make of them."""

from collections import Counter

import numpy as np
from landbridge.domains.smart_meters.readers import READERS

START = 1_400_025_600  # 2014-05-14T00:00:00 UTC, a multiple of a day
REFIT_HEADER = "Time,Unix,Aggregate," + ",".join(f"Appliance{number}" for number in range(1, 10)) + ",Issues"


def read(reader, folder, **settings):
    counts = Counter()
    return {unit.name: unit for unit in READERS[reader](folder, settings, counts=counts)}, counts


def lines_of(rows, eol="\n"):
    return "".join(f"{int(time)} {watts:g}{eol}" for time, watts in rows).encode()


def write_house(folder, number, labels, channels, name="house_{}"):
    """A house with `labels`, a text or a dict, and channels: number to bytes or to rows of time and W."""
    house = folder / name.format(number)
    house.mkdir(parents=True, exist_ok=True)
    if isinstance(labels, dict):
        labels = "".join(f"{channel} {label}\n" for channel, label in labels.items())
    if labels is not None:
        (house / "labels.dat").write_text(labels)
    for channel, rows in channels.items():
        data = rows if isinstance(rows, bytes) else lines_of(rows)
        (house / f"channel_{channel}.dat").write_bytes(data)
    return folder


def steady(watts, seconds, start=START, period=10):
    return [(start + second, watts) for second in range(0, seconds, period)]


def refit_row(time, mains, issues=0, **appliances):
    text = str(np.datetime64(int(time), "s")).replace("T", " ")
    powers = [appliances.get(f"a{number}", 0) for number in range(1, 10)]
    return ",".join(str(field) for field in (text, int(time), mains, *powers, issues))


def write_refit(folder, number, rows, name="CLEAN_House{}.csv", eol="\n", header=REFIT_HEADER):
    data = rows if isinstance(rows, bytes) else "".join(f"{row}{eol}" for row in (header, *rows)).encode()
    (folder / name.format(number)).write_bytes(data)
    return folder


def equal_units(one, other):
    assert one.name == other.name
    assert one.static == other.static
    np.testing.assert_array_equal(one.time, other.time)
    assert list(one.values) == list(other.values)
    for name in one.values:
        np.testing.assert_array_equal(one.values[name], other.values[name], err_msg=name)
