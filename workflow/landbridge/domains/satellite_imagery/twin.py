"""The twin of satellite imagery: fires as users' own rasters, or land cover in EuroSAT's layout, from invented regions.

Nothing in them was observed. Surfaces are in `spectra.csv`, regions in `regions.yaml`, what happens on the ground and
in the air in `landscape.py`, `burns.py` and `air.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from landbridge.domains.satellite_imagery import twin_cube, twin_eurosat
from landbridge.stage import StageError

LAYOUTS = ("cube", "eurosat")
SHIFTS = ("related", "unrelated")
SIZES: Mapping[str, Mapping[str, tuple[int, int, int]]] = {  # default, least, most
    "cube": {"size": (128, 64, 1024), "north": (4, 1, 200), "med": (4, 1, 200), "peat": (12, 1, 200)},
    "eurosat": {"size": (64, 16, 64), "tiles_per_class": (40, 5, 2700)},
}


def write_twin(
    folder: Path,
    dataset: str,
    seed: int,
    *,
    layout: str = "cube",
    shift: str = "related",
    size: int | None = None,
    north: int | None = None,
    med: int | None = None,
    peat: int | None = None,
    envi: bool | None = None,
    tiles_per_class: int | None = None,
) -> None:
    """Write the raw files of a twin; equal arguments give equal bytes.

    `truth_parameters.csv` in the folder's root has what was drawn. For each fire it has `ceiling_iou`, too: IoU, where
    no cloud is, of a classifier that knows all but the noise.

    Args:
        folder: where to; it exists.
        dataset: name of the dataset; a part of the random streams.
        seed: of everything drawn.
        layout: `cube` for fires, a folder each and the table `scenes.csv`; `eurosat` for tiles of ten land covers.
        shift: `related`; or `unrelated`, a control. Fires in the peat region then leave ground that is bright and green
            in place of dark, and what a tile of the east shows is drawn independently of the cover that names it.
        size: pixels of a scene at 20 m (128), or of a tile at 10 m (64).
        north, med, peat: number of fires in the two source regions (4 each) and in the target (12).
        envi: whether one more fire of the north is written in ENVI's format with three bands; yes.
        tiles_per_class: 40, of which 15 lie in the east. The published set has 2,000 to 3,000.

    Raises:
        StageError: an unknown word, or a setting that is out of range or belongs to the other layout.
    """
    where = f"datasets.{dataset}.twin"
    for name, word, known in (("layout", layout, LAYOUTS), ("shift", shift, SHIFTS)):
        if word not in known:
            raise StageError(f"{where}.{name}: '{word}' is not known; write {' or '.join(known)}")
    if envi is not None and layout != "cube":
        raise StageError(f"{where}.envi: layout {layout} has none; leave it out, or write layout: cube")
    if envi not in (None, True, False):
        raise StageError(f"{where}.envi: {envi!r} is not known; write true or false")
    given = {"size": size, "north": north, "med": med, "peat": peat, "tiles_per_class": tiles_per_class}
    sizes = _sizes(where, layout, given)
    side = sizes.pop("size")
    if layout == "cube":
        twin_cube.write(folder, dataset, seed, events=sizes, side=side, envi=envi is not False, shift=shift)
    else:
        twin_eurosat.write(folder, dataset, seed, tiles=sizes["tiles_per_class"], side=side, shift=shift)


def _sizes(where: str, layout: str, given: Mapping[str, int | None]) -> dict[str, int]:
    """The sizes of a layout, each the one given or its default."""
    own = SIZES[layout]
    for name, value in given.items():
        if value is not None and name not in own:
            other = next(other for other, names in SIZES.items() if name in names)
            raise StageError(f"{where}.{name}: layout {layout} has none; leave it out, or write layout: {other}")
    found = {}
    for name, (default, least, most) in own.items():
        value = default if given[name] is None else given[name]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise StageError(f"{where}.{name}: {value!r} is out of range; write a whole number {least} to {most}")
        found[name] = value
    return found
