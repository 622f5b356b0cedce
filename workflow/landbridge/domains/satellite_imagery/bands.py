"""Bands by name: what each sensor's bands are called, at which wavelength, and how those asked for are found.

Wavelengths in nm are those of Sentinel-2A, of Landsat-5/7 and Landsat-8/9 as their operators publish them (centres).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from landbridge.stage import StageError

# Band of each sensor by the name that it has in files: (name here, wavelength in nm).
SENTINEL2 = {
    "B01": ("coastal", 443),
    "B02": ("blue", 492),
    "B03": ("green", 560),
    "B04": ("red", 665),
    "B05": ("rededge1", 704),
    "B06": ("rededge2", 740),
    "B07": ("rededge3", 783),
    "B08": ("nir", 833),
    "B8A": ("nir_narrow", 865),
    "B09": ("water_vapour", 945),
    "B10": ("cirrus", 1374),
    "B11": ("swir1", 1614),
    "B12": ("swir2", 2202),
}
# B06 of Landsat-5/7 is thermal, no reflectance: it has no name here, so it can't be asked for.
LANDSAT57 = {
    "B01": ("blue", 485),
    "B02": ("green", 560),
    "B03": ("red", 660),
    "B04": ("nir", 835),
    "B05": ("swir1", 1650),
    "B07": ("swir2", 2220),
}
LANDSAT89 = {
    "B01": ("coastal", 443),
    "B02": ("blue", 482),
    "B03": ("green", 561),
    "B04": ("red", 655),
    "B05": ("nir_narrow", 865),
    "B06": ("swir1", 1609),
    "B07": ("swir2", 2201),
    "B09": ("cirrus", 1373),
}
SENSORS = {
    "sentinel2": SENTINEL2,
    "landsat57": LANDSAT57,
    "landsat89": LANDSAT89,
    "hls_s30": SENTINEL2,
    "hls_l30": LANDSAT89,
}
NAMES = tuple(dict.fromkeys(name for name, _ in SENTINEL2.values()))
# Layers that are no bands, and what a list says of a layer that is left out.
LAYERS = ("scl", "clouds", "qa")
SKIP = "skip"
PRE = "_pre"  # ends the name of a band of the image before the fire

# File orders. EuroSAT's has B8A last; L2A has no B10.
L1C = tuple(SENTINEL2)
EUROSAT = (*(code for code in L1C if code != "B8A"), "B8A")
L2A = tuple(code for code in L1C if code != "B10")

STACKS = {
    "burn3": ("nir", "swir1", "swir2"),
    "burn6": ("blue", "green", "red", "nir", "swir1", "swir2"),
    "full13": tuple(name for name, _ in SENTINEL2.values()),
    "full12": tuple(SENTINEL2[code][0] for code in L2A),
}
# What may stand in for a band unless the settings say otherwise. The two near infrareds are 30 nm apart.
ALIASES: dict[str, tuple[str, ...]] = {"nir": ("nir_narrow",), "nir_narrow": ("nir",)}

CODE = re.compile(r"(?<![A-Za-z0-9])B0?(\d{1,2}A?)(?![A-Za-z0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class Matched:
    """Bands that were asked for, found among those of a file.

    Attributes:
        names: asked for, in that order.
        index: where each stands in the file, from 0.
        stand_ins: by name the band of the file that stands in for it, where it is not itself.
    """

    names: tuple[str, ...]
    index: tuple[int, ...]
    stand_ins: Mapping[str, str]


def name_of(text: str, sensor: str) -> str:
    """Name of a band from what a file or a list calls it: its name here, or the sensor's code, also inside a text.

    Names of layers, `skip`, and words that nobody knows stay as they are, in lower case.
    """
    words = text.strip().lower()
    ending = PRE if words.endswith(PRE) else ""
    found = CODE.search(text.strip()[: len(words) - len(ending)])
    if words.removesuffix(PRE) in NAMES or found is None:
        return words
    number = found.group(1).upper()
    code = f"B{number}" if number.endswith("A") else f"B{int(number):02d}"
    return SENSORS[sensor].get(code, (words, 0))[0] + ending


def match_bands(
    there: Sequence[str], wanted: Sequence[str], aliases: Mapping[str, Sequence[str]], where: object
) -> Matched:
    """The bands wanted among those there are, by name; no band is made up.

    Args:
        there: names of the file's bands, in file order.
        wanted: names of the stack.
        aliases: what may stand in for a band that is not there, first choice first. A band before the fire has those
            of the one after it.
        where: the file, for the error.

    Raises:
        StageError: a band that is missing, or a name that comes twice.
    """
    twice = sorted({name for name in there if there.count(name) > 1 and name != SKIP and name})
    if twice:
        raise StageError(f"{where}: {', '.join(twice)} comes twice among its bands {', '.join(there)}; mend the list")
    index, stand_ins = [], {}
    for name in wanted:
        ending = PRE if name.endswith(PRE) else ""
        choices = [name, *(other + ending for other in aliases.get(name.removesuffix(PRE), ()))]
        found = next((choice for choice in choices if choice in there), None)
        if found is None:
            listed = ", ".join(word or "(no name)" for word in there)
            raise StageError(
                f"{where}: no band {name}, and a missing band is not filled with zeros; it has {listed}. Take a stack "
                f"without it, or name a stand-in, such as aliases: {{{name}: [{next(iter(NAMES))}]}}"
            )
        index.append(list(there).index(found))
        if found != name:
            stand_ins[name] = found
    return Matched(tuple(wanted), tuple(index), stand_ins)


def stack_of(stack: object, *, pre: bool = False) -> tuple[str, ...]:
    """Names of a stack, or of a list of names; with those before the fire after them where `pre` is true.

    Raises:
        StageError: neither a stack nor a list of names.
    """
    names: Sequence[str]
    if isinstance(stack, str) and stack in STACKS:
        names = STACKS[stack]
    elif isinstance(stack, list | tuple) and stack and all(str(name).removesuffix(PRE) in NAMES for name in stack):
        names = [str(name) for name in stack]
    else:
        raise StageError(
            f"reader_settings: stack is {stack!r}; write {', '.join(STACKS)}, or a list of {', '.join(NAMES)}"
        )
    return (*names, *(name + PRE for name in names)) if pre else tuple(names)
