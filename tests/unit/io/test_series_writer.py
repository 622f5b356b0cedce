"""The writer of series: what is added comes back, whatever the chunks; repeats and mixed kinds are refused."""

import json
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from landbridge.contract import ContractError, Unit
from landbridge.io import netcdf, series
from landbridge.prepare import harmonise
from landbridge.stage import Job

from tests import synthetic

DESCRIBED = {
    **synthetic.DESCRIBED,
    "mode_detail": {"role": "target", "dimension": "unit", "long_name": "class as published"},
    "count": {"role": "static", "dimension": "unit", "dtype": "uint8", "long_name": "a whole number"},
    "far": {"role": "input", "dimension": "obs", "dtype": "float64", "units": "degree", "long_name": "a place"},
}


def unit(number, rows=None, **changes):
    random = np.random.default_rng(number)
    rows = int(random.integers(0, 9)) if rows is None else rows
    time = np.datetime64("2020-01-01T00:00:00.001") + np.cumsum(random.integers(1, 5000, rows)).astype(
        "timedelta64[ms]"
    )
    values = {"a": random.normal(size=rows), "far": random.normal(size=rows)}
    static = {"mode_detail": "" if number % 5 == 0 else f"kind {number % 3}", "count": number % 256}
    return Unit(**{"name": f"u{number}", "time": time, "values": values, "static": static, **changes})


def write(path, units, **options):
    with series.SeriesWriter(path, DESCRIBED, synthetic.ATTRIBUTES, time_unit="milliseconds", **options) as writer:
        for one in units:
            writer.add(one)
    return writer


@pytest.mark.parametrize(("chunk", "units"), [(65536, 8192), (7, 3), (1, 1), (64, 50)])
def test_what_is_added_comes_back_whatever_the_chunks(tmp_path, monkeypatch, chunk, units):
    monkeypatch.setattr(series, "CHUNK", chunk)
    monkeypatch.setattr(series, "UNITS", units)
    added = [unit(number) for number in range(50)]
    writer = write(tmp_path / "a.nc", added)
    found = netcdf.read(tmp_path / "a.nc")
    assert found["unit_name"].tolist() == [one.name for one in added]
    assert found["row_size"].tolist() == [len(one.time) for one in added]
    assert found["mode_detail"].tolist() == [one.static["mode_detail"] for one in added]
    assert found["count"].tolist() == [one.static["count"] for one in added]
    assert found["count"].dtype == np.uint8
    np.testing.assert_array_equal(found["far"], np.concatenate([one.values["far"] for one in added]))
    np.testing.assert_array_equal(found["a"], np.concatenate([one.values["a"] for one in added]).astype(np.float32))
    time = np.concatenate([one.time for one in added])
    np.testing.assert_array_equal(found["time"].astype("datetime64[ms]"), time)
    assert found.variables["time"].attributes["units"] == "milliseconds since 1970-01-01"
    assert (writer.units, writer.count) == (50, len(time))


def test_one_unit_that_is_longer_than_many_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(series, "CHUNK", 16)
    added = [unit(1, rows=5), unit(2, rows=1000), unit(3, rows=5)]
    write(tmp_path / "a.nc", added)
    np.testing.assert_array_equal(
        netcdf.read(tmp_path / "a.nc")["far"], np.concatenate([one.values["far"] for one in added])
    )


def test_an_array_that_the_reader_uses_again_is_not_changed_in_the_file(tmp_path):
    block = np.zeros(3)
    time = np.datetime64("2020-01-01T00:00:00.000") + np.arange(3)
    with series.SeriesWriter(tmp_path / "a.nc", DESCRIBED, synthetic.ATTRIBUTES, time_unit="milliseconds") as writer:
        for number in range(3):
            block[:] = number
            writer.add(Unit(f"u{number}", time, {"a": block}, {"count": number}))
    assert netcdf.read(tmp_path / "a.nc")["a"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("units", [8192, 2, 1])
@pytest.mark.parametrize("at", [0, 3, 5])
def test_a_name_that_comes_twice_is_refused(tmp_path, monkeypatch, units, at):
    monkeypatch.setattr(series, "UNITS", units)
    with pytest.raises(ContractError, match=f"unit u{at} comes twice"):
        write(tmp_path / "a.nc", [*(unit(number) for number in range(6)), unit(at)])


def test_names_of_equal_hash_are_no_repeat(tmp_path, monkeypatch):
    monkeypatch.setattr(series, "UNITS", 2)
    monkeypatch.setattr(series, "hash", lambda name: 1, raising=False)
    write(tmp_path / "a.nc", [unit(number) for number in range(5)])
    assert len(netcdf.read(tmp_path / "a.nc")["unit_name"]) == 5


@pytest.mark.parametrize(
    ("static", "text"),
    [
        ({"mode_detail": "", "count": "3"}, "unit u1: count is text, that of the first unit is a number"),
        ({"mode_detail": 1.0, "count": 3}, "unit u1: mode_detail is a number, that of the first unit is text"),
        ({"count": 3}, "the first unit had"),
    ],
)
def test_static_values_are_of_one_kind(tmp_path, static, text):
    with pytest.raises(ContractError, match=text):
        write(tmp_path / "a.nc", [unit(0), unit(1, static=static)])


def test_times_that_differ_by_less_than_the_unit_are_refused(tmp_path):
    time = np.array(["2020-01-01T00:00:00.100", "2020-01-01T00:00:00.900"], "datetime64[ms]")
    one = Unit("u", time, {"a": np.zeros(2)}, {"count": 1})
    write(tmp_path / "a.nc", [one])
    with (
        pytest.raises(ContractError, match="time does not increase"),
        series.SeriesWriter(tmp_path / "b.nc", DESCRIBED, synthetic.ATTRIBUTES, time_unit="seconds") as writer,
    ):
        writer.add(one)


def test_harmonise_writes_what_the_reader_counted(tmp_path):
    def read(folder, settings, *, counts):
        for number in range(3):
            counts["places"] += 1
            counts["dropped: too short"] += number
            yield unit(number, rows=number + 1)

    class Loaded(Job):
        def load(self, role):
            return SimpleNamespace(READERS={"places": read})

    manifest = {"files": [], "version": "1", "citation": "", "license": "CC0-1.0", "dataset": "d"}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    settings = {
        "dataset": "d",
        "title": "D",
        "reader": "places",
        "reader_settings": {},
        "step": "irregular",
        "kind": "series",
        "feature_type": "trajectory",
        "variables": DESCRIBED,
        "code": "c",
        "raw": str(tmp_path),
    }
    outputs = {"dataset": tmp_path / "d.nc", "counts": tmp_path / "d.json"}
    harmonise.run(Loaded("harmonise", {"manifest": tmp_path / "manifest.json"}, outputs, settings))
    found = json.loads((tmp_path / "d.json").read_text())
    assert found == {"units": 3, "observations": 6, "counts": {"places": 3, "dropped: too short": 3}}
    assert (tmp_path / "d.json").read_text() == json.dumps(found, indent=1, sort_keys=True) + "\n"
    dataset = netcdf.read(tmp_path / "d.nc")
    assert dataset.variables["time"].attributes["units"] == "milliseconds since 1970-01-01"
    assert dataset.attributes["featureType"] == "trajectory"
    assert Counter(dataset["row_size"].tolist()) == Counter([1, 2, 3])


def test_the_flags_of_a_class_have_the_type_of_its_values(tmp_path):
    static = {"mode": 2.0, "count": 1}
    with series.SeriesWriter(tmp_path / "a.nc", DESCRIBED, synthetic.ATTRIBUTES, time_unit="milliseconds") as writer:
        writer.add(unit(1, static=static))
    found = netcdf.read(tmp_path / "a.nc").variables["mode"]
    assert found.values.dtype == found.attributes["flag_values"].dtype == np.uint8
