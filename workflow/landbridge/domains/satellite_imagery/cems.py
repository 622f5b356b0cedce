"""Reader of Wildfires-CEMS (Arnaudo et al. 2023): Copernicus EMS activations in Europe, one GeoTIFF for each layer.

One activation (EMSRnnn) has several areas and dates, and is one event. Copies in reflectance and copies in 0 to 10,000
both go round: the brightness of each tile decides, and is counted. From the published description, untried on a
published file; the order of the twelve bands is taken to be B01-B08, B8A, B09, B11, B12 where the file names none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landbridge.contract import Chip
from landbridge.domains.satellite_imagery.bands import L2A
from landbridge.domains.satellite_imagery.layers import open_layers
from landbridge.domains.satellite_imagery.reading import Files
from landbridge.domains.satellite_imagery.scenes import BURNED, Scene, chips_of
from landbridge.domains.satellite_imagery.settings import KINDS, PIXELS, cut_of, reading_of
from landbridge.io import rasters
from landbridge.reader_settings import own_settings
from landbridge.stage import StageError

IMAGE, LABEL, CLOUDS = "_S2L2A.tif", "_DEL.tif", "_CM.tif"
ACTIVATION = re.compile(r"EMSR\d+")
DEFAULTS = {**PIXELS, "region": "Europe", "align": False}


def read_wildfires_cems(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Chip]:
    """Chips of all tiles in the order of their names.

    Args:
        folder: holds `**/<tile>_S2L2A.tif`, `_DEL.tif` (burned or not) and `_CM.tif` (cloud or not).
        settings: size, least_valid, stack, product, offset, aliases, ignore_boundary, region, align.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: files that are missing or can't be used.
    """
    own = own_settings(settings, DEFAULTS, KINDS)
    paths = sorted(folder.rglob(f"*{IMAGE}"), key=lambda path: path.name)
    if not paths:
        raise StageError(f"{folder}: holds no *{IMAGE}; join the parts of the archive and unpack them there")
    for path in paths:
        tile = path.name.removesuffix(IMAGE)
        activation = ACTIVATION.search(tile)
        if activation is None:
            raise StageError(f"{path}: its name has no activation EMSR<number>, which is the event")
        label, clouds = (path.with_name(tile + ending) for ending in (LABEL, CLOUDS))
        if not label.is_file():
            counts["dropped: image without a delineation"] += 1
            continue
        if not clouds.is_file():
            counts["images without a cloud mask"] += 1
        with rasters.opened(path) as handle:
            named = any(rasters.names_of(handle))
        how = reading_of(own, layers=None if named else L2A, align=own["align"])
        with open_layers(Files(path, label, clouds=clouds if clouds.is_file() else None), how, counts) as layers:
            event = activation.group()
            scene = Scene(tile, event, own["region"], tile, "", "sentinel2", "surface", layers.grid)
            yield from chips_of(scene, how.stack, BURNED, cut_of(own), layers.read, counts)
