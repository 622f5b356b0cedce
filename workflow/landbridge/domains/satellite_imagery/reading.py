"""What the files of a scene are, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from landbridge.contract import IGNORE
from landbridge.domains.satellite_imagery.bands import ALIASES
from landbridge.io.grids import Grid
from landbridge.stage import StageError

AS_WRITTEN = {0: 0, 1: 1, IGNORE: IGNORE}


@dataclass(frozen=True)
class Files:
    """Files of one scene; what is None is not there."""

    image: Path
    label: Path
    pre: Path | None = None
    clouds: Path | None = None
    truth: Path | None = None


@dataclass(frozen=True)
class Reading:
    """How a scene's files are read.

    Attributes:
        stack: names of the bands wanted; those that end in `_pre` come from the image before the fire.
        sensor: of `bands.SENSORS`, whose codes the files use.
        layers: what each layer of the image is, in file order; None to take the names that the file gives.
        product: of `reflectance.PRODUCTS`, or auto.
        offset: -1000, 0 or auto.
        aliases: stand-ins of bands.
        codes: label by the number in the file; -1, NaN and declared nodata are 255 besides.
        pixel_m: m, of scenes that are brought to UTM.
        align: whether layers on another grid are brought to that of the image, or refused.
        ignore_boundary: pixels on both sides of an outline whose label is not known.
        qa_bits: bits of the layer `qa` that tell of clouds.
        unknown_is_unseen: whether a label that is not known means that the image shows nothing there.
    """

    stack: tuple[str, ...]
    sensor: str = "sentinel2"
    layers: tuple[str, ...] | None = None
    product: str = "auto"
    offset: object = "auto"
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(ALIASES))
    codes: Mapping[int, int] = field(default_factory=lambda: dict(AS_WRITTEN))
    pixel_m: float = 20.0
    align: bool = False
    ignore_boundary: int = 0
    qa_bits: tuple[int, ...] = ()
    unknown_is_unseen: bool = False


def on_another_grid(path: Path, own: Grid, image: Grid) -> StageError:
    """The error of a layer that does not lie on the pixels of its image."""
    what = "another reference system" if own.crs != image.crs else "another grid"
    return StageError(
        f"{path}: lies on {what} than its image ({own.shape} pixels from {own.corner(0, 0)}, the image "
        f"{image.shape} from {image.corner(0, 0)}); write align: true to have it brought there, or mend the file"
    )
