"""The physical-tower rule: overlap, labels, names by network, and the leak that the last of these makes."""

import dataclasses
import logging
from collections import Counter

import numpy as np
import pytest
from landbridge.domains.flux_towers import carbonfluxbench, twin
from landbridge.domains.flux_towers.records import Records, physical_towers
from landbridge.io import netcdf, series
from landbridge.prepare import audit, places, split
from landbridge.stage import StageError

DAYS = 400


def made(*parts):
    """Records of (site, network, quality, class, offset) for a year and a bit from 2010 on."""
    random = np.random.default_rng(0)
    base = {site: random.normal(size=DAYS) for site in sorted({part[0] for part in parts})}
    names = sorted({part[0] for part in parts})
    columns = {name: [] for name in ("code", "network", "quality", "igbp", "nee", "day")}
    for site, network, quality, igbp, offset in parts:
        columns["code"].append(np.full(DAYS, names.index(site)))
        columns["network"].append(np.full(DAYS, network))
        columns["quality"].append(np.full(DAYS, quality))
        columns["igbp"].append(np.full(DAYS, igbp))
        columns["nee"].append(base[site] + offset)
        columns["day"].append(np.datetime64("2010-06-01") + np.arange(DAYS))
    joined = {name: np.concatenate(values) for name, values in columns.items()}
    nee = joined["nee"]
    fluxes = {"gpp": 2 - nee, "reco": np.full(len(nee), 2.0), "nee": nee}
    lat = joined["code"].astype(float)
    return Records(
        names, joined["code"], joined["network"], joined["day"], fluxes, joined["quality"], lat, lat, joined["igbp"]
    )


def test_the_network_of_higher_quality_takes_the_whole_year():
    own = made(("XX-Aaa", "FLX", 0.5, "GRA", 0.0), ("XX-Aaa", "AMF", 0.9, "GRA", 1.0))
    (tower,) = physical_towers(own)
    np.testing.assert_allclose(tower.values["nee"], own.fluxes["nee"][DAYS:])
    assert tower.networks == ["AMF", "FLX"]
    (tower,) = physical_towers(own, "published_first")
    np.testing.assert_allclose(tower.values["nee"], own.fluxes["nee"][:DAYS])


def test_the_newer_network_stands_on_a_tie():
    own = made(("XX-Aaa", "FLX", 0.7, "GRA", 0.0), ("XX-Aaa", "ICOSETC", 0.7, "GRA", 1.0))
    np.testing.assert_allclose(physical_towers(own)[0].values["nee"], own.fluxes["nee"][DAYS:])


def test_years_are_judged_apart():
    own = made(("XX-Aaa", "FLX", 0.5, "GRA", 0.0), ("XX-Aaa", "AMF", 0.9, "GRA", 1.0))
    quality = own.quality.copy()
    quality[:DAYS][own.day[:DAYS] >= np.datetime64("2011-01-01")] = 1.0
    (tower,) = physical_towers(Records(**{**vars(own), "quality": quality}))
    later = tower.days >= np.datetime64("2011-01-01")
    np.testing.assert_allclose(tower.values["nee"][later], own.fluxes["nee"][:DAYS][later])
    np.testing.assert_allclose(tower.values["nee"][~later], own.fluxes["nee"][DAYS:][~later])


def test_conflicting_labels_are_all_kept_and_told(caplog):
    own = made(("XX-Aaa", "FLX", 0.5, "GRA", 0.0), ("XX-Aaa", "AMF", 0.9, "CRO", 0.0))
    with caplog.at_level(logging.WARNING):
        (tower,) = physical_towers(own)
    assert (tower.igbp, tower.labels) == ("CRO", ["CRO", "GRA"])
    assert "XX-Aaa: its records disagree on its class (CRO, GRA); CRO stands" in caplog.text
    assert physical_towers(own, "published_first")[0].igbp == "GRA"


def test_repeated_days_of_one_network_keep_the_first(caplog):
    own = made(("XX-Aaa", "FLX", 0.5, "GRA", 0.0), ("XX-Aaa", "FLX", 0.5, "GRA", 3.0))
    with caplog.at_level(logging.WARNING):
        (tower,) = physical_towers(own)
    assert f"{DAYS} rows repeat a day of the same network; the first of each is kept" in caplog.text
    np.testing.assert_allclose(tower.values["nee"], own.fluxes["nee"][:DAYS])


def test_imbalance_is_counted_by_network_and_kept(caplog):
    own = made(("XX-Aaa", "FLX", 0.5, "GRA", 0.0), ("XX-Bbb", "AMF", 0.5, "GRA", 0.0))
    gpp = own.fluxes["gpp"].copy()
    gpp[:3] += 1
    with caplog.at_level(logging.WARNING):
        towers = physical_towers(Records(**{**vars(own), "fluxes": {**own.fluxes, "gpp": gpp}}))
    assert f"FLX: 3 of {DAYS} rows break" in caplog.text
    assert "AMF" not in caplog.text
    assert len(towers[0].days) == DAYS


def test_names_by_network_count_a_tower_twice():
    own = made(("XX-Aaa", "FLX", 0.5, "GRA", 0.0), ("XX-Aaa", "AMF", 0.9, "GRA", 0.1), ("XX-Bbb", "AMF", 1, "GRA", 0))
    assert [tower.name for tower in physical_towers(own, naming="network")] == [
        "AMF_XX-Aaa",
        "AMF_XX-Bbb",
        "FLX_XX-Aaa",
    ]
    with pytest.raises(StageError, match="write one of best_year, published_first and one of tower, network"):
        physical_towers(own, naming="site")


def test_two_names_at_one_place_are_merged_by_what_they_measure(caplog):
    own = made(("XX-Aaa", "FLX", 0.5, "GRA", 0.0), ("XX-Bbb", "AMF", 0.9, "GRA", 0.0))
    nee = np.tile(own.fluxes["nee"][:DAYS], 2)
    one_place = Records(
        **{
            **vars(own),
            "fluxes": {**own.fluxes, "nee": nee, "gpp": 2 - nee},
            "lat": np.zeros(2 * DAYS),
            "lon": own.quality,
        }
    )
    same = Records(**{**vars(one_place), "lon": np.zeros(2 * DAYS)})
    with caplog.at_level(logging.WARNING):
        assert [tower.name for tower in physical_towers(same)] == ["XX-Aaa"]
    assert "XX-Aaa and XX-Bbb stand at one place and measure the same" in caplog.text


# -- the first version's leak -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("twin")
    twin.write_twin(path, "t", 1, source_towers=30, target_towers=20, years=1)
    return path


def harmonised(folder, tmp_path, naming):
    described = {
        name: {"role": "input", "dimension": "obs", "long_name": name, "units": "1"}
        for name in ("temperature", "net_shortwave")
    }
    described |= {
        name: {"role": "target", "dimension": "obs", "long_name": name, "units": "g m-2 d-1"}
        for name in ("gpp", "reco", "nee")
    }
    described["qc"] = {"role": "quality", "dimension": "obs", "long_name": "qc", "units": "1"}
    units = {"lat": "degrees_north", "lon": "degrees_east", "utc_offset": "hours"}
    kept = list(described)
    path = tmp_path / "t.nc"
    with series.SeriesWriter(path, Described(described, units), {"Conventions": "CF-1.11", "dataset": "t"}) as writer:
        for unit in carbonfluxbench.read_carbonfluxbench(folder, {"naming": naming}, counts=Counter()):
            values = {name: unit.values[name] for name in kept}
            writer.add(dataclasses.replace(unit, values=values))
    return netcdf.read(path)


class Described(dict):
    """Descriptions with one for every static column."""

    def __init__(self, described, units):
        super().__init__(described)
        self.units = units

    def __contains__(self, name):
        return True

    def __missing__(self, name):
        found = {"role": "static", "dimension": "unit", "long_name": name}
        return {**found, "units": self.units[name]} if name in self.units else found


SETTINGS = {
    "scenario": "s", "task": "regression", "kind": "series", "step": "day", "class_of": "igbp", "longest_budget": None,
    "source": {"dataset": "t"}, "target": {"dataset": "t"}, "targets": ["gpp", "reco", "nee"], "classes": [],
    "inputs": ["temperature", "net_shortwave"], "one_hot": {}, "static": [], "min_scored": 10, "block": "year",
    "window": {"length": 30, "stride": 15, "scored": 15, "predict_stride": 1}, "budget_axis": "groups",
    "quality": {"variable": "qc", "score_from": 1.0},
}  # fmt: skip


def checks(dataset, column):
    rule = {"rule": "tower_grouped", "group": [column], "stratify": "igbp", "seed": 1, "folds": 1, "held_out": 0.3}
    rule |= {"gap": 0, "test_share": 0.5, "shares": {}, "source_validation_share": 0.2}
    settings = {**SETTINGS, "split": rule}
    parted = split.part(dataset, dataset, settings, 0).dataset
    part = np.asarray(parted["part"]).astype(str)
    names = np.asarray(parted["unit_name"]).astype(str)
    bare = np.array([name.split("_")[-1] for name in names])
    straddling = sorted(set(bare[part == "target_test"]) & set(bare[part != "target_test"]))
    found = audit.correlated_labels(parted, settings) + places.same_places(parted, settings)
    return straddling, {check["check"]: check for check in found}


def test_a_tower_under_two_prefixes_is_caught_when_names_part_it(folder, tmp_path):
    dataset = harmonised(folder, tmp_path, "network")
    straddling, found = checks(dataset, "unit_name")
    assert len(straddling) >= 3
    assert found["correlated labels"]["level"] == "failure"
    caught = {name.split("_")[-1] for name in found["correlated labels"]["groups"]}
    assert caught == set(straddling)  # every one of them, and no other tower
    assert found["same coordinates"]["level"] == "failure"


def test_the_physical_tower_rule_leaves_nothing_to_catch(folder, tmp_path):
    for naming in ("tower", "network"):
        straddling, found = checks(harmonised(folder, tmp_path, naming), "tower_group")
        assert straddling == []
        assert {check["level"] for check in found.values()} == {"ok"}


def test_a_mistyped_setting_of_the_reader_is_told(folder):
    with pytest.raises(StageError, match="wether is not known; write weather, overlap, naming"):
        list(carbonfluxbench.read_carbonfluxbench(folder, {"wether": "full"}, counts=Counter()))
    with pytest.raises(StageError, match="overlap 'newest'"):
        list(carbonfluxbench.read_carbonfluxbench(folder, {"overlap": "newest"}, counts=Counter()))
