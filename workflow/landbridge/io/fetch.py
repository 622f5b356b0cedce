"""Fetch one file: from a folder or over HTTP, resumed, retried, verified before it takes its name."""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from landbridge.stage import StageError

log = logging.getLogger(__name__)

RETRIES = 4
TIMEOUT_SECONDS = 30.0
PROGRESS_SECONDS = 5.0
HTML_STARTS = (b"<!doctype html", b"<html")


class FetchError(StageError):
    """A file could not be fetched from one place; another may be tried."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def fetch(
    address: str,
    target: Path,
    *,
    sha256: str = "",
    size: int | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Bring one file to `target`.

    A file is written to `target` with `.part` added, and renamed once its checksum is right. A `.part` that an
    earlier attempt left is continued where the server allows it.

    Args:
        address: http(s) address, file: address, or path.
        target: where to; its folder exists.
        sha256: expected checksum; none is checked if empty.
        size: expected bytes.
        pause: waits a number of seconds between attempts.

    Raises:
        FetchError: not to be had here; the text says why.
    """
    parts = urlsplit(address)
    if parts.scheme in ("http", "https"):
        _fetch_http(address, target, sha256, size, pause)
    elif parts.scheme in ("", "file"):
        _fetch_folder(Path(unquote(parts.path)) if parts.scheme else Path(address), target, sha256)
    else:
        raise FetchError(f"{address}: '{parts.scheme}' is not supported; give a folder or an http(s) address")


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _fetch_folder(source: Path, target: Path, sha256: str) -> None:
    if not source.is_file():
        raise FetchError(f"{source}: not there")
    part = _part(target)
    shutil.copyfile(source, part)
    _finish(part, target, sha256, str(source))


def _finish(part: Path, target: Path, sha256: str, address: str) -> None:
    if sha256:
        found = sha256_of(part)
        if found != sha256:
            part.unlink()
            raise FetchError(
                f"{address}: its checksum is {found}, expected {sha256}; the file is damaged or of another version"
            )
    part.replace(target)


def _fetch_http(address: str, target: Path, sha256: str, size: int | None, pause: Callable[[float], None]) -> None:
    import httpx  # a third of a second to load, and most jobs fetch nothing

    for attempt in range(RETRIES + 1):
        try:
            with httpx.Client(follow_redirects=True, timeout=TIMEOUT_SECONDS) as client:
                _download(client, address, target, size)
            break
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            if status < 500 and status not in (408, 429):
                raise FetchError(f"{address}: the server answers {status}") from error
            reason = f"the server answers {status}"
        except httpx.HTTPError as error:
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if attempt == RETRIES:
            raise FetchError(f"{address}: {reason}, after {RETRIES + 1} attempts; is there a network?")
        wait = 2.0**attempt
        log.warning("%s: %s; again in %.0f s", address, reason, wait)
        pause(wait)
    _finish(_part(target), target, sha256, address)


def _download(client: object, address: str, target: Path, size: int | None) -> None:
    import httpx

    assert isinstance(client, httpx.Client)
    part = _part(target)
    tag_file = target.with_name(target.name + ".part.etag")
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag_file.is_file():  # only continue the very file that was begun
            headers["If-Range"] = tag_file.read_text()
    with client.stream("GET", address, headers=headers) as answer:
        if answer.status_code == 416:  # nothing after what we have: complete, or another file
            part.unlink()
            tag_file.unlink(missing_ok=True)
            raise httpx.ReadError(f"the server has fewer bytes than the {have} at hand; beginning anew")
        answer.raise_for_status()
        continued = answer.status_code == 206
        kind = answer.headers.get("content-type", "").split(";")[0].strip()
        wants_html = target.suffix in (".html", ".htm")
        if kind == "text/html" and not wants_html:
            raise FetchError(f"{address}: a web page came in place of the file; a login or a moved address is likely")
        if answer.headers.get("etag"):
            tag_file.write_text(answer.headers["etag"])
        if continued:
            log.info("%s: continued at byte %d", address, have)
        length = answer.headers.get("content-length")
        total = (have if continued else 0) + int(length) if length else None
        with part.open("ab" if continued else "wb") as handle:
            begun, told, done = time.monotonic(), time.monotonic(), 0
            for (
                piece
            ) in answer.iter_raw():  # as it arrives: a larger piece in waiting would be lost with the connection
                if (
                    done == 0
                    and not continued
                    and not wants_html
                    and piece[:64].lstrip().lower().startswith(HTML_STARTS)
                ):
                    raise FetchError(
                        f"{address}: a web page came in place of the file; a login or a moved address is likely"
                    )
                handle.write(piece)
                done += len(piece)
                if total and time.monotonic() - told > PROGRESS_SECONDS:
                    told = time.monotonic()
                    left = (told - begun) / done * (total - (have if continued else 0) - done)
                    log.info("%s: %.0f of %.0f MB, %.0f s left", target.name, done / 1e6, total / 1e6, left)
    found = part.stat().st_size
    expected = size if size is not None else total
    if expected is not None and found < expected:
        raise httpx.ReadError(f"the connection ended after {found} of {expected} bytes")
    if expected is not None and found > expected:
        part.unlink()
        raise FetchError(f"{address}: {found} bytes came where {expected} were expected")
    tag_file.unlink(missing_ok=True)
