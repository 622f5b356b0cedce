"""The truth of twins beside raw files: aligned with the steps of units, and refused where it is something else."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from landbridge.domains.smart_meters.appliances import APPLIANCES
from landbridge.stage import StageError

from tests.unit.domains.smart_meters.made import START, read, refit_row, write_refit


def write_truth(folder, **columns):
    pa.parquet.write_table(pa.table(columns), folder / "truth.parquet")


def table(homes=(2, 5), bins=60, start=START):
    count = len(homes) * bins
    time = np.tile(start + 10 * np.arange(bins), len(homes))
    power = {name: np.full(count, 10.0, np.float32) for name in APPLIANCES}
    power["fridge"] = (np.repeat(homes, bins) * 100 + np.arange(count) % bins // 6).astype(np.float32)
    power["kettle"] = np.full(count, np.nan, np.float32)
    return {"home": np.repeat(homes, bins), "time": time, **power}


def write_home(folder, number=2):
    rows = [refit_row(START + second, 500) for second in range(0, 900, 10)]
    return write_refit(folder, number, rows)


def test_means_of_the_steps_of_a_home(tmp_path):
    columns = table()
    columns["microwave"][[6, 12, 13]] = np.nan
    write_truth(write_home(write_home(tmp_path), 5), **columns)
    found, _ = read("refit", tmp_path)
    two, five = found["refit_2"].values, found["refit_5"].values
    assert list(two)[-5:] == [f"{name}_truth" for name in APPLIANCES]
    np.testing.assert_array_equal(two["fridge_truth"], [*(200 + minute for minute in range(10)), *[np.nan] * 6])
    np.testing.assert_array_equal(five["fridge_truth"][:10], 500 + np.arange(10))
    assert np.isnan(two["kettle_truth"]).all()
    np.testing.assert_array_equal(two["microwave_truth"][:4], [10, 10, np.nan, 10])
    assert two["fridge_truth"].dtype == np.float32


def test_real_data_have_none(tmp_path):
    found, _ = read("refit", write_home(tmp_path))
    assert not any(name.endswith("_truth") for name in found["refit_2"].values)


def test_what_cannot_be_used(tmp_path):
    write_home(tmp_path)
    (tmp_path / "truth.parquet").write_bytes(b"no")
    with pytest.raises(StageError, match=r"truth.parquet: is no Parquet file"):
        read("refit", tmp_path)
    columns = table()
    write_truth(tmp_path, **columns)
    with pytest.raises(StageError, match=r"step is 6; with truth.parquet write a multiple of 10 s"):
        read("refit", tmp_path, step=6, fine=6)
    del columns["fridge"]
    write_truth(tmp_path, **columns)
    with pytest.raises(StageError, match=r"truth.parquet: no column fridge"):
        read("refit", tmp_path)
