"""The sites of towers: ids, places, classes, and which belong together.

`sites.csv` beside this file holds the 81 sites of FLUXNET-CH4 v1.0 (Delwiche et al. 2021, doi
10.5194/essd-13-3607-2021): place, class, IGBP, Koeppen, and the wetland type of 43 of them. A table in the folder of
the towers, and `sites:` of the reader's settings, stand over it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.domains.wetland_methane.cells import block_name, cell_name
from landbridge.domains.wetland_methane.folds import published_folds
from landbridge.prepare.groups import group_names, pairwise_km
from landbridge.stage import StageError

TABLES = ("FLX_AA-Flx_CH4-META*.csv", "FLUXNET_CH4_*.csv")  # names of site tables in a folder of towers
TYPES_TABLE = "wetland_classification.txt"  # site and type, a tab between them
TYPES = {"Forested bog": 1.0, "Unforested bog": 2.0, "Forested swamp": 3.0, "Unforested swamp": 4.0}
CLASSES = (
    *("bog", "fen", "wet tundra", "marsh", "swamp", "salt marsh", "mangrove", "drained", "rice", "upland", "lake"),
)
GROUP_KM = {"tower_group": 5.0, "group_1km": 1.0, "group_50km": 50.0, "group_100km": 100.0, "group_250km": 250.0}
# Names of each field's column in the tables that circulate; the first that a table has is read.
COLUMNS = {
    "name": ("SITE_ID",),
    "lat": ("LAT", "LOCATION_LAT"),
    "lon": ("LON", "LOCATION_LONG"),
    "elevation": ("ELEV", "LOCATION_ELEV"),
    "wetland_class": ("SITE_CLASSIFICATION",),
    "igbp": ("IGBP",),
    "koppen": ("KOPPEN",),
    "wetland_type": ("WETLAND_TYPE",),
    "policy": ("POLICY", "DATA_POLICY"),
    "citation": ("CITATION", "DOI"),
}
NUMBERS = ("lat", "lon", "elevation", "wetland_type")


@dataclass(frozen=True)
class Site:
    """What is known of one site.

    Attributes:
        name: id in its official spelling.
        lat, lon: degrees.
        elevation: m, NaN if unknown.
        wetland_class: one of `CLASSES`, or "".
        igbp, koppen: classes, or "".
        wetland_type: 1 forested bog, 2 other bog, 3 forested swamp, 4 other swamp, 5 alluvial; NaN if unknown.
        policy, citation: of the site's data, which a user fills in; "" if not.
    """

    name: str
    lat: float
    lon: float
    elevation: float = np.nan
    wetland_class: str = ""
    igbp: str = ""
    koppen: str = ""
    wetland_type: float = np.nan
    policy: str = ""
    citation: str = ""


def site_id(word: str) -> str:
    """A site's id in the spelling of the site table; a dot or an underscore stands for the dash, case does not matter.

    `US.Srr`, `US_SRR` and `us-srr` give `US-Srr`. An id that the table lacks keeps its letters.
    """
    dashed = word.strip().replace("_", "-").replace(".", "-")
    return spellings().get(dashed.upper(), dashed)


@cache
def spellings() -> dict[str, str]:
    """Id in upper case to its official spelling, of `sites.csv`."""
    with (Path(__file__).parent / "sites.csv").open(newline="") as handle:
        return {row["SITE_ID"].upper(): row["SITE_ID"] for row in csv.DictReader(handle)}


def wetland_class(word: str, where: object) -> str:
    """A class in its one spelling: small letters, words apart.

    Raises:
        StageError: a word that is no class.
    """
    plain = " ".join(word.replace("_", " ").replace("-", " ").lower().split())
    plain = {"saltmarsh": "salt marsh", "wettundra": "wet tundra"}.get(plain, plain)
    if plain and plain not in CLASSES:
        raise StageError(f"{where}: class '{word}' is not known; write {', '.join(CLASSES)}")
    return plain


def koppen_class(word: str) -> str:
    """A Koeppen class as it is written: BSh, not Bsh; Dfc; ET."""
    plain = word.strip()
    return plain[:2].upper() + plain[2:] if plain[:1] in ("B", "E") else plain


def site_table(folder: Path | None, own: Mapping[str, Mapping[str, Any]]) -> dict[str, Site]:
    """Sites by name in upper case: of `sites.csv`, over it those of the folder's tables, over both `own`.

    Args:
        folder: where tables by the names of `TABLES`, and `TYPES_TABLE`, may lie.
        own: by id the fields of `Site`, as `sites:` of the settings gives them.

    Raises:
        StageError: a table without a needed column, a place that is none, a class or a field that is not known.
    """
    found: dict[str, Site] = {}
    paths = [Path(__file__).parent / "sites.csv"]
    paths += [] if folder is None else sorted({path for name in TABLES for path in folder.glob(name)})
    for path in paths:
        for site in read_table(path):
            before = found.get(site.name.upper())
            found[site.name.upper()] = site if before is None else _over(before, site)
    for name, wetland_type in ({} if folder is None else _types(folder / TYPES_TABLE)).items():
        if name.upper() in found:
            found[name.upper()] = replace(found[name.upper()], wetland_type=wetland_type)
    for word, fields in own.items():
        name, where = site_id(word), f"reader_settings: sites: {word}"
        unknown = [field for field in fields if field not in COLUMNS or field == "name"]
        if unknown:
            raise StageError(f"{where}: {', '.join(unknown)} is not known; write {', '.join(list(COLUMNS)[1:])}")
        known = found.get(name.upper())
        words = {**({} if known is None else asdict(known)), **fields, "name": name}
        found[name.upper()] = _site({field: str(value) for field, value in words.items()}, where)
    return found


def read_table(path: Path) -> list[Site]:
    """Sites of a table, with its columns found by name.

    Raises:
        StageError: a missing column, a place that is none, a class that is not known, or an id that comes twice.
    """
    with path.open(newline="", encoding="utf-8-sig") as handle:
        reader = csv.DictReader(handle)
        header = {(word or "").strip().upper(): word for word in reader.fieldnames or []}
        columns = {
            field: next((header[name] for name in names if name in header), None) for field, names in COLUMNS.items()
        }
        for field in ("name", "lat", "lon"):
            if columns[field] is None:
                raise StageError(f"{path}: no column {' or '.join(COLUMNS[field])}; it has {', '.join(header)}")
        found: dict[str, Site] = {}
        for row in reader:
            words = {field: (row[column] or "").strip() for field, column in columns.items() if column is not None}
            site = _site(words, f"{path}, line {reader.line_num}")
            if site.name.upper() in found:
                raise StageError(f"{path}, line {reader.line_num}: {site.name} comes twice; keep one of its lines")
            found[site.name.upper()] = site
    return list(found.values())


def _site(words: Mapping[str, str], where: object) -> Site:
    numbers = {}
    for field in NUMBERS:
        word = words.get(field, "")
        try:
            numbers[field] = float(word or "nan")
        except ValueError:
            raise StageError(f"{where}: {field} is '{word}'; write a number") from None
    if not (-90 <= numbers["lat"] <= 90 and -180 <= numbers["lon"] <= 180):
        raise StageError(f"{where}: lies at {numbers['lat']}, {numbers['lon']}; write lat and lon in degrees")
    if not words.get("name"):
        raise StageError(f"{where}: has no SITE_ID; write one, such as FI-Lom")
    return Site(
        name=site_id(words["name"]),
        lat=numbers["lat"],
        lon=numbers["lon"],
        elevation=numbers["elevation"],
        wetland_class=wetland_class(words.get("wetland_class", ""), where),
        igbp=words.get("igbp", ""),
        koppen=koppen_class(words.get("koppen", "")),
        wetland_type=numbers["wetland_type"],
        policy=words.get("policy", ""),
        citation=words.get("citation", ""),
    )


def _over(before: Site, after: Site) -> Site:
    """A later table's line over an earlier one's; what the later one leaves empty stays as it was."""
    told = {
        field: value for field, value in asdict(after).items() if value != "" and value == value
    }  # NaN is not itself
    return replace(before, **told)


def _types(path: Path) -> dict[str, float]:
    """Wetland type by site of a list of types; none where there is no list."""
    found: dict[str, float] = {}
    for line, text in enumerate(path.read_text(encoding="utf-8-sig").splitlines() if path.is_file() else [], start=1):
        name, _, word = text.strip().partition("\t")
        if name and word.strip() not in TYPES:
            raise StageError(f"{path}, line {line}: type '{word}' is not known; write a tab and {', '.join(TYPES)}")
        if name:
            found[site_id(name)] = TYPES[word.strip()]
    return found


def tower_groups(names: list[str], lat: np.ndarray, lon: np.ndarray) -> dict[str, list[str]]:
    """Group columns of towers: connected components (single linkage) at each distance of `GROUP_KM`."""
    distance = pairwise_km(lat, lon)
    return {column: group_names(distance <= km, names) for column, km in GROUP_KM.items()}


def statics(towers: list[Site]) -> list[dict[str, float | str]]:
    """Variables on `unit` that the site table gives, the group columns among them, for each tower."""
    lat, lon = (np.array([getattr(site, axis) for site in towers]) for axis in ("lat", "lon"))
    groups = tower_groups([site.name for site in towers], lat, lon)
    folds = published_folds()
    return [
        {
            "lat": site.lat,
            "lon": site.lon,
            "elevation": site.elevation,
            "wetland_type": site.wetland_type,
            "wetland_class": site.wetland_class,
            "igbp": site.igbp,
            "koppen": site.koppen,
            "koppen_main": site.koppen[:1],
            "policy": site.policy,
            "citation": site.citation,
            "origin": "observation",
            "fold_published": str(folds.get(site.name, "")),
            "site": site.name,
            **{column: members[number] for column, members in groups.items()},
            "cell": cell_name(site.lat, site.lon),
            "block": block_name(site.lat, site.lon),
        }
        for number, site in enumerate(towers)
    ]
