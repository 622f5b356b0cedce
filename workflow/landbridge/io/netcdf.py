"""NetCDF-4 files to and from `Dataset`, checked against the contract on every write and every read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import netCDF4
import numpy as np

from landbridge.checks import check
from landbridge.contract import Chip, ContractError, Dataset, Unit, Variable

CHUNK = 65536  # observations in a chunk of a streamed file: large enough to read fast, small enough to write in turn
UNITS = 8192  # units whose names and static values are written in one go
NO_TIME = np.zeros(0, "datetime64[D]")
COMPRESSION: dict[str, Any] = {"zlib": True, "complevel": 1, "shuffle": True}


def read(path: Path, names: Sequence[str] | None = None) -> Dataset:
    """Read a file, or some of its variables, and check it.

    Args:
        path: a file of this project.
        names: variables to read; all if None. A part of a file is not checked.

    Raises:
        ContractError: no such file, not NetCDF, or a breach of the contract; the text names file and variable.
    """
    try:
        with netCDF4.Dataset(path) as handle:
            handle.set_auto_mask(False)
            handle.set_auto_scale(False)
            wanted = list(handle.variables) if names is None else list(names)
            absent = [name for name in wanted if name not in handle.variables]
            if absent:
                raise ContractError(f"{path}: no variable {', '.join(absent)}; it has {', '.join(handle.variables)}")
            variables = {name: _read_variable(handle.variables[name]) for name in wanted}
            attributes = {name: handle.getncattr(name) for name in handle.ncattrs()}
    except OSError as error:
        raise ContractError(f"{path}: not a readable NetCDF file ({error}); delete it and run again") from error
    dataset = Dataset(variables, attributes)
    if names is None:
        _check(path, dataset)
    return dataset


def _read_variable(variable: netCDF4.Variable) -> Variable:
    values = np.asarray(variable[...])
    if values.dtype == object:
        values = values.astype(str)
    attributes = {name: variable.getncattr(name) for name in variable.ncattrs() if name != "_FillValue"}
    return Variable(tuple(variable.dimensions), values, attributes)


def write(path: Path, dataset: Dataset) -> None:
    """Check a dataset and write it; equal datasets give equal bytes.

    Raises:
        ContractError: a breach of the contract.
    """
    _check(path, dataset)
    with netCDF4.Dataset(path, "w", format="NETCDF4") as handle:
        _write_attributes(handle, dataset.attributes)
        for dimension, length in dataset.sizes.items():
            handle.createDimension(dimension, length)
        for name, variable in dataset.variables.items():
            target = _create(handle, name, variable.dimensions, variable.values.dtype, variable.attributes)
            if variable.values.size:
                target[...] = variable.values.astype(object) if variable.values.dtype.kind in "UO" else variable.values


def _check(path: Path, dataset: Dataset) -> None:
    try:
        check(dataset)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from error


def _write_attributes(target: Any, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        target.setncattr(name, value)


def _create(
    handle: netCDF4.Dataset,
    name: str,
    dimensions: tuple[str, ...],
    dtype: np.dtype[Any],
    attributes: Mapping[str, Any],
    chunks: tuple[int, ...] | None = None,
) -> netCDF4.Variable:
    text = dtype.kind in "UO"
    options: dict[str, Any] = {} if text or not dimensions else dict(COMPRESSION)
    if dtype.kind == "f":
        options["fill_value"] = np.array(np.nan, dtype)
    if chunks is not None and not text:
        options["chunksizes"] = chunks
    variable = handle.createVariable(name, str if text else dtype, dimensions, **options)
    variable.set_auto_maskandscale(False)
    _write_attributes(variable, attributes)
    return variable


TIME_ATTRIBUTES = {
    "standard_name": "time",
    "long_name": "time",
    "calendar": "standard",
    "axis": "T",
}


PLACES = ("lat", "lon", "latitude", "longitude")  # variables that CF counts among the coordinates of the others
TICKS = {"days": "D", "seconds": "s", "milliseconds": "ms"}  # numpy's name of each time unit


class Pending:
    """Rows of one variable that wait until they fill whole chunks, so that HDF5 packs each chunk once."""

    def __init__(self, variable: netCDF4.Variable, whole: int) -> None:
        self.variable, self.whole = variable, whole
        self.dtype = object if variable.dtype is str else variable.dtype
        self.parts: list[np.ndarray] = []
        self.rows = self.written = 0

    def add(self, values: np.ndarray) -> None:
        """Append rows, copied; write what fills `whole` rows or a multiple."""
        self.parts.append(np.array(values, self.dtype))
        self.rows += len(values)
        if self.rows >= self.whole:
            self.write(self.rows - self.rows % self.whole)

    def write(self, rows: int) -> None:
        """Write the first `rows` of those that wait."""
        if not rows:
            return
        waiting = self.parts[0] if len(self.parts) == 1 else np.concatenate(self.parts)
        self.variable[self.written : self.written + rows] = waiting[:rows]
        self.written += rows
        self.parts = [waiting[rows:].copy()]  # a copy, or the rows that are written would stay in memory
        self.rows -= rows


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
        _write_attributes(self.handle, {**attributes, "featureType": feature, "kind": "series"})
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
        time = unit.time.astype(f"datetime64[{TICKS[self.time_unit]}]").astype(np.int64)
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
        undescribed = [name for name in names if description_of(name, self.described) is None]
        if undescribed:
            raise ContractError(
                f"unit {unit.name}: {', '.join(undescribed)} not described; add them to `variables:` of domain.yaml"
            )
        self.known.update(names)

    def _declare(self, unit: Unit) -> None:
        self.columns, self.statics = list(unit.values), list(unit.static)
        time = {"units": f"{self.time_unit} since 1970-01-01", **TIME_ATTRIBUTES}
        variable = _create(self.handle, "time", ("obs",), np.dtype(np.int64), time, (CHUNK,))
        self.observed["time"] = Pending(variable, CHUNK)
        for name in unit.values:
            described = description_of(name, self.described) or {}
            dtype = np.dtype(described.get("dtype", "float32"))
            places = [place for place in PLACES if place != name and (place in unit.values or place in unit.static)]
            attributes = {**cf_attributes(described), "coordinates": " ".join(["time", *places, "unit_name"])}
            self.observed[name] = Pending(_create(self.handle, name, ("obs",), dtype, attributes, (CHUNK,)), CHUNK)
        role = "trajectory_id" if self.trajectory else "timeseries_id"
        self._declare_fixed(
            "unit_name", np.dtype(object), {"cf_role": role, "long_name": "name of the unit", "role": "index"}
        )
        sizes = {"long_name": "number of observations of the unit", "sample_dimension": "obs", "role": "index"}
        self._declare_fixed("row_size", np.dtype(np.int32), sizes)
        for name, value in unit.static.items():
            described = self.described[name]
            dtype = np.dtype(object) if isinstance(value, str) else np.dtype(described.get("dtype", "float32"))
            self._declare_fixed(name, dtype, cf_attributes(described))

    def _declare_fixed(self, name: str, dtype: np.dtype[Any], attributes: Mapping[str, Any]) -> None:
        if "flag_values" in attributes:  # which CF wants in the type of the variable
            attributes = {**attributes, "flag_values": np.asarray(attributes["flag_values"], dtype)}
        self.fixed[name] = Pending(_create(self.handle, name, ("unit",), dtype, attributes), UNITS)

    def _hand_on(self) -> None:
        """Hand the rows on `unit` of the units that wait to their variables."""
        names = [unit.name for unit in self.waiting]
        self._refuse_repeats(names)
        self.fixed["unit_name"].add(np.asarray(names, object))
        self.fixed["row_size"].add(np.asarray(self.sizes))
        for name in self.statics:
            text = self.fixed[name].variable.dtype is str
            for unit in self.waiting:
                if isinstance(unit.static[name], str) is not text:
                    kinds = ("text", "a number") if text else ("a number", "text")
                    raise ContractError(f"unit {unit.name}: {name} is {kinds[1]}, that of the first unit is {kinds[0]}")
            self.fixed[name].add(np.asarray([unit.static[name] for unit in self.waiting], self.fixed[name].dtype))
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
            earlier = {*names[:index], *(name for part in before.parts for name in part)}
            if names[index] in earlier or names[index] in before.variable[: before.written]:
                raise ContractError(f"unit {names[index]} comes twice; unit names must be unique inside a dataset")
        self.seen = np.sort(np.concatenate([self.seen, hashes]))

    def _finish(self) -> None:
        if not self.units:
            raise ContractError("the reader gave no unit; look at the raw files and at the reader's settings")
        self._hand_on()
        for pending in (*self.observed.values(), *self.fixed.values()):
            pending.write(pending.rows)


def description_of(name: str, described: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Description of a variable: its own, or that of a pattern such as `era5_*`, whose long_name the name completes."""
    if name in described:
        return described[name]
    for pattern, description in described.items():
        if pattern.endswith("*") and name.startswith(pattern[:-1]):
            return {**description, "long_name": f"{description['long_name']} {name[len(pattern) - 1 :]}"}
    return None


def cf_attributes(description: Mapping[str, Any]) -> dict[str, Any]:
    """CF attributes of a variable from its description: what is not for this project's own use."""
    return {
        name: value for name, value in description.items() if name not in ("dimension", "dtype") and value is not None
    }


def write_chips(
    path: Path,
    chips: Iterable[Chip],
    bands: Sequence[str],
    described: Mapping[str, Mapping[str, Any]],
    attributes: Mapping[str, Any],
) -> None:
    """Write chips one by one; memory is that of one chip.

    Raises:
        ContractError: chips of different shapes, or none.
    """
    names: list[str] = []
    with netCDF4.Dataset(path, "w", format="NETCDF4") as handle:
        _write_attributes(handle, {**attributes, "kind": "chips"})
        shape: tuple[int, ...] = ()
        for number, chip in enumerate(chips):
            if number == 0:
                shape = chip.reflectance.shape
                _declare_chips(handle, chip, bands, described)
            if chip.reflectance.shape != shape:
                raise ContractError(f"chip {chip.name} has shape {chip.reflectance.shape}, the first had {shape}")
            names.append(chip.name)
            handle["unit_name"][number] = chip.name
            handle["reflectance"][number] = chip.reflectance
            handle["valid"][number] = chip.valid
            handle["label"][number] = chip.label
            handle["crs_wkt"][number] = chip.crs
            handle["transform"][number] = np.asarray(chip.transform, float)
            for name, value in chip.static.items():
                handle[name][number] = value
    if not names:
        raise ContractError("the reader gave no chip; look at the raw files and at the reader's settings")


def _declare_chips(
    handle: netCDF4.Dataset, chip: Chip, bands: Sequence[str], described: Mapping[str, Mapping[str, Any]]
) -> None:
    count, height, width = chip.reflectance.shape
    if len(bands) != count:
        raise ContractError(f"chip {chip.name} has {count} bands, and {len(bands)} names are given: {', '.join(bands)}")
    for dimension, length in {"unit": None, "band": count, "y": height, "x": width, "six": 6}.items():
        handle.createDimension(dimension, length)
    text, small = np.dtype(object), np.dtype(np.uint8)
    index = {"role": "index"}
    _create(
        handle, "unit_name", ("unit",), text, {"long_name": "name of the chip", "cf_role": "timeseries_id", **index}
    )
    _create(handle, "band_name", ("band",), text, {"long_name": "name of the band", **index})[:] = np.asarray(
        bands, object
    )
    spectrum = {
        "units": "1",
        "long_name": "surface reflectance",
        "standard_name": "surface_reflectance",
        "role": "input",
    }
    chunk = (1, count, height, width)
    _create(handle, "reflectance", ("unit", "band", "y", "x"), np.dtype(np.float32), spectrum, chunk)
    valid = {"long_name": "whether the pixel was observed", "role": "quality", "units": "1"}
    _create(handle, "valid", ("unit", "y", "x"), small, valid, (1, height, width))
    per_pixel = np.ndim(chip.label) == 2
    label = {**cf_attributes(described["label"]), "role": "target"}
    _create(handle, "label", ("unit", "y", "x") if per_pixel else ("unit",), small, label)
    _create(handle, "crs_wkt", ("unit",), text, {"long_name": "coordinate reference system", **index})
    transform = {"long_name": "affine transform from pixel to map coordinates", **index}
    _create(handle, "transform", ("unit", "six"), np.dtype(np.float64), transform)
    for name, value in chip.static.items():
        dtype = text if isinstance(value, str) else np.dtype(np.float32)
        _create(handle, name, ("unit",), dtype, cf_attributes(described[name]))
