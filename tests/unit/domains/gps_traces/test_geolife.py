"""Geolife's layout: known answers on files made by hand, and what becomes of every kind of fault."""

import zipfile
from collections import Counter

import numpy as np
import pytest
from landbridge.domains.gps_traces import plt
from landbridge.domains.gps_traces.readers import READERS
from landbridge.stage import StageError

from tests.unit.domains.gps_traces.described import round_trip

read = READERS["geolife"]
HEADER = ["Geolife trajectory", "WGS 84", "Altitude is in Feet", "Reserved 3", "0,2,255,My Track,0,0,2,8421376", "0"]
DAY = np.datetime64("2009-10-11T00:00:00")


def row(seconds, lat=None, lon=116.4):
    stamp = str(DAY + np.timedelta64(seconds, "s"))
    lat = 39.9 + 1e-5 * (seconds % 3600) if lat is None else lat
    return f"{lat:.6f},{lon:.6f},0,492,40097.5864583333,{stamp[:10]},{stamp[11:]}"


def track(rows, eol="\n", end=True):
    return (eol.join([*HEADER, *rows]) + (eol if end else "")).encode()


def label(start, stop, mode):
    stamps = (str(DAY + np.timedelta64(seconds, "s")).replace("-", "/").replace("T", " ") for seconds in (start, stop))
    return "\t".join((*stamps, mode))


def labels(rows, eol="\n"):
    return (eol.join(["Start Time\tEnd Time\tTransportation Mode", *rows]) + eol).encode()


def write(folder, rows=None, label_rows=None, user="001", **files):
    """A user with one track, and further files by path below the user's folder with / written as __."""
    place = folder / "Data" / user
    (place / "Trajectory").mkdir(parents=True, exist_ok=True)
    if rows is not None:
        content = rows if isinstance(rows, bytes) else track(rows)
        (place / "Trajectory" / "20091011000000.plt").write_bytes(content)
    if label_rows is not None:
        content = label_rows if isinstance(label_rows, bytes) else labels(label_rows)
        (place / "labels.txt").write_bytes(content)
    for name, content in files.items():
        (place / "Trajectory" / f"{name}.plt").write_bytes(content)
    return folder


def units(folder, **settings):
    counts = Counter()
    return {unit.name: unit for unit in read(folder, settings, counts=counts)}, counts


ROWS = [row(seconds) for seconds in range(0, 600, 5)]
LABELS = [label(0, 299, "bus"), label(300, 599, "walk")]


def test_a_published_row():
    data = track(["39.906631,116.385564,0,492,40097.5864583333,2009-10-11,14:04:30"])
    time, lat, lon = plt.read_plt(data, "x", Counter())
    assert time.astype("datetime64[ms]").tolist() == [np.datetime64("2009-10-11T14:04:30.000").astype(object)]
    assert (lat[0], lon[0]) == (39.906631, 116.385564)


def test_two_trips(tmp_path):
    found, counts = units(write(tmp_path, ROWS, LABELS))
    assert list(found) == ["001_00001", "001_00002"]
    bus, walk = found.values()
    assert (bus.static["mode"], bus.static["mode_detail"]) == (1, "bus")
    assert (walk.static["mode"], walk.static["mode_detail"]) == (4, "walk")
    assert bus.static["user"] == "001"
    assert bus.static["region"] == "Beijing"
    assert bus.static["start_hour"] == 8.0
    assert bus.static["journey"] == walk.static["journey"]
    assert bus.static["route"] == f"{bus.static['start_cell']} to {bus.static['end_cell']}"
    assert bus.time[0] == DAY
    assert len(bus.time) == len(walk.time) == 60
    assert np.isnan(bus.values["speed"][0])
    assert bus.values["speed"][1:] == pytest.approx(3.6 * 1.111949, rel=1e-3)
    assert counts["points"] == 120
    dataset = round_trip(tmp_path / "a.nc", found.values())
    assert dataset["mode"].tolist() == [1, 4]
    assert dataset["time"][:2].tolist() == [1255219200000, 1255219205000]


def test_a_fix_on_a_border_belongs_to_the_first_row_and_one_outside_to_none(tmp_path):
    ten, twenty = 36_000, 37_200
    rows = [row(seconds) for seconds in range(ten, twenty + 2)]
    found, counts = units(write(tmp_path, rows, [label(ten, ten + 600, "bus"), label(ten + 600, twenty, "walk")]))
    bus, walk = found.values()
    assert bus.time[-1] == np.datetime64("2009-10-11T10:10:00")
    assert walk.time[0] == np.datetime64("2009-10-11T10:10:01")
    assert walk.time[-1] == np.datetime64("2009-10-11T10:20:00")
    assert counts["points in more than one label row"] == 1
    assert counts["dropped: point without a label"] == 1


def test_the_first_row_in_file_order_wins_not_the_first_in_time(tmp_path):
    found, counts = units(write(tmp_path, ROWS, [label(200, 400, "car"), label(0, 599, "train")]))
    assert [len(unit.time) for unit in found.values()] == [41, 79]
    assert counts["points in more than one label row"] == 41
    train = found["001_00002"]
    assert DAY + np.timedelta64(300, "s") not in train.time
    assert np.isnan(train.values["speed"]).sum() == 1  # a hole of 210 s is no gap


def test_label_rows_outside_or_the_wrong_way_round(tmp_path):
    rows = [*LABELS, label(7000, 8000, "bus"), label(500, 400, "car")]
    found, counts = units(write(tmp_path, ROWS, rows))
    assert len(found) == 2
    assert counts["label rows"] == 4
    assert counts["label rows without a fix"] == 2
    assert counts["label rows that end before they start"] == 1


def test_numbers_of_rows_are_those_of_the_file(tmp_path):
    found, _ = units(write(tmp_path, ROWS, [label(7000, 8000, "bus"), label(0, 599, "airplane"), label(0, 599, "car")]))
    assert found == {}  # the airplane's row comes first and takes all fixes
    found, counts = units(write(tmp_path, ROWS, [label(7000, 8000, "bus"), label(0, 99, "boat"), label(0, 599, "car")]))
    assert list(found) == ["001_00003"]
    assert counts["dropped: mode boat"] == 1


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("end", [True, False])
def test_line_ends(tmp_path, eol, end):
    found, counts = units(write(tmp_path, track(ROWS, eol, end), labels(LABELS, eol)))
    assert sum(len(unit.time) for unit in found.values()) == 120
    assert counts["dropped: last line of a track, cut"] == 0


LAST = row(600)


@pytest.mark.parametrize("cut", range(1, len(LAST)))
def test_a_last_line_that_is_cut_is_dropped_and_counted(tmp_path, cut):
    data = track([*ROWS, LAST])[: -cut - 1]
    counts = Counter()
    time, lat, _ = plt.read_plt(data, "x", counts)
    assert len(time) == len(lat) == 120
    assert counts["dropped: last line of a track, cut"] == 1


@pytest.mark.parametrize("last", ["39.9,116.4,0", "39.9,116.4,0,1,2,2009-10-11,14:04:3", ",,,,,,", "39.9"])
def test_a_last_line_that_is_cut_before_a_line_end_is_dropped_too(last):
    counts = Counter()
    assert len(plt.read_plt(track([*ROWS, last]), "x", counts)[0]) == 120
    assert counts["dropped: last line of a track, cut"] == 1


@pytest.mark.parametrize("line", range(1, 7))
def test_a_file_that_is_cut_in_its_header_is_refused(tmp_path, line):
    data = "\n".join([*HEADER[: line - 1], HEADER[line - 1][:3]]).encode()
    with pytest.raises(StageError, match=rf"20091011000000.plt, line {line}: ends inside the header"):
        units(write(tmp_path, data, LABELS))


def test_a_header_without_fixes_and_a_track_without_a_header(tmp_path):
    _, counts = units(write(tmp_path, track([]), LABELS))
    assert counts["tracks without a fix"] == 1
    with pytest.raises(StageError, match="line 1: is not 'Geolife trajectory'"):
        units(write(tmp_path, "\n".join(ROWS).encode(), LABELS))


@pytest.mark.parametrize(
    "broken",
    [
        "39.9,116.4,0,1",
        "39.9,116.4,0,1,2,2009-13-11,14:04:30",
        "39.9,116.4,0,1,2,2009-10-11,25:04:30",
        "39.9,116.4,0,1,2,2009-10-11,x",
        "abc,116.4,0,1,2,2009-10-11,14:04:30",
        ",116.4,0,1,2,2009-10-11,14:04:30",
        "39.9,116.4,0,1,2,,14:04:30",
    ],
)
def test_a_broken_line_before_the_last_is_refused_with_its_number(tmp_path, broken):
    with pytest.raises(StageError, match=r"20091011000000.plt, line 10: '.*seven fields"):
        units(write(tmp_path, [*ROWS[:3], broken, *ROWS[3:]], LABELS))


def test_the_slow_way_reads_what_the_fast_one_reads():
    fast = plt.read_plt(track(ROWS), "x", Counter())
    body = track(ROWS)
    begin = body.index(b"\n0\n") + 3
    slow = plt._by_line(body[begin:], "x", Counter())
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_track_that_is_longer_than_a_block_of_text(monkeypatch):
    options = plt.pa.csv.ReadOptions(column_names=plt.COLUMNS, use_threads=False, block_size=1000)
    monkeypatch.setattr(plt, "READ", options)
    time, lat, _ = plt.read_plt(track(ROWS), "x", Counter())
    assert (np.diff(time) == 5000).all()
    assert len(lat) == 120


def test_hidden_files_are_skipped_and_counted(tmp_path):
    folder = write(tmp_path, ROWS, LABELS)
    (folder / "Data/001/Trajectory/._20091011000000.plt").write_bytes(b"\x00\x05\x16\x07")
    found, counts = units(folder)
    assert len(found) == 2
    assert counts["hidden files, skipped"] == 1
    assert counts["tracks"] == 1


def test_positions_out_of_range_and_repeated_times(tmp_path):
    rows = [*ROWS, row(100, 39.95), row(101, 400.1), row(102, 39.9, -180.5), row(103, 0.0, 0.0)]
    found, counts = units(write(tmp_path, rows, LABELS))
    assert counts["dropped: position out of range"] == 3
    assert counts["dropped: repeated time"] == 1
    assert counts["points earlier than the one before, sorted"] == 1
    assert found["001_00001"].values["latitude"].max() < 39.91  # the first of two fixes at one time stays


def test_order_of_rows_and_files_does_not_matter(tmp_path):
    found, _ = units(write(tmp_path / "a", ROWS, LABELS))
    mixed = [ROWS[index] for index in np.random.default_rng(1).permutation(len(ROWS))]
    again, counts = units(write(tmp_path / "b", mixed[:50], LABELS, other=track(mixed[50:])))
    assert counts["points earlier than the one before, sorted"] > 0
    for name, unit in found.items():
        np.testing.assert_array_equal(unit.time, again[name].time)
        np.testing.assert_array_equal(unit.values["speed"], again[name].values["speed"])
        assert unit.static == again[name].static


def test_users_without_labels_or_tracks(tmp_path):
    folder = write(tmp_path, ROWS, LABELS)
    write(tmp_path, b"not a track at all", user="002")
    (folder / "Data" / "003").mkdir()
    write(tmp_path, None, LABELS, user="004")
    found, counts = units(folder)
    assert len(found) == 2
    assert counts["users"] == 4
    assert counts["users without labels, not opened"] == 2
    assert counts["tracks of users without labels, not opened"] == 1
    assert counts["users without a track"] == 2
    assert counts["label rows without a fix"] == 2


def test_units_are_sorted_by_name(tmp_path):
    for user in ("010", "002", "001"):
        write(tmp_path, ROWS, LABELS[::-1], user=user)
    names = list(units(tmp_path)[0])
    assert names == sorted(names)
    assert len(names) == 6


def test_a_long_gap_starts_a_segment_of_the_same_trip(tmp_path):
    rows = [row(seconds) for seconds in (*range(0, 100, 5), *range(500, 600, 5))]
    (unit,) = units(write(tmp_path, rows, [label(0, 600, "car")]))[0].values()
    assert np.flatnonzero(np.isnan(unit.values["speed"])).tolist() == [0, 20]


def test_the_tree_may_lie_one_folder_deeper_or_in_an_archive(tmp_path):
    wanted, _ = units(write(tmp_path / "plain", ROWS, LABELS))
    deeper, _ = units(write(tmp_path / "deeper" / "Geolife Trajectories 1.3", ROWS, LABELS).parent)
    archive = tmp_path / "packed" / "Geolife Trajectories 1.3.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as handle:
        for path in sorted((tmp_path / "deeper").rglob("*")):
            handle.write(path, path.relative_to(tmp_path / "deeper"))
        handle.writestr("__MACOSX/Geolife Trajectories 1.3/Data/001/Trajectory/._20091011000000.plt", b"\x00")
    packed, counts = units(archive.parent)
    assert counts["hidden files, skipped"] == 1
    for other in (deeper, packed):
        assert list(other) == list(wanted)
        for name, unit in wanted.items():
            np.testing.assert_array_equal(unit.values["speed"], other[name].values["speed"])
            assert unit.static == other[name].static


def test_a_folder_that_holds_nothing_or_too_much_is_refused(tmp_path):
    with pytest.raises(StageError, match="holds nothing of the kind; one folder Data/"):
        units(tmp_path)
    (tmp_path / "a.zip").write_bytes(b"PK")
    with pytest.raises(StageError, match=r"a\.zip: not a whole zip archive"):
        units(tmp_path)
    write(tmp_path / "x", ROWS, LABELS)
    write(tmp_path / "y", ROWS, LABELS)
    with pytest.raises(StageError, match="one folder Data/"):
        units(tmp_path)
    (tmp_path / "z" / "Data").mkdir(parents=True)
    with pytest.raises(StageError, match="no Data/<three digits>/"):
        units(tmp_path / "z")


def test_a_damaged_archive_is_refused(tmp_path):
    write(tmp_path / "raw", ROWS, LABELS)
    archive = tmp_path / "packed" / "a.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as handle:
        for path in sorted((tmp_path / "raw").rglob("*.*")):
            handle.write(path, path.relative_to(tmp_path / "raw"))
    data = archive.read_bytes()
    at = data.index(b"39.900100")
    archive.write_bytes(data[:at] + b"48" + data[at + 2 :])
    with pytest.raises(StageError, match="can't be unpacked"):
        units(archive.parent)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (
            [LABELS[0], label(300, 599, "rickshaw")],
            "labels.txt, line 3: mode 'rickshaw' is not known; write one of",
        ),
        ([LABELS[0].replace("\t", " ")], "labels.txt, line 2: '2009/10/11 .* is no label; .* tabs"),
        ([LABELS[0].replace("/10/", "/13/")], "labels.txt, line 2: .*; no such date"),
        ([LABELS[0], "", LABELS[1].replace("\twalk", "")], "labels.txt, line 4: .* is no label"),
        (b"", "labels.txt, line 1: is no header"),
        ("\n".join(LABELS).encode(), "labels.txt, line 1: is no header"),
    ],
)
def test_a_broken_labels_file_is_refused(tmp_path, rows, text):
    with pytest.raises(StageError, match=text):
        units(write(tmp_path, ROWS, rows))


def test_journeys_end_with_a_pause_of_half_an_hour(tmp_path):
    starts = [0, 600, 600 + 300 + 1700, 600 + 300 + 1700 + 300 + 1800]
    rows = [row(start + seconds) for start in starts for seconds in range(0, 300, 5)]
    found, _ = units(write(tmp_path, rows, [label(start, start + 299, "walk") for start in starts]))
    journeys = [unit.static["journey"] for unit in found.values()]
    assert journeys[0] == journeys[1] == journeys[2] != journeys[3]


def test_the_truth_of_a_twin(tmp_path):
    folder = write(tmp_path, ROWS, LABELS)
    assert all("mode_truth" not in unit.static for unit in units(folder)[0].values())
    (folder / "truth.csv").write_text("unit,mode\n001_00001,2\n001_00002,4\nelse,0\n")
    found, _ = units(folder)
    assert [unit.static["mode_truth"] for unit in found.values()] == [2, 4]
    (folder / "truth.csv").write_text("unit,mode\n001_00001,2\n")
    with pytest.raises(StageError, match="does not name the unit 001_00002"):
        units(folder)


def test_the_published_filter_marks_its_units_and_the_default_does_not(tmp_path):
    folder = write(tmp_path, ROWS, LABELS)
    for cleaning, leakage in (("label_free", ""), ("paper", "label_filter")):
        found, _ = units(folder, cleaning=cleaning)
        assert {(unit.static["cleaning"], unit.static["leakage"]) for unit in found.values()} == {(cleaning, leakage)}


def test_other_settings(tmp_path):
    folder = write(tmp_path, ROWS, LABELS)
    found, _ = units(folder, region="Elsewhere", utc_offset=-7.5, resample=10)
    assert {unit.static["region"] for unit in found.values()} == {"Elsewhere"}
    assert found["001_00001"].static["start_hour"] == 16.5
    assert set(np.diff(found["001_00001"].time).astype(int)) == {10_000}
    with pytest.raises(StageError, match="utc_offset is '8'; write something like 8"):
        units(folder, utc_offset="8")
    with pytest.raises(StageError, match="region is 5; write something like 'Beijing'"):
        units(folder, region=5)
    with pytest.raises(StageError, match="phones is not known; write cleaning, resample, region, utc_offset"):
        units(folder, phones=["a"])
