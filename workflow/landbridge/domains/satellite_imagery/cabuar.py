"""Reader of CaBuAr (Rege Cambrin et al. 2023): pairs of patches before and after Californian fires, in HDF5.

The files bear neither reference system nor transform, so chips have no place on the Earth and no map is made of them.
From the published description, untried on a published file. That the fires of one event share the part of a patch's
name before its last underscore is not verified; `event_of: patch` takes every patch for an event.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Chip
from landbridge.domains.satellite_imagery.bands import L2A, SENTINEL2
from landbridge.domains.satellite_imagery.patches import SAMPLED, Arrays, nowhere, rule_of_patches
from landbridge.domains.satellite_imagery.scenes import BURNED, Scene, chips_of
from landbridge.domains.satellite_imagery.settings import KINDS, PIXELS, cut_of, reading_of
from landbridge.reader_settings import own_settings
from landbridge.stage import StageError

log = logging.getLogger(__name__)

DEFAULTS = {**PIXELS, "region": "California", "pre": False, "event_of": "name"}
BANDS = tuple(SENTINEL2[code][0] for code in L2A)
BZIP2 = 307  # number of the filter at the HDF Group's registry


def read_cabuar(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Chip]:
    """Chips of all patches in the order of files and names.

    Args:
        folder: holds `*.hdf5` or `*.h5`.
        settings: size, least_valid, stack, product, offset, aliases, ignore_boundary, region, pre (both images),
            event_of (name or patch).
        counts: gets what was read and what was dropped.

    Raises:
        StageError: files that are missing or can't be used, or packed by a filter that HDF5 lacks here.
    """
    import h5py

    own = own_settings(settings, DEFAULTS, KINDS)
    if own["event_of"] not in ("name", "patch"):
        raise StageError(f"reader_settings: event_of is {own['event_of']!r}; write name or patch")
    how = reading_of(own)
    paths = sorted([*folder.rglob("*.hdf5"), *folder.rglob("*.h5")])
    if not paths:
        raise StageError(f"{folder}: holds no .hdf5 and no .h5; put the files of CaBuAr there")
    log.warning("CaBuAr: patches have no reference system; they are scored, and no map can be made of them")
    for path in paths:
        try:
            with h5py.File(path, "r") as handle:
                yield from _file(path, handle, how, own, counts)
        except OSError as error:
            raise StageError(f"{path}: not a readable HDF5 file, or cut short ({error}); fetch it again") from error


def _file(path: Path, handle: Any, how: Any, own: Mapping[str, Any], counts: Counter[str]) -> Iterator[Chip]:
    names = _patches(path, handle, own["pre"], counts)
    if not names:
        return
    some = names[:: max(1, len(names) // SAMPLED)]
    images = (_bands(path, handle[name], "post_fire") for name in some)
    rule = rule_of_patches(images, BANDS, how, path, counts)
    for name in names:
        group = handle[name]
        where = f"{path}: {name}"
        before = _bands(path, group, "pre_fire") if own["pre"] else None
        label = np.asarray(group["mask"])
        label = label[..., 0] if label.ndim == 3 else label
        arrays = Arrays(_bands(path, group, "post_fire"), before, label, BANDS, how, rule, where)
        word = name.replace("/", "~")
        event = word.rsplit("_", 1)[0] if own["event_of"] == "name" else word
        fold = str(group.attrs.get("fold", ""))
        scene = Scene(
            f"{path.stem}~{word}",
            event,
            own["region"],
            f"fold {fold}",
            "",
            "sentinel2",
            "surface",
            nowhere(label.shape),
        )
        yield from chips_of(scene, how.stack, BURNED, cut_of(own), arrays.read, counts)


def _patches(path: Path, handle: Any, pre: bool, counts: Counter[str]) -> list[str]:
    """Names of the groups that hold a patch, sorted; the filters of the first are looked at.

    Raises:
        StageError: a filter that is not there, or no patch at all.
    """
    found: list[str] = []

    def visit(name: str, item: Any) -> None:
        if "post_fire" in getattr(item, "keys", list)():
            found.append(name)

    handle.visititems(visit)
    if not found:
        raise StageError(f"{path}: no group of it holds post_fire; is it a file of CaBuAr?")
    kept = []
    for name in sorted(found):
        if "mask" not in handle[name]:
            counts["dropped: patch without a mask"] += 1
        elif pre and "pre_fire" not in handle[name]:
            counts["dropped: patch without an image before the fire"] += 1
        else:
            kept.append(name)
    if kept:
        _refuse_missing_filters(path, handle[kept[0]]["post_fire"])
    return kept


def _refuse_missing_filters(path: Path, dataset: Any) -> None:
    import h5py

    properties = dataset.id.get_create_plist()
    used = [properties.get_filter(number)[0] for number in range(properties.get_nfilters())]
    missing = [number for number in used if not h5py.h5z.filter_avail(number)]
    if missing:
        what = "BZip2 (number 307)" if missing[0] == BZIP2 else f"number {missing[0]}"
        raise StageError(
            f"{path}: is packed by HDF5's filter {what}, which is not installed here; install the plug-in and name its "
            f"folder in HDF5_PLUGIN_PATH (the Python package hdf5plugin brings it), or repack the file with h5repack"
        )


def _bands(path: Path, group: Any, name: str) -> np.ndarray:
    """(band, y, x) of an image that is stored as (y, x, band)."""
    values = np.asarray(group[name])
    if values.ndim != 3 or values.shape[2] != len(BANDS):
        raise StageError(f"{path}: {group.name}/{name} has the shape {values.shape}; wanted is (y, x, {len(BANDS)})")
    return np.moveaxis(values, 2, 0)
