"""NetCDF files: round trips, equal bytes, and what other programs of the field say of them."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from landbridge.contract import ContractError, Unit
from landbridge.io import mapped, netcdf, series

from tests import synthetic

ROOT = Path(__file__).resolve().parents[3]


def same(first, second):
    assert list(first.variables) == list(second.variables)
    for name, variable in first.variables.items():
        np.testing.assert_array_equal(variable.values, second[name])
        assert variable.dimensions == second.variables[name].dimensions
        assert set(variable.attributes) <= set(second.variables[name].attributes)


def test_round_trip(tmp_path):
    dataset = synthetic.dataset()
    netcdf.write(tmp_path / "a.nc", dataset)
    same(dataset, netcdf.read(tmp_path / "a.nc"))


def test_a_part_of_a_file(tmp_path):
    netcdf.write(tmp_path / "a.nc", synthetic.dataset())
    assert list(netcdf.read(tmp_path / "a.nc", ["b"]).variables) == ["b"]
    with pytest.raises(ContractError, match="no variable z"):
        netcdf.read(tmp_path / "a.nc", ["z"])


@pytest.mark.parametrize("task", ["regression", "classification", "segmentation"])
def test_equal_bytes_from_process_to_process(tmp_path, task):
    code = f"from tests import synthetic; import sys; synthetic.write(sys.argv[1], '{task}')"
    digests = set()
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.nc"
        environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}", "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=True)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_what_is_no_netcdf_file_is_refused(tmp_path):
    (tmp_path / "a.nc").write_text("hello")
    with pytest.raises(ContractError, match="not a readable NetCDF file"):
        netcdf.read(tmp_path / "a.nc")
    with pytest.raises(ContractError, match="not a readable NetCDF file"):
        netcdf.read(tmp_path / "none.nc")


def write_unit(path, **changes):
    unit = {
        "name": "u",
        "time": np.datetime64("2020-01-01") + np.arange(3),
        "values": {"a": np.zeros(3, np.float32)},
        "static": {"site": "s"},
        **changes,
    }
    with series.SeriesWriter(path, synthetic.DESCRIBED, synthetic.ATTRIBUTES) as writer:
        writer.add(Unit(**unit))
        return writer


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"values": {"zz": np.zeros(3)}}, "unit u: zz not described; add them to `variables:`"),
        (
            {"time": np.array(["2020-01-01", "2020-01-03", "2020-01-02"], "datetime64[D]")},
            "time does not increase at 2020-01-02",
        ),
        ({"time": np.array(["2020-01-01", "2020-01-01", "2020-01-02"], "datetime64[D]")}, "remove repeated times"),
        ({"values": {"a": np.zeros(2)}}, "a has 2 values for 3 times"),
    ],
)
def test_a_reader_that_yields_nonsense_is_told_so(tmp_path, changes, text):
    with pytest.raises(ContractError, match=text):
        write_unit(tmp_path / "a.nc", **changes)


def test_no_unit_at_all(tmp_path):
    with (
        pytest.raises(ContractError, match="the reader gave no unit"),
        series.SeriesWriter(tmp_path / "a.nc", synthetic.DESCRIBED, synthetic.ATTRIBUTES),
    ):
        pass


def test_xarray_and_cf_xarray_understand_a_series(tmp_path):
    import cf_xarray  # noqa: F401
    import xarray

    synthetic.write(tmp_path / "a.nc", "regression")
    with xarray.open_dataset(tmp_path / "a.nc") as opened:
        assert opened.cf.cf_roles == {"timeseries_id": ["unit_name"]}
        assert "time" in opened.cf.standard_names
        assert opened.attrs["featureType"] == "timeSeries"
        assert opened.row_size.attrs["sample_dimension"] == "obs"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_compliance_checker_has_no_high_priority_finding(tmp_path):
    from compliance_checker.runner import CheckSuite, ComplianceChecker

    synthetic.write(tmp_path / "a.nc", "regression")
    suite = CheckSuite()
    suite.load_all_available_checkers()
    out = tmp_path / "out.json"
    ComplianceChecker.run_checker(
        str(tmp_path / "a.nc"),
        ["cf:1.11"],
        verbose=0,
        criteria="lenient",
        output_filename=str(out),
        output_format="json",
    )
    report = json.loads(out.read_text())["cf:1.11"]
    high = [message for item in report["high_priorities"] for message in item["msgs"]]
    assert high == []


def filters_of(path):
    import netCDF4

    with netCDF4.Dataset(path) as handle:
        return {name: handle[name].filters() for name in handle.variables if handle[name].dtype is not str}


@pytest.mark.parametrize("writer", ["series", "dataset"])
def test_what_packing_hardly_shrinks_is_stored_as_it_is(tmp_path, writer):
    rows = 4 * netcdf.SAMPLE + 1000
    noise = np.random.default_rng(1).uniform(0.5, 1.5, rows).astype(np.float32)
    time = np.datetime64("1000-01-01") + np.arange(rows)
    unit = Unit("u", time, {"a": noise, "b": np.round(noise, 1)}, {"site": "g"})
    with series.SeriesWriter(tmp_path / "series.nc", synthetic.DESCRIBED, synthetic.ATTRIBUTES) as streamed:
        streamed.add(unit)
    found = netcdf.read(tmp_path / "series.nc")
    netcdf.write(tmp_path / "dataset.nc", found)
    for name, expected in (("time", True), ("a", False), ("b", True)):
        assert filters_of(tmp_path / f"{writer}.nc")[name]["zlib"] is expected, name
    np.testing.assert_array_equal(netcdf.read(tmp_path / f"{writer}.nc")["a"], noise)
    size = (tmp_path / f"{writer}.nc").stat().st_size
    assert noise.nbytes < size < 2 * noise.nbytes  # of 4 without packing


def test_small_variables_are_packed_whatever_they_hold():
    noise = np.random.default_rng(1).random(netcdf.SAMPLE)
    assert netcdf.worth_packing(noise[:-1])
    assert not netcdf.worth_packing(noise)
    assert netcdf.worth_packing(np.where(np.arange(netcdf.SAMPLE) < netcdf.SAMPLE // 2, noise, np.nan))
    assert not netcdf.worth_packing(noise.reshape(2, -1))


@pytest.mark.parametrize("task", ["regression", "classification", "segmentation"])
def test_numbers_that_are_unpacked_into_files_are_the_same(tmp_path, monkeypatch, task):
    monkeypatch.setattr(mapped, "LEAST", 1)
    monkeypatch.setattr(mapped, "BLOCK", 100)
    synthetic.write(tmp_path / "a.nc", task)
    netcdf.write(tmp_path / "b.nc", netcdf.read(tmp_path / "a.nc"))
    for path in (tmp_path / "a.nc", tmp_path / "b.nc"):
        held, in_files = netcdf.read(path), netcdf.read(path, in_files=True)
        same(held, in_files)
        numbers = [variable.values for variable in in_files.variables.values() if variable.values.dtype.kind != "U"]
        assert all(mapped.is_mapped(values) for values in numbers)
        assert netcdf.unpacked_bytes(path) == sum(values.nbytes for values in numbers)
        assert not any(mapped.is_mapped(variable.values) for variable in held.variables.values())
