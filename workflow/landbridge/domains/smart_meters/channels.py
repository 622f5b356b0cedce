"""The layout of REDD `low_freq` and of UK-DALE: a folder for each house, a file of two columns for each channel.

`house_<N>/channel_<M>.dat` holds seconds since 1970 (UTC) and W, with a blank between and without a header;
`house_<N>/labels.dat` names the channels. Written from the documentation of both datasets.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from landbridge.contract import Unit
from landbridge.domains.smart_meters.appliances import MAINS
from landbridge.domains.smart_meters.homes import Home
from landbridge.domains.smart_meters.settings import Settings, by_number
from landbridge.domains.smart_meters.streams import Stream
from landbridge.domains.smart_meters.text import Layout, read_batches
from landbridge.domains.smart_meters.truth import Truth
from landbridge.domains.smart_meters.units import Meter, Wiring, labelled, unit_of
from landbridge.stage import StageError

HOUSE = re.compile(r"house_?(\d+)", re.IGNORECASE)
CHANNEL = re.compile(r"channel_(\d+)\.dat")  # and not channel_<M>_button_press.dat
LABELS = "labels.dat"
LAYOUT = Layout(("time", "power"), "time", ("power",), delimiter=" ")


def houses(folder: Path) -> dict[int, Path]:
    """Folders of houses by number, in `folder` or one below it.

    Raises:
        StageError: none, or two of one number.
    """
    for place in (folder, *sorted(path for path in folder.glob("*/") if not HOUSE.fullmatch(path.name))):
        found = by_number(place.glob("*/"), HOUSE)
        if found:
            return found
    packed = ", ".join(path.name for path in sorted(folder.glob("*.h5")))
    why = f"; {packed} is of another packing, which is not read" if packed else ""
    raise StageError(f"{folder}: holds no folder house_<N>{why}; put house_1/channel_1.dat and so on there")


def channels(house: Path) -> dict[int, Path]:
    """Files of the channels of a house, by number."""
    matches = ((CHANNEL.fullmatch(path.name), path) for path in sorted(house.iterdir()))
    return {int(match.group(1)): path for match, path in matches if match}


def read_labels(path: Path) -> dict[int, str]:
    """Name of each channel.

    Raises:
        StageError: no such file, a line that is not a number and a name, or a number twice; the text names the line.
    """
    if not path.is_file():
        raise StageError(f"{path}: not there; it names the channels, one in a line: '1 mains', '2 mains', ...")
    found: dict[int, str] = {}
    for line, text in enumerate(path.read_text(errors="replace").splitlines(), start=1):
        words = text.split(maxsplit=1)
        if not words:
            continue
        if len(words) < 2 or not words[0].isdecimal():
            raise StageError(f"{path}, line {line}: '{text.strip()}' is no label; write a number, a blank and a name")
        if int(words[0]) in found:
            raise StageError(f"{path}, line {line}: channel {words[0]} is named a second time; name it once")
        found[int(words[0])] = words[1].strip()
    return found


def present(
    meters: Mapping[str, tuple[int, ...]], files: Mapping[int, Path], home: str, counts: Counter[str]
) -> dict[str, tuple[int, ...]]:
    """The loads whose channels are all there; one of which a channel is not there is left out and counted.

    A part of the channels would give a part of the power, which is no label.

    Raises:
        StageError: the channel that is not there is one of the mains.
    """
    found = {}
    for name, numbers in meters.items():
        absent = [number for number in numbers if number not in files]
        if absent and name == MAINS:
            raise StageError(
                f"{home}: channel_{absent[0]}.dat is not there, and the mains are the sum of channels "
                f"{', '.join(map(str, numbers))}; fetch the file, or leave the home out with reader_settings: homes"
            )
        for number in absent:
            counts[f"left out: {name} of {home}, channel_{number} is not there"] += 1
        if not absent:
            found[name] = numbers
    return found


def read_home(
    home: Home,
    mains: tuple[int, ...],
    files: Mapping[int, Path],
    own: Settings,
    truth: Truth | None,
    counts: Counter[str],
) -> Unit | None:
    """The unit of a home; None where it has no mains in any step, which is counted.

    Only the channels of mains and labelled appliances are opened.

    Raises:
        StageError: a file that can't be used.
    """
    wanted = {MAINS: mains, **{name: home.meters[name] for name in labelled(home, own)}}
    loads = present(wanted, files, home.name, counts)
    with ExitStack() as stack:
        streams: list[Stream] = []
        places: dict[str, list[Meter]] = {}
        for name, numbers in loads.items():
            for number in numbers:
                handle = stack.enter_context(files[number].open("rb"))
                where = str(files[number])
                places.setdefault(name, []).append((len(streams), 0))
                column = f"{MAINS} of {home.name}" if name == MAINS else name
                streams.append(Stream(read_batches(handle, where, LAYOUT, 1, counts), where, [column], counts))
        return unit_of(home, streams, Wiring(places.pop(MAINS), places), own, truth, counts)
