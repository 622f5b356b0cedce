"""Both countries of the twin: equal bytes, sizes, truth, the control without relation, settings that are refused."""

import numpy as np
import pytest
from landbridge.domains.smart_meters import twin
from landbridge.domains.smart_meters.homes import REFIT
from landbridge.domains.smart_meters.household import METERED
from landbridge.domains.smart_meters.machines import DAY
from landbridge.domains.smart_meters.twin_refit import published_columns
from landbridge.stage import StageError

from tests.unit.domains.smart_meters.twins import NUMBERS, digest, drawn, megabytes, truth, write

TINY = {"homes": 2, "days": 3}
each = pytest.mark.parametrize("country", ["a", "b"])


@each
def test_equal_arguments_give_equal_bytes_and_others_do_not(tmp_path, country):
    once = write(tmp_path / "once", country=country, **TINY)
    assert write(tmp_path / "again", country=country, **TINY) == once
    files = digest(tmp_path / "once")
    assert digest(tmp_path / "again") == files
    write(tmp_path / "seed", country=country, seed=2, **TINY)
    write(tmp_path / "name", country=country, dataset="other", **TINY)
    for other in ("seed", "name"):
        same = {name for name, value in digest(tmp_path / other).items() if files.get(name) == value}
        assert {name for name in same if not name.endswith("labels.dat")} == set()


@each
def test_a_home_does_not_depend_on_how_many_there_are(tmp_path, country):
    write(tmp_path / "two", country=country, homes=2, days=3, defects=False, truth=False)
    write(tmp_path / "five", country=country, homes=5, days=3, defects=False, truth=False)
    two, five = digest(tmp_path / "two"), digest(tmp_path / "five")
    first = [name for name in two if "house_1" in name or "House2" in name]
    assert first and all(two[name] == five[name] for name in first)


@pytest.mark.parametrize(("country", "most"), [("a", 0.7), ("b", 0.2)])
def test_files_are_small(tmp_path, country, most):
    write(tmp_path / "twin", country=country, **TINY)
    assert megabytes(tmp_path / "twin") / 6 < most  # MB of a home's day


def test_twenty_houses_of_either_country_have_the_numbers_of_the_layout(tmp_path):
    assert list(write(tmp_path / "a", country="a", homes=20, days=2, truth=False)) == [str(n) for n in range(1, 21)]
    assert not (tmp_path / "a" / "truth.parquet").exists()
    found = write(tmp_path / "b", country="b", homes=20, days=2, truth=False)
    assert list(found) == [str(n) for n in range(1, 22) if n != 14]


def test_the_first_houses_of_country_b_have_all_five_appliances():
    houses = NUMBERS["layouts"]["refit"]["houses"]
    assert all(set(published_columns(house)) == set(METERED) for house in houses[:6])
    assert sorted(houses) == sorted(REFIT)
    for columns in map(published_columns, houses):
        assert len(set(columns.values())) == len(columns) and set(columns.values()) <= set(range(1, 10))


@each
def test_truth_is_what_the_machines_drew_in_bins_of_ten_seconds(tmp_path, country):
    write(tmp_path / "twin", country=country, homes=4, days=9)
    found = truth(tmp_path / "twin")
    assert list(found) == ["home", "time", *METERED]
    record, houses = drawn(country, 4, 9)
    assert list(dict.fromkeys(found["home"].tolist())) == sorted(houses)
    for number, house in houses.items():
        own = found["home"] == number
        np.testing.assert_array_equal(found["time"][own], record.first + np.arange(0, 9 * DAY, 10))
        assert (found["time"] % 10 == 0).all()
        for name in METERED:
            assert found[name].dtype == np.float32
            if name not in house.metered.machines:
                assert np.isnan(found[name][own]).all()
                continue
            power = house.metered.machines[name].power(0, 9 * DAY).reshape(-1, 10).mean(axis=1)
            np.testing.assert_allclose(found[name][own], power, rtol=1e-6)


@each
def test_mains_of_unrelated_homes_tell_nothing_of_the_sub_meters(country):
    _, houses = drawn(country, 2, 20, unrelated=True)
    _, related = drawn(country, 2, 20)
    for number, house in houses.items():
        np.testing.assert_array_equal(house.own.power(0, DAY), related[number].own.power(0, DAY))
        whole = house.own.power(0, 20 * DAY).reshape(-1, 60).mean(axis=1)
        for name in ("dishwasher", "microwave"):
            if name not in house.own.machines:
                continue
            other, own = (
                home.machines[name].power(0, 20 * DAY).reshape(-1, 60).mean(axis=1)
                for home in (house.metered, house.own)
            )
            assert not np.array_equal(other, own)
            assert abs(np.corrcoef(np.diff(whole), np.diff(other))[0, 1]) < 0.05
            assert np.corrcoef(np.diff(whole), np.diff(own))[0, 1] > 0.05


@each
def test_the_unrelated_home_is_what_files_and_truth_hold(tmp_path, country):
    write(tmp_path / "twin", country=country, unrelated=True, **TINY)
    found = truth(tmp_path / "twin")
    _, houses = drawn(country, 2, 3, unrelated=True)
    for number, house in houses.items():
        power = house.metered.machines["fridge"].power(0, 3 * DAY).reshape(-1, 10).mean(axis=1)
        np.testing.assert_allclose(found["fridge"][found["home"] == number], power, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"country": "c"}, "twin_test.twin.country: 'c' is not known; write a or b"),
        ({"country": "a", "layout": "refit"}, "layout: country a has no 'refit'; write redd, or leave it out"),
        ({"country": "b", "layout": "redd"}, "layout: country b has no 'redd'; write refit"),
        ({"homes": 0}, "homes: 0 is out of range; write a whole number 1 to 20"),
        ({"homes": 21}, "homes: 21 is out of range"),
        ({"homes": True}, "homes: True is out of range"),
        ({"days": 1}, "days: 1 is out of range; write a whole number 2 to 731"),
        ({"days": 10.5}, "days: 10.5 is out of range"),
        ({"mains_step": 40}, "mains_step: 40 is out of range; write a whole number 1 to 30"),
        ({"circuit_step": 0}, "circuit_step: 0 is out of range"),
        ({"country": "b", "mains_step": 5}, "mains_step: layout refit has none; leave it out, or write country: a"),
        ({"unrelated": "yes"}, "unrelated: 'yes' is not known; write true or false"),
        ({"defects": 1}, "defects: 1 is not known"),
        ({"truth": None}, "truth: None is not known"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, options, text):
    with pytest.raises(StageError, match=text):
        twin.write_twin(tmp_path, "twin_test", 1, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("country", "layout"), [("a", "redd"), ("b", "refit")])
def test_the_countrys_own_layout_may_be_named(tmp_path, country, layout):
    write(tmp_path / "named", country=country, layout=layout, homes=1, days=2)
    write(tmp_path / "left_out", country=country, homes=1, days=2)
    assert digest(tmp_path / "named") == digest(tmp_path / "left_out")
