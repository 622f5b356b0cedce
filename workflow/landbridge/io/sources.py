"""`sources.csv`: where each raw file of a domain comes from, and how it is verified.

Read when Snakemake parses the workflow, so this module imports the standard library alone.
"""

from __future__ import annotations

import csv
import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from landbridge.stage import StageError

COLUMNS = ("dataset", "file", "url", "mirror", "version", "sha256", "bytes", "license", "citation", "access")
DIGEST = re.compile(r"[0-9a-f]{64}")
LIST = "list:"
ACCESS = ("open", "optional", "register")


@dataclass(frozen=True)
class Source:
    """One row.

    Attributes:
        dataset: name of the dataset.
        file: path below the dataset's folder; may be a glob.
        url: official address; `{file}` stands for the path of a file that a glob matches. Empty where there is none.
        mirror: a further address, of the same form.
        version: of the dataset.
        sha256: 64 hexadecimal digits; or `list:NAME`, a file of checksums beside sources.csv; or empty. A file
            without a checksum is taken from a mirror or from the raw folder alone.
        bytes: size of a single file, or empty.
        license, citation: of the data.
        access: `open`; `optional`, a file that may be missing; or `register: ` and where and how to get the file.
    """

    dataset: str
    file: str
    url: str
    mirror: str
    version: str
    sha256: str
    bytes: str
    license: str
    citation: str
    access: str

    @property
    def is_glob(self) -> bool:
        """Whether the row stands for many files."""
        return any(letter in self.file for letter in "*?[")


def sources_of(folder: Path, dataset: str) -> list[Source]:
    """Rows of one dataset in a domain's `sources.csv`; none where the file does not name it.

    Raises:
        StageError: a missing column or an unusable value; the text names file and line.
    """
    path = folder / "sources.csv"
    if not path.is_file():
        return []
    with path.open(newline="") as handle:
        reader = csv.DictReader(handle)
        absent = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
        if absent:
            raise StageError(f"{path}, line 1: no column {', '.join(absent)}; the columns are {', '.join(COLUMNS)}")
        rows = [(reader.line_num, row) for row in reader if row["dataset"] == dataset]
    return [_source(path, line, row) for line, row in rows]


def _source(path: Path, line: int, row: Mapping[str, str]) -> Source:
    source = Source(**{name: (row[name] or "").strip() for name in COLUMNS})
    where = f"{path}, line {line}"
    if not source.file or source.file.startswith(("/", "..")) or "/../" in source.file:
        raise StageError(f"{where}: file '{source.file}' must be a path below the dataset's folder")
    if source.sha256.startswith(LIST):
        if not (path.parent / source.sha256.removeprefix(LIST)).is_file():
            raise StageError(f"{where}: there is no {source.sha256.removeprefix(LIST)} beside {path.name}")
    elif source.sha256 and not DIGEST.fullmatch(source.sha256):
        raise StageError(
            f"{where}: sha256 '{source.sha256}' is not 64 hexadecimal digits; write them, list:NAME, or nothing"
        )
    elif source.sha256 and source.is_glob:
        raise StageError(f"{where}: one checksum can't cover '{source.file}'; write list:NAME")
    if source.bytes and not source.bytes.isdigit():
        raise StageError(f"{where}: bytes '{source.bytes}' is not a whole number")
    if source.access not in ("open", "optional") and not source.access.startswith("register: "):
        raise StageError(f"{where}: access '{source.access}'; write open, optional, or 'register: ' and where and how")
    return source


def read_checksums(text: str) -> dict[str, str]:
    """A list of checksums as `sha256sum` prints it: path to digest."""
    found = {}
    for line in text.splitlines():
        digest, _, name = line.strip().partition(" ")
        if DIGEST.fullmatch(digest):
            found[name.strip().lstrip("*").removeprefix("./")] = digest
    return found


def as_settings(rows: Sequence[Source], folder: Path) -> dict[str, Any]:
    """Rows and their lists of checksums as plain values, for a job's settings."""
    lists = sorted({row.sha256.removeprefix(LIST) for row in rows if row.sha256.startswith(LIST)})
    return {
        "sources": [asdict(row) for row in rows],
        "checksums": {name: read_checksums((folder / name).read_text()) for name in lists},
    }


def at_hand(rows: Sequence[Source], raw: Path, mirrors: Iterable[Path]) -> bool:
    """Whether each row that is not optional has a file in the raw folder or in a mirror that is a folder.

    Nothing is opened or fetched.
    """
    folders = [folder for folder in (raw, *mirrors) if folder.is_dir()]
    needed = [row for row in rows if row.access != "optional"]
    return bool(needed) and all(any(next(folder.glob(row.file), None) for folder in folders) for row in needed)


def matches(source: Source, name: str) -> bool:
    """Whether a path below the dataset's folder belongs to a row."""
    return fnmatch.fnmatchcase(name, source.file)
