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


class SeriesWriter:
    """Writes units one by one as a contiguous ragged array; its memory is that of one unit.

    Args:
        path: file to write.
        variables: CF attributes by canonical name, with `dimension` ("obs" or "unit") and `role`.
        attributes: global attributes.
        time_unit: "days" or "seconds".
        trajectory: units are trajectories, not stations.
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
        self.names: list[str] = []
        self.sizes: list[int] = []
        self.statics: list[Mapping[str, float | str]] = []
        self.columns: list[str] = []
        self.count = 0

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
        """Append one unit.

        Raises:
            ContractError: a variable that is not described, a name twice, lengths that differ, or time that does
                not increase.
        """
        undescribed = [name for name in (*unit.values, *unit.static) if description_of(name, self.described) is None]
        if undescribed:
            raise ContractError(
                f"unit {unit.name}: {', '.join(undescribed)} not described; add them to `variables:` of domain.yaml"
            )
        if unit.name in self.names:
            raise ContractError(f"unit {unit.name} comes twice; unit names must be unique inside a dataset")
        time = unit.time.astype(f"datetime64[{'D' if self.time_unit == 'days' else 's'}]").astype(np.int64)
        if np.any(np.diff(time) <= 0):
            at = unit.time[1:][np.diff(time) <= 0][0]
            raise ContractError(f"unit {unit.name}: time does not increase at {at}; sort it and remove repeated times")
        if not self.names:
            self._declare(unit)
        if list(unit.values) != self.columns:
            raise ContractError(f"unit {unit.name} has {list(unit.values)}, the first unit had {self.columns}")
        stop = self.count + len(time)
        self.handle["time"][self.count : stop] = time
        for name, values in unit.values.items():
            if len(values) != len(time):
                raise ContractError(f"unit {unit.name}: {name} has {len(values)} values for {len(time)} times")
            self.handle[name][self.count : stop] = values
        self.count = stop
        self.names.append(unit.name)
        self.sizes.append(len(time))
        self.statics.append(unit.static)

    def _declare(self, unit: Unit) -> None:
        self.columns = list(unit.values)
        time = {"units": f"{self.time_unit} since 1970-01-01", **TIME_ATTRIBUTES}
        _create(self.handle, "time", ("obs",), np.dtype(np.int64), time, (CHUNK,))
        for name in unit.values:
            described = description_of(name, self.described) or {}
            dtype = np.dtype(described.get("dtype", "float32"))
            attributes = {**cf_attributes(described), "coordinates": "time lat lon unit_name"}
            _create(self.handle, name, ("obs",), dtype, attributes, (CHUNK,))

    def _finish(self) -> None:
        if not self.names:
            raise ContractError("the reader gave no unit; look at the raw files and at the reader's settings")
        role = "trajectory_id" if self.trajectory else "timeseries_id"
        name_attributes = {"cf_role": role, "long_name": "name of the unit", "role": "index"}
        names = _create(self.handle, "unit_name", ("unit",), np.dtype(object), name_attributes)
        names[: len(self.names)] = np.asarray(self.names, object)
        sizes = {"long_name": "number of observations of the unit", "sample_dimension": "obs", "role": "index"}
        _create(self.handle, "row_size", ("unit",), np.dtype(np.int32), sizes)[: len(self.sizes)] = np.asarray(
            self.sizes
        )
        for name in self.statics[0]:
            attributes = self.described[name]
            values = [static[name] for static in self.statics]
            text = any(isinstance(value, str) for value in values)
            array = np.asarray(values, object if text else np.dtype(attributes.get("dtype", "float32")))
            _create(self.handle, name, ("unit",), array.dtype, cf_attributes(attributes))[: len(array)] = array


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
