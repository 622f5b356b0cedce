"""Reader of one wildfire of British Columbia, as ENVI rasters of the province's open tools, with its official outline.

The bands are B12, B11 and B09: the water-vapour band (945 nm) stands in for the near infrared. Despite the name
(`prepost`) all of them are of after the fire. The offset of Sentinel-2's newer processing is still in the numbers: the
least of the three bands are 1050, 1079 and 1157. Tried on the published files.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landbridge.contract import Chip
from landbridge.domains.satellite_imagery.layers import open_layers
from landbridge.domains.satellite_imagery.parted import halves_and_blocks
from landbridge.domains.satellite_imagery.reading import Files
from landbridge.domains.satellite_imagery.scenes import BURNED, Scene, chips_of
from landbridge.domains.satellite_imagery.settings import KINDS, PIXELS, cut_of, reading_of
from landbridge.io import rasters
from landbridge.reader_settings import own_settings
from landbridge.stage import StageError

log = logging.getLogger(__name__)

IMAGE = re.compile(r"(C\d+)_.*prepost\.bin")
DAY = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?!\d)")
DEFAULTS = {
    **PIXELS,
    "stack": "burn3",
    "product": "sentinel2",
    "offset": -1000,
    "aliases": {"nir": ["nir_narrow", "water_vapour"]},
    "block": 128,
    "gutter_m": 1000.0,
}


def read_bc_fire(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Chip]:
    """Chips of a fire, parted into a west and an east half with a gutter, and into blocks inside them.

    Args:
        folder: holds `C<number>_*prepost.bin` and `C<number>_*perimeter.bin` with their `.hdr`.
        settings: size, least_valid, stack, product, offset, aliases, ignore_boundary, block, gutter_m.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: files that are missing or can't be used.
    """
    own = own_settings(settings, DEFAULTS, KINDS)
    found = [(match.group(1), path) for path in sorted(folder.glob("*.bin")) if (match := IMAGE.fullmatch(path.name))]
    if not found:
        raise StageError(f"{folder}: holds no C<number>_*prepost.bin; put the files of the fire there, with their .hdr")
    how = reading_of(own)
    for fire, path in found:
        outlines = sorted(folder.glob(f"{fire}_*perimeter.bin"))
        if len(outlines) != 1:
            raise StageError(f"{folder}: holds {len(outlines)} files {fire}_*perimeter.bin; one is wanted")
        with open_layers(Files(path, outlines[0]), how, counts) as layers:
            for name, other in layers.stand_ins.items():
                log.warning("%s: there is no %s; %s stands in for it", path.name, name, other)
            scene = Scene(fire, fire, "", "", _day(path), "sentinel2", "surface", layers.grid)
            place = halves_and_blocks(fire, layers.grid, own["size"], block=own["block"], gutter_m=own["gutter_m"])
            yield from chips_of(scene, how.stack, BURNED, cut_of(own), layers.read, counts, place)


def _day(path: Path) -> str:
    """Day of the image from the names of its bands; "" where they do not tell."""
    with rasters.opened(path) as handle:
        found = DAY.search(" ".join(rasters.names_of(handle)))
    return "-".join(found.groups()) if found else ""
