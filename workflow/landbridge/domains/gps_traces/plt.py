"""Tracks of Geolife: `.plt` files to arrays, whole columns at a time, and line by line where a file is broken."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.csv

from landbridge.stage import StageError

FIRST_LINE = b"Geolife trajectory"
HEADER_LINES = 6
COLUMNS = ["latitude", "longitude", "zero", "feet", "days", "date", "time"]
# The day number is not read: date and time are exact, and it is rounded. The altitude is used nowhere.
TYPES = {"latitude": pa.float64(), "longitude": pa.float64(), "date": pa.date32(), "time": pa.time32("s")}
LINE = re.compile(
    rb"\s*([-+.\deE]+),([-+.\deE]+),[^,]*,[^,]*,[^,]*,(\d{4}-\d\d-\d\d),([01]\d:[0-5]\d:[0-5]\d|2[0-3]:[0-5]\d:[0-5]\d)\s*"
)
READ = pa.csv.ReadOptions(column_names=COLUMNS, use_threads=False, block_size=8 << 20)
CONVERT = pa.csv.ConvertOptions(column_types=TYPES, include_columns=list(TYPES))

Track = tuple[np.ndarray, np.ndarray, np.ndarray]  # time in ms, latitude, longitude, each (fix,)


def read_plt(data: bytes, where: str, counts: Counter[str]) -> Track:
    """Fixes of a `.plt` file. A last line that is cut is dropped and counted.

    Raises:
        StageError: the file ends inside its header, begins otherwise, or a line before the last is broken.
    """
    begin = 0
    for number in range(1, HEADER_LINES + 1):
        begin = data.find(b"\n", begin) + 1
        if not begin:
            raise StageError(f"{where}, line {number}: ends inside the header of six lines; fetch the file again")
    if not data.startswith(FIRST_LINE):
        raise StageError(
            f"{where}, line 1: is not '{FIRST_LINE.decode()}'; the file is no track, or its header is lost"
        )
    body = data[begin:]
    if not body.endswith(b"\n") and body and not LINE.fullmatch(body[body.rfind(b"\n") + 1 :]):
        counts["dropped: last line of a track, cut"] += 1
        body = body[: body.rfind(b"\n") + 1]
    if not body.strip():
        counts["tracks without a fix"] += 1
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    try:
        table = pa.csv.read_csv(pa.BufferReader(body), read_options=READ, convert_options=CONVERT)
    except pa.ArrowInvalid:
        return _by_line(body, where, counts)
    columns = [column.combine_chunks() for column in table.columns]
    if any(column.null_count for column in columns):
        return _by_line(body, where, counts)
    lat, lon = columns[0].to_numpy(), columns[1].to_numpy()
    days, seconds = (column.cast(pa.int32()).to_numpy().astype(np.int64) for column in columns[2:])
    return (days * 86400 + seconds) * 1000, lat, lon


def _by_line(body: bytes, where: str, counts: Counter[str]) -> Track:
    """The same, line by line."""
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), start=HEADER_LINES + 1) if line.strip()]
    times, places = [], []
    for number, line in lines:
        match = LINE.fullmatch(line)
        try:
            if match is None:
                raise ValueError("is no fix")
            times.append(np.datetime64(f"{match.group(3).decode()}T{match.group(4).decode()}", "ms"))
            places.append((float(match.group(1)), float(match.group(2))))
        except ValueError as error:
            if number == lines[-1][0]:
                counts["dropped: last line of a track, cut"] += 1
                times = times[: len(places)]
                break
            text = line.strip().decode(errors="replace")
            raise StageError(
                f"{where}, line {number}: '{text}' {error}; seven fields with commas between are wanted: latitude, "
                f"longitude, 0, feet, days, YYYY-MM-DD, hh:mm:ss"
            ) from error
    table = np.array(places, np.float64).reshape(-1, 2)
    return np.array(times, "datetime64[ms]").astype(np.int64), table[:, 0].copy(), table[:, 1].copy()
