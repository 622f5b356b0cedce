"""Sites: spellings, classes, cells, groups, the published rules and what leaks in them."""

import numpy as np
import pytest
from landbridge.domains.wetland_methane import cells, sites
from landbridge.domains.wetland_methane import folds as folds_
from landbridge.prepare.population import published_test_years
from landbridge.stage import StageError


@pytest.mark.parametrize("word", ["US-Srr", "US.Srr", "US_SRR", "us-srr", " US-SRR "])
def test_one_spelling_of_an_id(word):
    assert sites.site_id(word) == "US-Srr"


def test_an_unknown_id_keeps_its_letters():
    assert sites.site_id("US_PLM") == "US-PLM"


def test_classes_have_one_spelling_and_others_are_refused():
    assert [sites.wetland_class(word, "x") for word in ("Salt marsh", "Saltmarsh", "WET_TUNDRA", "")] == [
        *("salt marsh", "salt marsh", "wet tundra", "")
    ]
    with pytest.raises(StageError, match="table: class 'puddle' is not known; write bog, fen"):
        sites.wetland_class("puddle", "table")
    assert [sites.koppen_class(word) for word in ("Bsh", "BSh", "Dfc", "ET")] == ["BSh", "BSh", "Dfc", "ET"]


def test_the_site_table_of_the_product():
    table = sites.site_table(None, {}).values()
    assert len(table) == 81
    assert sum(site.igbp == "WET" for site in table) == 37
    assert len({site.wetland_class for site in table}) == 11
    types = np.array([site.wetland_type for site in table])
    assert np.isfinite(types).sum() == 43
    assert [int((types == code).sum()) for code in (1, 2, 3, 4)] == [3, 24, 5, 11]
    by_name = {site.name: site for site in table}
    assert by_name["RU-Che"].wetland_class == "drained" and by_name["SE-Deg"].igbp == "GRA"


def test_the_published_table_says_the_same(mirror):
    (path,) = (mirror / "wetland_methane" / "site_table").glob("FLX_AA*")
    own = sites.site_table(None, {})
    for site in sites.read_table(path):
        known = own[site.name.upper()]
        assert (known.lat, known.lon, known.wetland_class, known.igbp) == (
            *(site.lat, site.lon, site.wetland_class, site.igbp),
        )


@pytest.mark.parametrize(
    ("lat", "lon", "cell"),
    [
        (67.99724, 24.20918, (315, 408)),  # rounding gives row 316
        (-18.96472, 22.37111, (142, 404)),  # rounding gives column 405
        (90, 180, (359, 719)),
        (-90, -180, (0, 0)),
    ],
)
def test_cells_are_found_by_the_floor(lat, lon, cell):
    assert cells.cell_of(lat, lon) == cell


def test_rounding_moves_22_of_30_towers():
    table = sites.site_table(None, {})
    moved = 0
    for name in folds_.published_folds():
        site = table[name.upper()]
        moved += cells.cell_of(site.lat, site.lon) != (round((site.lat + 90) * 2), round((site.lon + 180) * 2))
    assert moved == 22


@pytest.mark.parametrize(
    ("years", "test"),
    [
        (range(2013, 2019), [2018]),
        ([2012, 2011], [2012]),
        ([2011], []),
        ([], []),
        (range(2000, 2009), [2007, 2008]),
        (range(2000, 2008), [2007]),
        (range(2000, 2016), [2013, 2014, 2015]),
    ],
)
def test_the_published_rule_of_years(years, test):
    assert published_test_years(years) == test


def published():
    table, folds = sites.site_table(None, {}), folds_.published_folds()
    return [table[name.upper()] for name in sorted(folds)], folds


def test_the_published_folds():
    towers, folds = published()
    assert len(towers) == 30
    assert {sum(fold == number for fold in folds.values()) for number in range(5)} == {6}
    assert {site.igbp for site in towers} == {"WET"}


def test_pairs_that_straddle_the_published_folds():
    found = folds_.straddling(*published())
    assert [(pair.first, pair.second, pair.folds, round(pair.km, 1), pair.same_cell) for pair in found] == [
        ("FI-Si2", "FI-Sii", (4, 0), 0.5, True),
        ("US-Beo", "US-Bes", (4, 0), 0.6, True),
        ("RU-Ch2", "RU-Che", (0, 2), 0.6, True),
        ("US-Myb", "US-Srr", (3, 0), 28.3, False),
        ("US-OWC", "US-WPT", (3, 1), 41.4, True),
        ("US-LA1", "US-LA2", (2, 1), 42.6, True),
        ("DE-Hte", "DE-Zrk", (4, 2), 59.6, False),
    ]
    assert len(folds_.straddling(*published(), km=1.0)) == 3
    towers, folds = published()
    assert folds_.straddling(towers, dict.fromkeys(folds, 0)) == []


def test_components_of_the_thirty():
    towers, _ = published()
    lat, lon = (np.array([getattr(site, axis) for site in towers]) for axis in ("lat", "lon"))
    groups = sites.tower_groups([site.name for site in towers], lat, lon)
    columns = ("group_1km", "tower_group", "group_50km", "group_100km", "group_250km")
    assert [len(set(groups[column])) for column in columns] == [26, 26, 23, 21, 19]


def test_blocks_are_named_by_their_corner():
    assert [cells.block_name(*place) for place in ((67.9, 24.2), (-18.9, -0.1), (90, 180))] == [
        *("60,20", "-20,-10", "80,170")
    ]


def test_tables_of_a_user_stand_over_the_product(tmp_path):
    (tmp_path / "FLUXNET_CH4_2024.csv").write_text(
        "SITE_ID,LOCATION_LAT,LOCATION_LONG,LOCATION_ELEV,IGBP\nFI.LOM,68,24.2,274,WET\nXX-New,1,2,,WET\n"
    )
    table = sites.site_table(tmp_path, {"fi_lom": {"policy": "Tier 1"}, "XX-Abc": {"lat": 5, "lon": 6}})
    lom = table["FI-LOM"]
    assert (lom.name, lom.lat, lom.elevation, lom.wetland_class, lom.policy) == ("FI-Lom", 68, 274, "fen", "Tier 1")
    assert table["XX-NEW"].lat == 1 and table["XX-ABC"].lon == 6


def test_a_list_of_types_stands_over_the_product(tmp_path, mirror):
    path = tmp_path / "wetland_classification.txt"
    path.write_text("FI_Lom\tForested swamp\nXX-Not\tForested bog\n")
    assert sites.site_table(tmp_path, {})["FI-LOM"].wetland_type == 3
    path.write_text("FI-Lom\tpuddle\n")
    with pytest.raises(StageError, match="line 1: type 'puddle' is not known"):
        sites.site_table(tmp_path, {})
    published = sites.site_table(mirror / "wetland_methane" / "site_table", {})
    assert {name: str(site.wetland_type) for name, site in published.items()} == {
        name: str(site.wetland_type) for name, site in sites.site_table(None, {}).items()
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("NAME,LAT,LON\nA,1,2\n", "no column SITE_ID"),
        ("SITE_ID,LAT,LON\nA,91,2\n", "line 2: lies at 91.0, 2.0; write lat and lon in degrees"),
        ("SITE_ID,LAT,LON\nA,,2\n", "line 2: lies at nan"),
        ("SITE_ID,LAT,LON\nA,north,2\n", "line 2: lat is 'north'; write a number"),
        ("SITE_ID,LAT,LON\nA,1,2\na,1,2\n", "comes twice|A comes twice"),
        ("SITE_ID,LAT,LON\n,1,2\n", "has no SITE_ID"),
    ],
)
def test_a_broken_table_is_refused(tmp_path, text, words):
    path = tmp_path / "FLUXNET_CH4_x.csv"
    path.write_text(text)
    with pytest.raises(StageError, match=words):
        sites.site_table(tmp_path, {})


def test_an_unknown_field_of_a_site_is_refused():
    with pytest.raises(StageError, match="sites: A: latitude is not known; write lat, lon"):
        sites.site_table(None, {"A": {"latitude": 1}})
