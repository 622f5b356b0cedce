"""Bring one dataset's raw files to their folder and list them in a manifest: the stage `download`.

Raw files lie in a folder that no rule owns; the manifest says which they are (sorted names, sizes, checksums; no
times, no addresses). A twin's files are made, those of published data are looked for in the raw folder, then in the
mirrors in turn, then at their official address.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from landbridge.io.fetch import FetchError, fetch, sha256_of
from landbridge.io.sources import LIST, Source, matches
from landbridge.stage import Job, StageError

log = logging.getLogger(__name__)

NOT_DATA = ("README.md", "SHA256SUMS", "LICENSE", "LICENSE.txt")


def run(job: Job) -> None:
    """Settings: `dataset`, `twin` (settings of `write_twin`, or None), `sources`, `checksums`; `raw` and `mirrors` as
    places. Output: `manifest`.
    """
    settings = job.settings
    raw = Path(settings["raw"])
    raw.mkdir(parents=True, exist_ok=True)
    if settings["twin"] is not None:
        names = _make_twin(job, raw)
        manifest = {"version": "twin", "license": "CC0-1.0", "citation": "", "files": _entries(raw, names, {})}
    else:
        rows = [Source(**row) for row in settings["sources"]]
        if not rows:
            raise StageError(f"sources.csv has no row for {settings['dataset']}; add one, or mend the dataset's name")
        wanted = _wanted(rows, settings["checksums"], raw, settings["mirrors"])
        for name in sorted(wanted):
            try:
                _bring(name, *wanted[name], raw, settings["mirrors"], settings["dataset"])
            except StageError as error:
                if wanted[name][0].access != "optional":
                    raise
                log.warning("%s It is optional, and left out", error)
                del wanted[name]
        manifest = {
            "version": " ".join(sorted({row.version for row in rows if row.version})),
            "license": "; ".join(sorted({row.license for row in rows if row.license})),
            "citation": "; ".join(sorted({row.citation for row in rows if row.citation})),
            "files": _entries(raw, sorted(wanted), {name: bool(digest) for name, (_, digest) in wanted.items()}),
        }
    manifest["dataset"] = settings["dataset"]
    job.outputs["manifest"].write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def _make_twin(job: Job, raw: Path) -> list[str]:
    """Write a twin beside its folder and swap it in, so that a kill leaves the old files or the new ones."""
    options = {key: value for key, value in job.settings["twin"].items() if key != "seed"}
    with tempfile.TemporaryDirectory(prefix=f".{raw.name}.", dir=raw.parent) as name:
        made = Path(name) / "made"
        made.mkdir()
        try:
            job.load("twin").write_twin(made, job.settings["dataset"], job.settings["twin"].get("seed", 1), **options)
        except TypeError as error:
            raise StageError(f"datasets.{job.settings['dataset']}.twin: {error}; see write_twin in twin.py") from error
        raw.rename(Path(name) / "old")
        made.rename(raw)
    return sorted(path.relative_to(raw).as_posix() for path in raw.rglob("*") if path.is_file())


def _wanted(
    rows: Sequence[Source], checksums: Mapping[str, Mapping[str, str]], raw: Path, mirrors: Sequence[str]
) -> dict[str, tuple[Source, str]]:
    """Every file of a dataset, with its row and its checksum ("" where none is known).

    A list of checksums names the files that are known. Of a glob, files in the raw folder or in a mirror's folder
    that no list names are welcome too (another institute's towers). Where such a folder is given, files that are in a
    list but not in the folder are left out: a mirror may hold a part.
    """
    local = [raw, *(Path(mirror) for mirror in mirrors if "://" not in mirror)]
    folders = [folder for folder in local if folder.is_dir()]
    found: dict[str, tuple[Source, str]] = {}
    for row in rows:
        if not row.is_glob:
            digests = checksums.get(row.sha256.removeprefix(LIST), {}) if row.sha256.startswith(LIST) else {}
            found[row.file] = (row, digests.get(row.file, "") if row.sha256.startswith(LIST) else row.sha256)
            continue
        listed = checksums.get(row.sha256.removeprefix(LIST), {})
        here = {
            path.relative_to(folder).as_posix()
            for folder in folders
            for path in folder.glob(row.file)
            if path.is_file()
        }
        here = {name for name in here if Path(name).name not in NOT_DATA and not name.endswith((".part", ".etag"))}
        names = here or {name for name in listed if matches(row, name)}
        if not names and row.access == "optional":
            log.warning("no file matches %s; it is optional, and left out", row.file)
        elif not names:
            raise StageError(_unavailable(row, row.file, ["no file matches it here, and no list names any"]))
        absent = [name for name in listed if matches(row, name) and name not in names]
        if absent:
            log.warning(
                "%d of %d listed files of %s are here; the others are left out",
                len(names),
                len(names) + len(absent),
                row.file,
            )
        unknown = sorted(name for name in here if name not in listed)
        if unknown:
            log.info("%d files of %s are in no list of checksums; taken as they are", len(unknown), row.file)
        for name in names:
            found[name] = (row, listed.get(name, ""))
    return found


def _bring(name: str, row: Source, digest: str, raw: Path, mirrors: Sequence[str], dataset: str) -> None:
    target = raw / name
    if target.is_file():
        if not digest or sha256_of(target) == digest:
            return
        kept = target.with_name(target.name + ".bad")
        target.replace(kept)
        log.warning("%s: its checksum is not that of sources.csv; kept as %s and fetched anew", target, kept.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    size = int(row.bytes) if row.bytes and not row.is_glob else None
    places = [f"{mirror.rstrip('/')}/{name}" for mirror in mirrors]
    if digest:  # what can't be verified is not taken from the network
        places += [address.replace("{file}", name) for address in (row.mirror, row.url) if address]
    reasons = []
    for place in places:
        try:
            fetch(place, target, sha256=digest, size=size)
        except FetchError as error:
            log.info("%s", error)
            reasons.append(str(error))
            continue
        except OSError as error:
            raise StageError(f"{target}: {error.strerror}; free some space or mend the folder's rights") from error
        if not digest:
            log.warning("%s: no checksum is known; taken from a mirror as it is", name)
        return
    raise StageError(_unavailable(row, name, reasons or ["no place to fetch it from is known"]))


def _unavailable(row: Source, name: str, reasons: Sequence[str]) -> str:
    text = f"{row.dataset}: {name} can't be had: " + "; ".join(reasons) + ". "
    if row.access.startswith("register: "):
        text += f"These data need a registration: {row.access.removeprefix('register: ')}. "
    return text + "Put it into the dataset's folder under the raw folder, or name a mirror with --config mirror=FOLDER"


def _entries(raw: Path, names: Sequence[str], verified: Mapping[str, bool]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "bytes": (raw / name).stat().st_size,
            "sha256": sha256_of(raw / name),
            "verified": verified.get(name, True),
        }
        for name in names
    ]


def verify(manifest: Mapping[str, Any], raw: Path) -> None:
    """Compare the raw files with their manifest before anything is parsed.

    Raises:
        StageError: a file is gone or has changed.
    """
    for entry in manifest["files"]:
        path = raw / entry["name"]
        fix = f"run again with --forcerun download, or restore the file ({manifest['dataset']})"
        if not path.is_file():
            raise StageError(f"{path}: is in the manifest and not in the folder; {fix}")
        if path.stat().st_size != entry["bytes"] or sha256_of(path) != entry["sha256"]:
            raise StageError(f"{path}: has changed since it was downloaded; {fix}")
