"""Fetching over HTTP and from folders, against a server in this process."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from landbridge.io import fetch as module
from landbridge.io.fetch import FetchError, fetch

DATA = bytes(range(256)) * 400
DIGEST = hashlib.sha256(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Behaves as the path says; `state` of the server remembers what was asked."""

    def log_message(self, *_):
        """Keep the terminal clean."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range"), self.headers.get("If-Range")))
        count = sum(path == self.path for path, _, _ in self.server.asked)
        kind = self.path.strip("/").split("/")[0]
        if kind == "missing":
            self.answer(404, b"no")
        elif kind == "flaky" and count < 3:
            self.answer(503, b"busy")
        elif kind == "page":
            self.answer(200, b"<!DOCTYPE html><html>log in</html>", {"Content-Type": "text/html; charset=utf-8"})
        elif kind == "sly":
            self.answer(200, b"\n <HTML>log in</HTML>", {"Content-Type": "application/octet-stream"})
        elif kind == "cut" and count == 1:
            self.send_response(200)
            self.send_header("Content-Length", str(len(DATA)))
            self.send_header("ETag", '"one"')
            self.end_headers()
            self.wfile.write(DATA[:50000])
        elif kind == "moved":
            self.send_response(302)
            self.send_header("Location", "/plain/a.bin")
            self.end_headers()
        elif self.headers.get("Range") and kind != "whole":
            self.ranged()
        else:
            self.answer(200, DATA, {"ETag": '"one"'})

    def ranged(self):
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        if self.headers.get("If-Range") not in (None, '"one"'):
            self.answer(200, DATA, {"ETag": '"one"'})
        elif start >= len(DATA):
            self.answer(416, b"")
        else:
            self.server.served.append(len(DATA) - start)
            self.answer(206, DATA[start:], {"Content-Range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"})

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.asked, running.served = [], []
        threading.Thread(target=running.serve_forever, daemon=True).start()
        running.address = f"http://127.0.0.1:{running.server_address[1]}"
        yield running
        running.shutdown()


@pytest.fixture
def waits():
    return []


@pytest.fixture
def get(server, tmp_path, waits):
    def run(path, **options):
        target = tmp_path / "a.bin"
        fetch(server.address + path, target, pause=waits.append, **options)
        return target

    return run


def test_a_plain_file(get):
    assert get("/plain/a.bin", sha256=DIGEST, size=len(DATA)).read_bytes() == DATA


def test_a_redirect(get):
    assert get("/moved/a.bin", sha256=DIGEST).read_bytes() == DATA


def test_nothing_but_the_file_is_left(get, tmp_path):
    get("/plain/a.bin", sha256=DIGEST)
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_wrong_checksum_leaves_no_file(get, tmp_path):
    with pytest.raises(FetchError, match=f"its checksum is {DIGEST}, expected {'0' * 64}"):
        get("/plain/a.bin", sha256="0" * 64)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".bin"] == []


def test_a_cut_connection_is_continued_where_it_ended(get, server):
    assert get("/cut/a.bin", sha256=DIGEST, size=len(DATA)).read_bytes() == DATA
    assert server.asked[1][1:] == ("bytes=50000-", '"one"')
    assert server.served == [len(DATA) - 50000]


def test_a_part_of_an_earlier_attempt_is_continued(get, server, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(DATA[:1000])
    assert get("/plain/a.bin", sha256=DIGEST).read_bytes() == DATA
    assert server.served == [len(DATA) - 1000]


def test_a_part_of_another_version_is_begun_anew(get, server, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(b"old" * 100)
    (tmp_path / "a.bin.part.etag").write_text('"zero"')
    assert get("/plain/a.bin", sha256=DIGEST).read_bytes() == DATA
    assert server.served == []


def test_a_server_that_ignores_ranges(get, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(DATA[:1000])
    assert get("/whole/a.bin", sha256=DIGEST).read_bytes() == DATA


def test_a_part_that_is_too_long_is_begun_anew(get, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(DATA + b"more")
    assert get("/plain/a.bin", sha256=DIGEST).read_bytes() == DATA


def test_a_busy_server_is_asked_again_after_growing_waits(get, waits):
    assert get("/flaky/a.bin", sha256=DIGEST).read_bytes() == DATA
    assert waits == [1, 2]


def test_a_missing_file_is_not_asked_for_again(get, server):
    with pytest.raises(FetchError, match="the server answers 404"):
        get("/missing/a.bin")
    assert len(server.asked) == 1


@pytest.mark.parametrize("path", ["/page/a.bin", "/sly/a.bin"])
def test_a_web_page_is_not_data(get, path):
    with pytest.raises(FetchError, match="a web page came in place of the file; a login"):
        get(path)


def test_no_network_is_a_readable_line(tmp_path, waits):
    with pytest.raises(FetchError, match=r"ConnectError: .*, after 5 attempts; is there a network\?"):
        fetch("http://127.0.0.1:9/a.bin", tmp_path / "a.bin", pause=waits.append)
    assert waits == [1, 2, 4, 8]


def test_folders_and_file_addresses(tmp_path):
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "a b.bin").write_bytes(DATA)
    for address in (str(tmp_path / "from" / "a b.bin"), (tmp_path / "from" / "a b.bin").as_uri()):
        fetch(address, tmp_path / "a.bin", sha256=DIGEST)
        assert (tmp_path / "a.bin").read_bytes() == DATA
    with pytest.raises(FetchError, match="not there"):
        fetch(str(tmp_path / "none"), tmp_path / "b.bin")
    with pytest.raises(FetchError, match="'ftp' is not supported"):
        fetch("ftp://example.org/a", tmp_path / "b.bin")


def test_hashing_reads_in_pieces(tmp_path):
    (tmp_path / "a").write_bytes(DATA)
    assert module.sha256_of(tmp_path / "a") == DIGEST
