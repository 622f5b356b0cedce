"""From stored numbers to reflectance, and what betrays numbers that are no reflectance.

The rules follow the products' own documents: Sentinel-2 adds 1000 to its numbers from processing baseline 04.00 on
(25 January 2022; archives are reprocessed, so the date of the image does not tell), Landsat Collection 2 Level 2 has a
factor and an offset, HLS v2 a factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from landbridge.stage import StageError

DARK = 0.001  # quantile of the short-wave infrared bands that tells of an offset
SUSPECTED = 0.08  # reflectance: darkest pixels above it are brighter than water and shadow are
TWICE = -0.05  # reflectance: darkest pixels below it are darker than noise makes them
LOWEST = -0.05  # reflectance down to which negative values are noise, and stay
FILL = -0.5  # reflectance below which a number is a fill such as -9999 or its scaled form, not an offset too much
BRIGHT = 0.99  # quantile that tells of a wrong factor
TOO_BRIGHT, TOO_DARK = 2.0, 0.002  # reflectance that this quantile of a scene can't have
AUTO = "auto"
OFFSET_BANDS = ("swir1", "swir2")


@dataclass(frozen=True)
class Rule:
    """Reflectance is (number + added) * scale + offset.

    Attributes:
        scale: reflectance of one digital number.
        added: digital numbers; of Sentinel-2 -1000 takes the offset out that its newer processing puts in.
        offset: reflectance.
        nodata: numbers of pixels that were not seen.
        saturated: numbers of pixels that the sensor could not measure.
        settled: whether the product tells `added`; else the detector asks.
    """

    scale: float
    added: float = 0.0
    offset: float = 0.0
    nodata: tuple[float, ...] = ()
    saturated: tuple[float, ...] = ()
    settled: bool = True


SENTINEL2 = Rule(1e-4, nodata=(0,), saturated=(65535,), settled=False)
PRODUCTS = {
    "sentinel2": SENTINEL2,
    "sentinel2_before_04": replace(SENTINEL2, settled=True),
    "sentinel2_04": replace(SENTINEL2, added=-1000.0, settled=True),
    "sentinel2_harmonised": replace(SENTINEL2, settled=True, saturated=()),
    "landsat_c2_l2": Rule(2.75e-5, offset=-0.2, nodata=(0,), saturated=(65535,)),
    "hls": Rule(1e-4, nodata=(-9999,)),
    "reflectance": Rule(1.0, settled=False),
}


def rule_of(product: str, offset: object = AUTO) -> Rule:
    """Rule of a product; an `offset` in digital numbers of Sentinel-2 that a user states goes before the product's.

    Raises:
        StageError: no such product, or an offset that is neither -1000, 0 nor auto.
    """
    if product not in PRODUCTS:
        raise StageError(f"reader_settings: product is {product!r}; write {', '.join(PRODUCTS)} or {AUTO}")
    rule = PRODUCTS[product]
    if offset == AUTO:
        return rule
    if isinstance(offset, bool) or offset not in (-1000, 0):
        raise StageError(f"reader_settings: offset is {offset!r}; write -1000, 0 or auto")
    if product == "reflectance":  # numbers that were divided by 10,000 with the offset still in them
        return replace(rule, offset=float(offset) / 10_000, settled=True)
    return replace(rule, added=float(offset), settled=True)


def uncut_reflectance(values: np.ndarray, rule: Rule) -> np.ndarray:
    """float64 reflectance of stored numbers, however dark; NaN where they mean nodata or saturation."""
    found = (np.asarray(values, np.float64) + rule.added) * rule.scale + rule.offset
    return np.where(unmeasured(values, rule), np.nan, found)


def to_reflectance(values: np.ndarray, rule: Rule) -> np.ndarray:
    """float32 reflectance of stored numbers; NaN where they mean nodata or saturation, or lie below noise (-0.05)."""
    found = uncut_reflectance(values, rule)
    return np.where(found < LOWEST, np.nan, found).astype(np.float32)


def unmeasured(values: np.ndarray, rule: Rule) -> np.ndarray:
    """Where stored numbers are NaN, nodata or saturated, as bool."""
    missing = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    for number in (*rule.nodata, *rule.saturated):
        missing |= values == number
    return missing


def is_visual(dtypes: Sequence[str], sample: np.ndarray) -> bool:
    """Whether bands are pictures for the eye, 0 to 255: such numbers are no reflectance by any rule."""
    if all(dtype == "uint8" for dtype in dtypes):
        return True
    known = sample[np.isfinite(sample)]
    whole = bool(len(known)) and bool((known == np.round(known)).all())
    return whole and known.max() <= 255 and known.max() > 2 and np.quantile(known, BRIGHT) > 100


def guess_product(sample: np.ndarray, where: object) -> str:
    """`reflectance` or `sentinel2` (0 to 10,000) by how bright the brightest hundredth is.

    Raises:
        StageError: numbers that are neither.
    """
    known = sample[np.isfinite(sample) & (sample > 0)]
    bright = float(np.quantile(known, BRIGHT)) if len(known) else 0.0
    if TOO_DARK <= bright <= TOO_BRIGHT:
        return "reflectance"
    if 10_000 * TOO_DARK <= bright <= 10_000 * TOO_BRIGHT:
        return "sentinel2"
    raise StageError(
        f"{where}: one pixel in a hundred is above {bright:g}, which is neither reflectance from 0 to 1 nor 0 to "
        f"10,000; write product: one of {', '.join(PRODUCTS)}"
    )


def check_reflectance(sample: np.ndarray, bands: Sequence[str], rule: Rule, where: object) -> str:
    """Look for a wrong factor and for an offset that is still there or was taken away twice.

    Args:
        sample: (band, n) reflectance of valid pixels by the rule, before anything negative is cut.
        bands: names of the bands.
        rule: by which it was made.
        where: the file, for the error.

    Returns:
        what was found, in words for the counts.

    Raises:
        StageError: a wrong factor, an offset that is suspected and that nobody has settled, or one taken away twice.
    """
    sample = np.where(sample < FILL, np.nan, sample)
    known = sample[np.isfinite(sample)]
    if not len(known):
        return "offset: no pixel to tell by"
    bright = float(np.quantile(known, BRIGHT))
    if not TOO_DARK <= bright <= TOO_BRIGHT:
        raise StageError(
            f"{where}: one pixel in a hundred has a reflectance above {bright:.3g}, so the factor is wrong (often by "
            f"10,000); write another product: {', '.join(PRODUCTS)}"
        )
    dark = [
        float(np.quantile(own[np.isfinite(own)], DARK))
        for name, own in zip(bands, sample, strict=True)
        if name in OFFSET_BANDS and np.isfinite(own).any()
    ]
    if len(dark) < len(OFFSET_BANDS):
        return "offset: not looked for, since a short-wave infrared band is not read"
    shown = " and ".join(f"{value:.3f}" for value in dark)
    if max(dark) < TWICE:
        raise StageError(
            f"{where}: the darkest pixels of swir1 and swir2 have reflectances of {shown}, as where the offset of 1000 "
            f"was taken away twice; write offset: 0"
        )
    if min(dark) <= SUSPECTED:
        return "offset: none is left"
    if not rule.settled:
        raise StageError(
            f"{where}: offset: suspected. The darkest pixels of swir1 and swir2 have reflectances of {shown}, as where "
            f"the 1000 that Sentinel-2 adds since baseline 04.00 are still in; a bright desert looks like that, too. "
            f"Write offset: -1000 to take them out, or offset: 0 if they are not there"
        )
    return "offset: suspected, and settled by the settings"
