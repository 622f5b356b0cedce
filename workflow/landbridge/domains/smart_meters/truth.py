"""What a twin knows of its homes and no meter shows: the mean power of each appliance in bins of 10 s."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from landbridge.domains.smart_meters.appliances import APPLIANCES
from landbridge.domains.smart_meters.grid import ENOUGH, bin_means
from landbridge.stage import StageError

FILE = "truth.parquet"
BIN = 10  # s
COLUMNS = ("home", "time", *APPLIANCES)


class Truth:
    """The truth of a dataset: home (number), time (UTC s, left edge of the bin), W of each appliance, float32.

    Raises:
        StageError: the file is not what it should be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            names = pa.parquet.read_schema(path).names
        except (pa.ArrowInvalid, OSError) as error:
            raise StageError(f"{path}: is no Parquet file ({error}); write the twin anew") from error
        absent = [name for name in COLUMNS if name not in names]
        if absent:
            raise StageError(f"{path}: no column {', '.join(absent)}; its columns are {', '.join(COLUMNS)}")

    def of(self, home: str, time: np.ndarray, step: int) -> dict[str, np.ndarray]:
        """Mean W of each appliance in steps, float32 (n,); NaN where under 80 % of a step's bins are known.

        Args:
            home: name that ends in an underscore and the number of the home.
            time: (n,) UTC s, increasing, left edges of the steps.
            step: s, a multiple of 10.
        """
        if step % BIN:
            raise StageError(f"reader_settings: step is {step}; with {self.path.name} write a multiple of {BIN} s")
        number = int(home.rsplit("_", 1)[-1])
        table = pa.parquet.read_table(self.path, columns=list(COLUMNS[1:]), filters=[("home", "=", number)])
        own = table.column("time").to_numpy() // step * step
        place = np.searchsorted(time, own)
        inside = place < len(time)
        inside[inside] = time[place[inside]] == own[inside]
        place = place[inside]
        found = {}
        for name in APPLIANCES:
            power = table.column(name).to_numpy()[inside]
            known = np.bincount(place[~np.isnan(power)], minlength=len(time))
            mean = bin_means(place, power, len(time))
            found[name] = np.where(known >= ENOUGH * step / BIN - 1e-9, mean, np.nan).astype(np.float32)
        return found


def truth_of(folder: Path) -> Truth | None:
    """The truth beside a dataset's raw files; None where there is none, as with real data."""
    return Truth(folder / FILE) if (folder / FILE).is_file() else None
