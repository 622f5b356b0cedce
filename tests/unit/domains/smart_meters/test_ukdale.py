"""UK-DALE's layout: the published channels, what is shared, and files that are not read."""

import numpy as np
import pytest
from landbridge.domains.smart_meters.appliances import APPLIANCES
from landbridge.stage import StageError

from tests.unit.domains.smart_meters.made import START, read, steady, write_house

HOUR = 3600
PUBLISHED = {
    1: {"kettle": 10, "fridge": 12, "dishwasher": 6, "washing_machine": 5, "microwave": 13},
    2: {"kettle": 8, "fridge": 14, "dishwasher": 13, "washing_machine": 12, "microwave": 15},
    3: {"kettle": 2},
    4: {"kettle": 3, "fridge": 5, "washing_machine": 6},
    5: {"kettle": 18, "fridge": 19, "dishwasher": 22, "washing_machine": 24, "microwave": 23},
}
POWER = {1: "active", 2: "active", 3: "unknown", 4: "apparent", 5: "unknown"}
LABELS = {1: "aggregate", 8: "kettle", 12: "washing_machine", 13: "dish_washer", 14: "fridge", 15: "microwave"}


def house(folder, number=2, labels=LABELS, name="house_{}", **channels):
    own = {1: steady(400, HOUR, period=6)}
    own |= {channel: steady(5 + channel, HOUR, period=6) for channel in PUBLISHED[number].values()}
    own |= {int(key[1:]): rows for key, rows in channels.items()}
    return write_house(folder, number, labels, {key: rows for key, rows in own.items() if rows is not None}, name)


@pytest.mark.parametrize("number", PUBLISHED)
def test_the_published_homes(tmp_path, number):
    found, _ = read("ukdale", house(tmp_path, number, {1: "aggregate"}), keep_shared=True)
    unit = found[f"ukdale_{number}"]
    assert unit.static["power_type"] == POWER[number]
    assert unit.static["zone"] == "Europe/London"
    assert unit.static["country"] == "UK"
    for name in APPLIANCES:
        channel = PUBLISHED[number].get(name)
        assert unit.static[f"{name}_absent"] == float(channel is None)
        if channel is None:
            assert np.isnan(unit.values[name]).all()
        else:
            assert set(unit.values[name].tolist()) == {5 + channel}


@pytest.mark.parametrize(("step", "fine"), [(60, 6), (6, 6), (10, 10), (60, 10)])
def test_steps(tmp_path, step, fine):
    found, _ = read("ukdale", house(tmp_path), step=step, fine=fine)
    (unit,) = found.values()
    assert set(np.diff(unit.time).astype(int).tolist()) == {step}
    assert set(unit.values["mains"].tolist()) == {400}


def test_a_shared_meter_gives_no_labels_unless_asked(tmp_path):
    found, _ = read("ukdale", house(tmp_path, 4))
    (unit,) = found.values()
    assert unit.static["shared"] == "washing_machine"
    assert unit.static["washing_machine_absent"] == 0.0
    assert np.isnan(unit.values["washing_machine"]).all()
    assert np.isnan(unit.values["washing_machine_on"]).all()
    found, _ = read("ukdale", tmp_path, keep_shared=True)
    assert set(found["ukdale_4"].values["washing_machine"].tolist()) == {11}


def test_other_files_of_a_house_are_not_read(tmp_path):
    own = house(tmp_path) / "house_2"
    (own / "mains.dat").write_text("1400025600.0 1 2 3\n")
    (own / "channel_8_button_press.dat").write_text("not numbers\n")
    found, counts = read("ukdale", tmp_path)
    assert counts["readings"] == 6 * 600
    assert set(found["ukdale_2"].values["kettle"].tolist()) == {13}


def test_the_other_name_of_folders(tmp_path):
    found, _ = read("ukdale", house(tmp_path / "ukdale", name="House{}"))
    assert list(found) == ["ukdale_2"]


def test_labels_that_contradict_the_published_home_are_refused(tmp_path):
    with pytest.raises(StageError, match=r"labels.dat: channel 14 is 'microwave', in the published home it is fridge"):
        read("ukdale", house(tmp_path, labels={**LABELS, 14: "microwave"}))


def test_a_house_that_ukdale_lacks_is_refused(tmp_path):
    with pytest.raises(StageError, match=r"house_7: UK-DALE has the houses 1, 2, 3, 4, 5"):
        read("ukdale", write_house(tmp_path, 7, LABELS, {1: steady(1, 60)}))


def test_an_appliance_or_the_aggregate_is_not_there(tmp_path):
    found, counts = read("ukdale", house(tmp_path, c13=None))
    assert np.isnan(found["ukdale_2"].values["dishwasher"]).all()
    assert found["ukdale_2"].static["dishwasher_absent"] == 0.0
    assert counts["left out: dishwasher of ukdale_2, channel_13 is not there"] == 1
    (tmp_path / "house_2" / "channel_1.dat").unlink()
    with pytest.raises(StageError, match=r"channel_1.dat is not there"):
        read("ukdale", tmp_path)


def test_a_burst_of_a_kettle_is_on_in_its_minute(tmp_path):
    rows = [(second, 2800 if START + 600 <= second < START + 640 else 0) for second, _ in steady(0, HOUR)]
    found, _ = read("ukdale", house(tmp_path, c8=rows))
    values = found["ukdale_2"].values
    assert values["kettle"][10] == pytest.approx(2800 * 4 / 6)
    assert values["kettle_on"][9:12].tolist() == [0, 1, 0]
