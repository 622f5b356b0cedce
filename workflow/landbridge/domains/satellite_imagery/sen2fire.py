"""Reader of Sen2Fire (Xu, Berg, Haglund 2024): patches of Australian bush fires with labels of active fire.

What the files are packed in could not be verified, so the settings tell: `container: npz` with the keys `image_key` and
`label_key`, or `container: geotiff` with a label beside each image. Patches have no place on the Earth. They overlap by
128 pixels, so of each only the first 384 rows and columns are cut. Labels are active fire of 1 km, resampled: coarse,
and no burned area; never pool them with perimeters. Untried on a published file.
"""

from __future__ import annotations

import logging
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Chip
from landbridge.domains.satellite_imagery.bands import L1C, SENTINEL2
from landbridge.domains.satellite_imagery.patches import SAMPLED, Arrays, nowhere, rule_of_patches
from landbridge.domains.satellite_imagery.scenes import BURNED, Scene, chips_of
from landbridge.domains.satellite_imagery.settings import KINDS, PIXELS, cut_of, reading_of
from landbridge.io import rasters
from landbridge.reader_settings import own_settings, unusable
from landbridge.stage import StageError

log = logging.getLogger(__name__)

BANDS = tuple(SENTINEL2[code][0] for code in L1C if code != "B8A")
OVERLAP = 128  # pixels of neighbouring patches, which is what their area shares
ENDINGS = {"npz": ".npz", "geotiff": ".tif"}
DEFAULTS = {
    **PIXELS,
    "container": "npz",
    "image_key": "image",
    "label_key": "label",
    "label_suffix": "_label",
}


def read_sen2fire(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Chip]:
    """Chips of all patches in the order of areas and names; an area is the region and its folder, a patch the event.

    Args:
        folder: holds `<area>/<patch>.npz`, or `<area>/<patch>.tif` and `<area>/<patch>_label.tif`.
        settings: size, least_valid, stack, product, offset, aliases, ignore_boundary, container, image_key, label_key,
            label_suffix.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: files that are missing or laid out otherwise.
    """
    own = own_settings(settings, DEFAULTS, KINDS)
    if own["container"] not in ENDINGS:
        raise unusable("container", own["container"], " or ".join(ENDINGS))
    how = reading_of(own)
    ending = ENDINGS[own["container"]]
    label_ending = f"{own['label_suffix']}{ending}"
    paths = [path for path in sorted(folder.rglob(f"*{ending}")) if not path.name.endswith(label_ending)]
    if not paths:
        raise StageError(f"{folder}: holds no {ending} patch; write container: as your copy is packed")
    log.warning("Sen2Fire: patches are read without a place on the Earth, so no map can be made of them")
    some = paths[:: max(1, len(paths) // SAMPLED)]
    rule = rule_of_patches((_patch(path, own)[0] for path in some), BANDS, how, folder, counts)
    for path in paths:
        image, label = _patch(path, own)
        kept = tuple(max(side - OVERLAP, min(side, own["size"])) for side in label.shape)
        image, label = image[:, : kept[0], : kept[1]], label[: kept[0], : kept[1]]
        area = path.parent.name
        arrays = Arrays(image, None, label, BANDS, how, rule, str(path))
        name = f"{area}~{path.stem}"
        scene = Scene(name, name, area, area, "", "sentinel2", "top_of_atmosphere", nowhere(label.shape))
        yield from chips_of(scene, how.stack, BURNED, cut_of(own), arrays.read, counts)


def _patch(path: Path, own: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """(band, y, x) image without its aerosol index, and (y, x) label."""
    if own["container"] == "npz":
        try:
            with np.load(path, allow_pickle=False) as handle:
                absent = [key for key in (own["image_key"], own["label_key"]) if key not in handle]
                if absent:
                    raise StageError(
                        f"{path}: no array {', '.join(absent)}; it has {', '.join(handle.files)}. Write image_key: and "
                        f"label_key:"
                    )
                image, label = handle[own["image_key"]], handle[own["label_key"]]
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise StageError(f"{path}: not a readable .npz of plain arrays ({error}); fetch it again") from error
    else:
        beside = path.with_name(f"{path.stem}{own['label_suffix']}.tif")
        with rasters.opened(path) as handle:
            image = handle.read()
        with rasters.opened(beside) as handle:
            label = handle.read(1)
    label = label[0] if label.ndim == 3 else label
    if image.ndim != 3 or image.shape[0] != len(BANDS) + 1:
        raise StageError(
            f"{path}: its image has the shape {image.shape}; wanted are {len(BANDS)} bands and the aerosol index "
            f"before rows and columns"
        )
    return image[: len(BANDS)], label
