"""NetCDF-4 files to and from `Dataset`, checked against the contract on every write and every read."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from landbridge.checks import check
from landbridge.contract import IGNORE, Chip, ContractError, Dataset, Variable
from landbridge.io import mapped

COMPRESSION: dict[str, Any] = {"zlib": True, "complevel": 1, "shuffle": True}
SAMPLE, PIECES = 65536, 16  # values that are packed on trial, and the stretches of a variable that they are taken from
# Size of what is packed over the size of what is not, from which packing is left off. Floats of a full mantissa, such
# as the drivers of a simulation, come to 0.74 to 0.79 and cost 15 times what writing them as they are costs.
NOT_WORTH = 0.7


def read(path: Path, names: Sequence[str] | None = None, *, in_files: bool = False) -> Dataset:
    """Read a file, or some of its variables, and check it.

    Args:
        path: a file of this project.
        names: variables to read; all if None. A part of a file is not checked.
        in_files: whether numbers are unpacked into files that are mapped into memory, see `mapped`; text never is.

    Raises:
        ContractError: no such file, not NetCDF, or a breach of the contract; the text names file and variable.
        StageError: no room for those files.
    """
    with _opened(path) as handle:
        wanted = list(handle.variables) if names is None else list(names)
        absent = [name for name in wanted if name not in handle.variables]
        if absent:
            raise ContractError(f"{path}: no variable {', '.join(absent)}; it has {', '.join(handle.variables)}")
        variables = {name: _read_variable(handle.variables[name], in_files=in_files) for name in wanted}
        attributes = {name: handle.getncattr(name) for name in handle.ncattrs()}
    dataset = Dataset(variables, attributes)
    if names is None:
        _check(path, dataset)
    return dataset


def unpacked_bytes(path: Path) -> int:
    """Bytes that the numbers of a file take in memory.

    Raises:
        ContractError: no such file, or not NetCDF.
    """
    with _opened(path) as handle:
        numbers = [variable for variable in handle.variables.values() if variable.dtype is not str]
        return sum(int(np.prod(variable.shape)) * variable.dtype.itemsize for variable in numbers)


@contextmanager
def _opened(path: Path) -> Iterator[netCDF4.Dataset]:
    try:
        with netCDF4.Dataset(path) as handle:
            handle.set_auto_mask(False)
            handle.set_auto_scale(False)
            yield handle
    except OSError as error:
        raise ContractError(f"{path}: not a readable NetCDF file ({error}); delete it and run again") from error


def _read_variable(variable: netCDF4.Variable, *, in_files: bool) -> Variable:
    values = _in_blocks(variable) if in_files and variable.dtype is not str else np.asarray(variable[...])
    if values.dtype == object:
        values = values.astype(str)
    attributes = {name: variable.getncattr(name) for name in variable.ncattrs() if name != "_FillValue"}
    return Variable(tuple(variable.dimensions), values, attributes)


def _in_blocks(variable: netCDF4.Variable) -> np.ndarray:
    """Values of a variable, unpacked part by part into a file; those of a small one in memory."""
    values = mapped.empty(variable.shape, variable.dtype)
    if not mapped.is_mapped(values):
        return np.asarray(variable[...])
    chunks = variable.chunking()
    rows = 1
    if chunks != "contiguous":
        rows = chunks[0]  # parts are whole chunks, so each is unpacked once
        variable.set_var_chunk_cache(0)  # which otherwise keeps 64 MB of each variable
    rows = max(rows, mapped.BLOCK // max(1, values[:1].nbytes) // rows * rows)
    for start in range(0, len(values), rows):
        values[start : start + rows] = variable[start : start + rows]
    return values


def write(path: Path, dataset: Dataset) -> None:
    """Check a dataset and write it; equal datasets give equal bytes.

    Raises:
        ContractError: a breach of the contract.
    """
    _check(path, dataset)
    with netCDF4.Dataset(path, "w", format="NETCDF4") as handle:
        write_attributes(handle, dataset.attributes)
        for dimension, length in dataset.sizes.items():
            handle.createDimension(dimension, length)
        for name, variable in dataset.variables.items():
            target = create(
                *(handle, name, variable.dimensions, variable.values.dtype, variable.attributes),
                packed=worth_packing(variable.values),
            )
            if variable.values.size:
                target[...] = variable.values.astype(object) if variable.values.dtype.kind in "UO" else variable.values


def _check(path: Path, dataset: Dataset) -> None:
    try:
        check(dataset)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from error


def write_attributes(target: Any, attributes: Mapping[str, Any]) -> None:
    """Set the attributes of an open file or of one of its variables."""
    for name, value in attributes.items():
        target.setncattr(name, value)


def create(
    handle: netCDF4.Dataset,
    name: str,
    dimensions: tuple[str, ...],
    dtype: np.dtype[Any],
    attributes: Mapping[str, Any],
    chunks: tuple[int, ...] | None = None,
    *,
    shuffle: bool = True,
    packed: bool = True,
) -> netCDF4.Variable:
    """A new variable of an open file: text is never packed, missing floats are NaN, chunks have a size on request."""
    text = dtype.kind in "UO"
    options: dict[str, Any] = {**COMPRESSION, "shuffle": shuffle} if packed and dimensions and not text else {}
    if dtype.kind == "f":
        options["fill_value"] = np.array(np.nan, dtype)
    if chunks is not None and not text:
        options["chunksizes"] = chunks
    variable = handle.createVariable(name, str if text else dtype, dimensions, **options)
    variable.set_auto_maskandscale(False)
    write_attributes(variable, attributes)
    return variable


def worth_packing(values: np.ndarray) -> bool:
    """Whether packing saves enough of a variable: always of a small one, else by a trial on stretches of it.

    Args:
        values: of any shape; their bytes alone decide, so equal data are packed alike.
    """
    if values.dtype.kind in "UO" or values.size < SAMPLE:
        return True
    flat = values.reshape(-1)
    length = SAMPLE // PIECES
    starts = np.linspace(0, len(flat) - length, PIECES).astype(int)
    sample = np.concatenate([flat[start : start + length] for start in starts])
    shuffled = sample.view(np.uint8).reshape(len(sample), -1).T.tobytes()  # as HDF5 does before it packs
    return len(zlib.compress(shuffled, COMPRESSION["complevel"])) < NOT_WORTH * len(shuffled)


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
    """Write chips one by one; memory is that of one chip and of the columns of units.

    The label of a pixel that was not seen is 255.

    Args:
        path: to write.
        chips: all of one shape, with the same bands and the same variable as label.
        bands: names of the bands, where the chips do not bear them.
        described: variables by name, with their attributes.
        attributes: of the file.

    Raises:
        ContractError: chips that differ in shape, bands or label, a variable that nobody describes, or no chip.
    """
    first: Chip | None = None
    columns: dict[str, list[float | str]] = {}
    transforms: list[tuple[float, ...]] = []
    with netCDF4.Dataset(path, "w", format="NETCDF4") as handle:
        write_attributes(handle, {**attributes, "kind": "chips"})
        for number, chip in enumerate(chips):
            if first is None:
                first = chip
                _declare_chips(handle, chip, chip.bands or bands, described)
            _check_alike(chip, first)
            for name, value in {**chip.static, "unit_name": chip.name, "crs_wkt": chip.crs}.items():
                columns.setdefault(name, []).append(value)
            handle["reflectance"][number] = chip.reflectance
            handle["valid"][number] = chip.valid
            per_pixel = np.ndim(chip.label) > 0
            handle[chip.target][number] = np.where(chip.valid, chip.label, IGNORE) if per_pixel else chip.label
            if chip.truth is not None:
                handle[f"{chip.target}_truth"][number] = chip.truth
            transforms.append(chip.transform)
        for name, values in columns.items():
            handle[name][:] = np.asarray(values, object if isinstance(values[0], str) else None)
        if transforms:
            handle["transform"][:] = np.asarray(transforms, float)
    if first is None:
        raise ContractError("the reader gave no chip; look at the raw files and at the reader's settings")


def _check_alike(chip: Chip, first: Chip) -> None:
    if chip.reflectance.shape != first.reflectance.shape:
        raise ContractError(
            f"chip {chip.name} has shape {chip.reflectance.shape}, the first had {first.reflectance.shape}"
        )
    if chip.bands != first.bands:
        raise ContractError(
            f"chip {chip.name} has the bands {', '.join(chip.bands)}, the first {', '.join(first.bands)}"
        )
    if set(chip.static) != set(first.static):
        raise ContractError(f"chip {chip.name} has other columns than the first: {', '.join(chip.static)}")
    if chip.target != first.target or (chip.truth is None) != (first.truth is None):
        raise ContractError(f"chip {chip.name} has another label than the first, or lacks the truth that it has")


def _declare_chips(
    handle: netCDF4.Dataset, chip: Chip, bands: Sequence[str], described: Mapping[str, Mapping[str, Any]]
) -> None:
    count, height, width = chip.reflectance.shape
    if len(bands) != count:
        raise ContractError(f"chip {chip.name} has {count} bands, and {len(bands)} names are given: {', '.join(bands)}")
    labels = [chip.target] if chip.truth is None else [chip.target, f"{chip.target}_truth"]
    absent = [name for name in (*labels, *chip.static) if name not in described]
    if absent:
        raise ContractError(f"chip {chip.name}: nothing describes {', '.join(absent)}; add it to `variables:`")
    for dimension, length in {"unit": None, "band": count, "y": height, "x": width, "six": 6}.items():
        handle.createDimension(dimension, length)
    text, small = np.dtype(object), np.dtype(np.uint8)
    index = {"role": "index"}
    create(handle, "unit_name", ("unit",), text, {"long_name": "name of the chip", "cf_role": "timeseries_id", **index})
    create(handle, "band_name", ("band",), text, {"long_name": "name of the band", **index})[:] = np.asarray(
        bands, object
    )
    spectrum = {"units": "1", "long_name": "reflectance", "role": "input"}
    chunk = (1, count, height, width)
    # Reflectance is whole numbers over 10,000, so the same floats come again: unshuffled it packs faster and smaller.
    shape_of = ("unit", "band", "y", "x")
    create(handle, "reflectance", shape_of, np.dtype(np.float32), spectrum, chunk, shuffle=False)
    valid = {"long_name": "whether the pixel was observed", "role": "quality", "units": "1"}
    create(handle, "valid", ("unit", "y", "x"), small, valid, (1, height, width))
    per_pixel = np.ndim(chip.label) == 2
    for name, role in zip(labels, ("target", "truth"), strict=False):
        label = {**cf_attributes(described[name]), "role": role}
        shape, size = (("unit", "y", "x"), (1, height, width)) if per_pixel else (("unit",), None)
        create(handle, name, shape, small, label, size)
    create(handle, "crs_wkt", ("unit",), text, {"long_name": "coordinate reference system", **index})
    transform = {"long_name": "affine transform from pixel to map coordinates", **index}
    create(handle, "transform", ("unit", "six"), np.dtype(np.float64), transform)
    for name, value in chip.static.items():
        dtype = text if isinstance(value, str) else np.dtype(described[name].get("dtype", "float32"))
        create(handle, name, ("unit",), dtype, cf_attributes(described[name]))
