"""The stage `download`: manifests, mirrors, damaged and missing files, twins."""

import hashlib
import json
import types

import pytest
from landbridge.io import download, sources
from landbridge.stage import Job, StageError


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def row(**changes):
    base = dict.fromkeys(sources.COLUMNS, "")
    return {**base, "dataset": "d", "file": "a.csv", "access": "open", "license": "CC0-1.0", "version": "1", **changes}


class TwinJob(Job):
    """A job whose twin is a function of the test."""

    def load(self, role):
        return types.SimpleNamespace(write_twin=self.settings["function"])


def run(tmp_path, rows=(), mirrors=(), checksums=None, twin=None, function=None):
    settings = {
        "dataset": "d",
        "domain": "x",
        "twin": twin,
        "sources": list(rows),
        "checksums": checksums or {},
        "raw": str(tmp_path / "raw"),
        "mirrors": [str(mirror) for mirror in mirrors],
        "function": function,
    }
    output = tmp_path / "manifest.json"
    download.run(TwinJob("download", {}, {"manifest": output}, settings))
    return json.loads(output.read_text())


def mirror(tmp_path, name="mirror", **files):
    folder = tmp_path / name
    for file, text in files.items():
        path = folder / file.replace("__", "/").replace("_", ".", 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_manifest_is_sorted_and_knows_no_place(tmp_path):
    folder = mirror(tmp_path, b_csv="2", a_csv="1")
    rows = [row(file="b.csv", sha256=digest("2")), row(file="a.csv", sha256=digest("1"))]
    manifest = run(tmp_path, rows, [folder])
    assert manifest["files"] == [
        {"name": "a.csv", "bytes": 1, "sha256": digest("1"), "verified": True},
        {"name": "b.csv", "bytes": 1, "sha256": digest("2"), "verified": True},
    ]
    assert str(tmp_path) not in json.dumps(manifest)
    first = (tmp_path / "manifest.json").read_bytes()
    run(tmp_path, rows, [])  # the files are there: no mirror is needed
    assert (tmp_path / "manifest.json").read_bytes() == first


def test_mirrors_are_tried_in_turn(tmp_path):
    empty, full = mirror(tmp_path, "empty", x_csv="0"), mirror(tmp_path, "full", a_csv="1")
    assert run(tmp_path, [row(sha256=digest("1"))], [empty, full])["files"][0]["sha256"] == digest("1")


def test_a_damaged_raw_file_is_put_aside_and_fetched_anew(tmp_path):
    folder = mirror(tmp_path, a_csv="1")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.csv").write_text("broken")
    run(tmp_path, [row(sha256=digest("1"))], [folder])
    assert (tmp_path / "raw" / "a.csv").read_text() == "1"
    assert (tmp_path / "raw" / "a.csv.bad").read_text() == "broken"


def test_a_mirror_with_another_version_is_refused(tmp_path):
    folder = mirror(tmp_path, a_csv="other")
    with pytest.raises(StageError, match=r"a\.csv can't be had: .*the file is damaged or of another version"):
        run(tmp_path, [row(sha256=digest("1"))], [folder])


def test_a_file_without_a_checksum_comes_from_a_mirror_alone(tmp_path):
    manifest = run(tmp_path, [row(url="http://127.0.0.1:9/a.csv")], [mirror(tmp_path, a_csv="1")])
    assert manifest["files"][0] == {"name": "a.csv", "bytes": 1, "sha256": digest("1"), "verified": False}
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(StageError, match="no place to fetch it from is known"):
        run(other, [row(url="http://127.0.0.1:9/a.csv")])


def test_gated_data_say_where_to_register(tmp_path):
    gated = row(access="register: https://example.org/join, then put a.csv into the folder", sha256=digest("1"))
    with pytest.raises(StageError) as error:
        run(tmp_path, [gated])
    text = str(error.value)
    assert "These data need a registration: https://example.org/join" in text
    assert "name a mirror with --config mirror=FOLDER" in text


def test_a_glob_takes_what_is_here_and_welcomes_more(tmp_path):
    folder = mirror(tmp_path, sites__a_csv="1", sites__new_csv="3")
    checksums = {"L": {"sites/a.csv": digest("1"), "sites/b.csv": digest("2")}}
    rows = [row(file="sites/*.csv", sha256="list:L")]
    manifest = run(tmp_path, rows, [folder], checksums)
    assert [(entry["name"], entry["verified"]) for entry in manifest["files"]] == [
        ("sites/a.csv", True),
        ("sites/new.csv", False),
    ]


def test_a_glob_that_finds_nothing(tmp_path):
    with pytest.raises(StageError, match="no file matches it here, and no list names any"):
        run(tmp_path, [row(file="sites/*.csv")])


def test_a_dataset_without_rows(tmp_path):
    with pytest.raises(StageError, match=r"sources\.csv has no row for d"):
        run(tmp_path)


def test_a_twin_replaces_the_old_files_at_once(tmp_path):
    def write(folder, dataset, seed, *, size):
        (folder / f"{dataset}{seed}{size}.txt").write_text("x")

    assert [e["name"] for e in run(tmp_path, twin={"seed": 1, "size": 2}, function=write)["files"]] == ["d12.txt"]
    assert [e["name"] for e in run(tmp_path, twin={"seed": 1, "size": 3}, function=write)["files"]] == ["d13.txt"]
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["d13.txt"]

    def broken(folder, dataset, seed, *, size):
        (folder / "half.txt").write_text("x")
        raise StageError("no")

    with pytest.raises(StageError):
        run(tmp_path, twin={"size": 3}, function=broken)
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["d13.txt"]
    with pytest.raises(StageError, match=r"datasets\.d\.twin: .*unexpected keyword argument 'sise'"):
        run(tmp_path, twin={"sise": 3}, function=write)


def test_verify_names_what_changed(tmp_path):
    manifest = run(tmp_path, [row(sha256=digest("1"))], [mirror(tmp_path, a_csv="1")])
    download.verify(manifest, tmp_path / "raw")
    (tmp_path / "raw" / "a.csv").write_text("2")
    with pytest.raises(
        StageError, match=r"a\.csv: has changed since it was downloaded; run again with --forcerun download"
    ):
        download.verify(manifest, tmp_path / "raw")
    (tmp_path / "raw" / "a.csv").unlink()
    with pytest.raises(StageError, match="is in the manifest and not in the folder"):
        download.verify(manifest, tmp_path / "raw")


def write_sources(tmp_path, text):
    (tmp_path / "sources.csv").write_text(",".join(sources.COLUMNS) + "\n" + text)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("d,/a.csv,,,1,,,CC0,,open", r"line 2: file '/a.csv' must be a path below"),
        ("d,a.csv,,,1,12,,CC0,,open", r"line 2: sha256 '12' is not 64 hexadecimal digits"),
        ("d,a.csv,,,1,list:NONE,,CC0,,open", r"line 2: there is no NONE beside sources\.csv"),
        (f"d,*.csv,,,1,{'0' * 64},,CC0,,open", r"line 2: one checksum can't cover '\*\.csv'; write list:NAME"),
        ("d,a.csv,,,1,,many,CC0,,open", r"line 2: bytes 'many' is not a whole number"),
        ("d,a.csv,,,1,,,CC0,,closed", r"line 2: access 'closed'; write open, optional, or 'register: '"),
    ],
)
def test_broken_rows_name_file_and_line(tmp_path, line, text):
    with pytest.raises(StageError, match=text):
        sources.sources_of(write_sources(tmp_path, line + "\n"), "d")


def test_a_missing_column(tmp_path):
    (tmp_path / "sources.csv").write_text("dataset,file\n")
    with pytest.raises(StageError, match=r"line 1: no column url, mirror, version"):
        sources.sources_of(tmp_path, "d")


def test_at_hand_looks_at_folders_alone(tmp_path):
    rows = sources.sources_of(write_sources(tmp_path, "d,a.csv,,,1,,,CC0,,open\nd,s/*.csv,,,1,,,CC0,,open\n"), "d")
    folder = mirror(tmp_path, a_csv="1")
    assert not sources.at_hand(rows, tmp_path / "raw", [folder])
    mirror(tmp_path, s__x_csv="1")
    assert sources.at_hand(rows, tmp_path / "raw", [folder])
    assert not sources.at_hand([], tmp_path / "raw", [folder])
    assert sources.sources_of(tmp_path, "unknown") == []


def test_checksum_lists_as_sha256sum_prints_them():
    text = f"{digest('1')}  ./a b.csv\n{digest('2')} *c.csv\nnot a line\n"
    assert sources.read_checksums(text) == {"a b.csv": digest("1"), "c.csv": digest("2")}
