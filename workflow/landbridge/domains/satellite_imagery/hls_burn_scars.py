"""Reader of HLS Burn Scars (Phillips et al. 2023): pairs of images and masks of 512 x 512 pixels of 30 m in the US.

Numbers are reflectance already; fill is -9999 or its scaled form, so the mask's -1 and the range of values tell what
was seen. One MGRS tile in one year is one event, for chips of it may show the same fire; the split that comes with the
data is random and is not used. From the published description, untried on a published file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from landbridge.contract import Chip
from landbridge.domains.satellite_imagery.layers import open_layers
from landbridge.domains.satellite_imagery.reading import Files
from landbridge.domains.satellite_imagery.scenes import BURNED, Scene, chips_of
from landbridge.domains.satellite_imagery.settings import KINDS, PIXELS, cut_of, reading_of
from landbridge.reader_settings import own_settings
from landbridge.stage import StageError

IMAGE = re.compile(r"(.*HLS\.S30\.T(\w{5})\.(\d{4})(\d{3})\.v[\d.]+)_merged\.tif")
BANDS = ("B02", "B03", "B04", "B8A", "B11", "B12")
DEFAULTS = {**PIXELS, "product": "reflectance", "offset": 0, "region": "United States"}


def read_hls_burn_scars(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Chip]:
    """Chips of all pairs in the order of their file names.

    Args:
        folder: holds `**/*_merged.tif` and, beside each, `*.mask.tif`.
        settings: size, least_valid, stack, product, offset, aliases, ignore_boundary, region.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: files that are missing or can't be used.
    """
    own = own_settings(settings, DEFAULTS, KINDS)
    how = reading_of(own, sensor="hls_s30", layers=BANDS, unknown_is_unseen=True)
    paths = sorted(folder.rglob("*_merged.tif"), key=lambda path: path.name)
    if not paths:
        raise StageError(f"{folder}: holds no *_merged.tif; unpack the archive of HLS Burn Scars there")
    for path in paths:
        match = IMAGE.fullmatch(path.name)
        if match is None:
            raise StageError(f"{path}: is not named *HLS.S30.T<tile>.<yyyyddd>.v<version>_merged.tif, as published")
        stem, tile, year, day = match.groups()
        mask = path.with_name(f"{stem}.mask.tif")
        if not mask.is_file():
            counts["dropped: image without a mask"] += 1
            continue
        when = date(int(year), 1, 1) + timedelta(days=int(day) - 1)
        with open_layers(Files(path, mask), how, counts) as layers:
            event = f"T{tile} {year}"
            name = stem.split("HLS.", 1)[1]
            scene = Scene(name, event, own["region"], f"T{tile}", when.isoformat(), "hls_s30", "surface", layers.grid)
            yield from chips_of(scene, how.stack, BURNED, cut_of(own), layers.read, counts)
