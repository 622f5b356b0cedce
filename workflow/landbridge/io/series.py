"""Series written unit by unit, as readers give them: contiguous ragged arrays of any length in little memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import netCDF4
import numpy as np

from landbridge.contract import TIME_UNITS, ContractError, Unit
from landbridge.io import netcdf

CHUNK = 65536  # observations in a chunk of a streamed file: large enough to read fast, small enough to write in turn
UNITS = 8192  # units whose names and static values are written in one go
NO_TIME = np.zeros(0, "datetime64[D]")
TIME_ATTRIBUTES = {
    "standard_name": "time",
    "long_name": "time",
    "calendar": "standard",
    "axis": "T",
}


PLACES = ("lat", "lon", "latitude", "longitude")  # variables that CF counts among the coordinates of the others


class Pending:
    """Rows of one variable that wait until they fill a whole chunk, so that HDF5 packs each chunk once.

    Args:
        create: makes the variable in the file, from the first rows that are written.
        dtype: of the rows.
        whole: rows that are written at a time.

    Attributes:
        waiting: (whole,) the first `rows` of it wait.
        written: rows that are in the file.
    """

    def __init__(self, create: Callable[[np.ndarray], netCDF4.Variable], dtype: np.dtype[Any], whole: int) -> None:
        self.create = create
        self.waiting = np.empty(whole, dtype)
        self.rows = self.written = 0

    def open(self) -> None:
        """Make the variable now, if it is not there."""
        _ = self.variable

    @cached_property
    def variable(self) -> netCDF4.Variable:
        """The variable, made when it is asked for first."""
        return self.create(self.waiting[: self.rows])

    def add(self, values: np.ndarray) -> None:
        """Append rows, copied; what fills a whole chunk is written."""
        start, whole = 0, len(self.waiting)
        while start < len(values):
            stop = min(start + whole - self.rows, len(values))
            self.waiting[self.rows : self.rows + stop - start] = values[start:stop]
            self.rows += stop - start
            start = stop
            if self.rows == whole:
                self.write()

    def write(self) -> None:
        """Write what waits."""
        if self.rows:
            self.variable[self.written : self.written + self.rows] = self.waiting[: self.rows]
            self.written += self.rows
            self.rows = 0


class SeriesWriter:
    """Writes units one by one as a contiguous ragged array; its memory is that of one unit and a chunk.

    Args:
        path: file to write.
        variables: CF attributes by canonical name, with `dimension` ("obs" or "unit") and `role`.
        attributes: global attributes.
        time_unit: "days", "seconds" or "milliseconds".
        trajectory: units are trajectories, not stations.

    Attributes:
        units, count: units and observations added so far.
    """

    def __init__(
        self,
        path: Path,
        variables: Mapping[str, Mapping[str, Any]],
        attributes: Mapping[str, Any],
        *,
        time_unit: str = "days",
        trajectory: bool = False,
    ) -> None:
        self.path = path
        self.described = variables
        self.time_unit = time_unit
        self.handle = netCDF4.Dataset(path, "w", format="NETCDF4")
        feature = "trajectory" if trajectory else "timeSeries"
        netcdf.write_attributes(self.handle, {**attributes, "featureType": feature, "kind": "series"})
        self.trajectory = trajectory
        self.handle.createDimension("unit", None)
        self.handle.createDimension("obs", None)
        self.observed: dict[str, Pending] = {}  # on obs, by name
        self.fixed: dict[str, Pending] = {}  # on unit, by name
        self.waiting: list[Unit] = []  # units without their observations, whose rows on unit are not yet handed on
        self.sizes: list[int] = []  # of the same units
        self.columns: list[str] = []
        self.statics: list[str] = []
        self.known: set[str] = set()  # names of variables that are described
        self.seen = np.zeros(0, np.int64)  # sorted hashes of the names of units handed on
        self.units = self.count = 0

    def __enter__(self) -> SeriesWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self.handle.close()

    def add(self, unit: Unit) -> None:
        """Append one unit. A name that comes twice is seen when some thousand units are handed on, or at the end.

        Raises:
            ContractError: a variable that is not described, a name twice, lengths that differ, or time that does
                not increase.
        """
        if not self.known.issuperset(unit.values) or not self.known.issuperset(unit.static):
            self._know(unit)
        time = unit.time.astype(f"datetime64[{TIME_UNITS[self.time_unit][0]}]").astype(np.int64)
        increases = time[1:] > time[:-1]
        if not increases.all():
            at = unit.time[1:][~increases][0]
            raise ContractError(f"unit {unit.name}: time does not increase at {at}; sort it and remove repeated times")
        if not self.observed:
            self._declare(unit)
        if list(unit.values) != self.columns:
            raise ContractError(f"unit {unit.name} has {list(unit.values)}, the first unit had {self.columns}")
        if list(unit.static) != self.statics:
            raise ContractError(f"unit {unit.name} has {list(unit.static)}, the first unit had {self.statics}")
        for name, values in unit.values.items():
            if len(values) != len(time):
                raise ContractError(f"unit {unit.name}: {name} has {len(values)} values for {len(time)} times")
        self.observed["time"].add(time)
        for name, values in unit.values.items():
            self.observed[name].add(values)
        self.waiting.append(Unit(unit.name, NO_TIME, {}, unit.static))
        self.sizes.append(len(time))
        self.count += len(time)
        self.units += 1
        if len(self.waiting) == UNITS:
            self._hand_on()

    def _know(self, unit: Unit) -> None:
        names = [*unit.values, *unit.static]
        undescribed = [name for name in names if netcdf.description_of(name, self.described) is None]
        if undescribed:
            raise ContractError(
                f"unit {unit.name}: {', '.join(undescribed)} not described; add them to `variables:` of domain.yaml"
            )
        self.known.update(names)

    def _declare(self, unit: Unit) -> None:
        self.columns, self.statics = list(unit.values), list(unit.static)
        time = {"units": f"{self.time_unit} since 1970-01-01", **TIME_ATTRIBUTES}
        self._declare_observed("time", np.dtype(np.int64), time)
        for name in unit.values:
            described = netcdf.description_of(name, self.described) or {}
            dtype = np.dtype(described.get("dtype", "float32"))
            places = [place for place in PLACES if place != name and (place in unit.values or place in unit.static)]
            attributes = {**netcdf.cf_attributes(described), "coordinates": " ".join(["time", *places, "unit_name"])}
            self._declare_observed(name, dtype, attributes)
        role = "trajectory_id" if self.trajectory else "timeseries_id"
        self._declare_fixed(
            "unit_name", np.dtype(object), {"cf_role": role, "long_name": "name of the unit", "role": "index"}
        )
        sizes = {"long_name": "number of observations of the unit", "sample_dimension": "obs", "role": "index"}
        self._declare_fixed("row_size", np.dtype(np.int32), sizes)
        for name, value in unit.static.items():
            described = self.described[name]
            dtype = np.dtype(object) if isinstance(value, str) else np.dtype(described.get("dtype", "float32"))
            self._declare_fixed(name, dtype, netcdf.cf_attributes(described))

    def _declare_observed(self, name: str, dtype: np.dtype[Any], attributes: Mapping[str, Any]) -> None:
        def create(first: np.ndarray) -> netCDF4.Variable:
            packed = netcdf.worth_packing(first)
            return netcdf.create(self.handle, name, ("obs",), dtype, attributes, (CHUNK,), packed=packed)

        self.observed[name] = Pending(create, dtype, CHUNK)

    def _declare_fixed(self, name: str, dtype: np.dtype[Any], attributes: Mapping[str, Any]) -> None:
        if "flag_values" in attributes:  # which CF wants in the type of the variable
            attributes = {**attributes, "flag_values": np.asarray(attributes["flag_values"], dtype)}

        def create(first: np.ndarray) -> netCDF4.Variable:
            return netcdf.create(self.handle, name, ("unit",), dtype, attributes)

        self.fixed[name] = Pending(create, dtype, UNITS)

    def _hand_on(self) -> None:
        """Hand the rows on `unit` of the units that wait to their variables, which stand after those on `obs`."""
        for pending in (*self.observed.values(), *self.fixed.values()):
            pending.open()
        names = [unit.name for unit in self.waiting]
        self._refuse_repeats(names)
        self.fixed["unit_name"].add(np.asarray(names, object))
        self.fixed["row_size"].add(np.asarray(self.sizes))
        for name in self.statics:
            dtype = self.fixed[name].waiting.dtype
            text = dtype.kind == "O"
            for unit in self.waiting:
                if isinstance(unit.static[name], str) is not text:
                    kinds = ("text", "a number") if text else ("a number", "text")
                    raise ContractError(f"unit {unit.name}: {name} is {kinds[1]}, that of the first unit is {kinds[0]}")
            self.fixed[name].add(np.asarray([unit.static[name] for unit in self.waiting], dtype))
        self.waiting, self.sizes = [], []

    def _refuse_repeats(self, names: Sequence[str]) -> None:
        """Compare names with all before by hash, for a million names would fill memory; equal hashes are looked up."""
        hashes = np.array([hash(name) for name in names], np.int64)
        order = np.argsort(hashes, kind="stable")
        again = np.zeros(len(hashes), bool)
        again[order[1:]] = hashes[order[1:]] == hashes[order[:-1]]
        if len(self.seen):
            place = np.searchsorted(self.seen, hashes)
            again |= self.seen[np.minimum(place, len(self.seen) - 1)] == hashes
        for index in np.flatnonzero(again).tolist():
            before = self.fixed["unit_name"]
            earlier = {*names[:index], *before.waiting[: before.rows]}
            if names[index] in earlier or names[index] in before.variable[: before.written]:
                raise ContractError(f"unit {names[index]} comes twice; unit names must be unique inside a dataset")
        self.seen = np.sort(np.concatenate([self.seen, hashes]))

    def _finish(self) -> None:
        if not self.units:
            raise ContractError("the reader gave no unit; look at the raw files and at the reader's settings")
        self._hand_on()
        for pending in (*self.observed.values(), *self.fixed.values()):
            pending.write()
