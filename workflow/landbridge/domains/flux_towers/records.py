"""Flux records of one or several networks, and what becomes of them: one series for each physical tower.

The order is fixed: names without prefix and in one spelling, records of one place joined, then one network for each
tower and year. Reproducing a published table may ask for the published rule instead.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from landbridge.domains.flux_towers import towers
from landbridge.stage import StageError

log = logging.getLogger(__name__)

FLUXES = ("gpp", "reco", "nee")
NETWORK_ORDER = ("FLX", "AMF", "ICOSETC", "ICOS", "JPX")  # from the oldest release to the newest
OVERLAPS = ("best_year", "published_first")
NAMING = ("tower", "network")
IMBALANCE = 0.01  # gC m-2 d-1


@dataclass(frozen=True)
class Records:
    """Rows of all networks, each with its three fluxes; columns are (row,).

    Attributes:
        site: names with prefixes taken off, by number.
        code: number of the name of each row.
        network: of each row; "" where it is not known.
        day: datetime64[D].
        fluxes: gpp, reco, nee in gC m-2 d-1.
        quality: 0 to 1.
        lat, lon: degrees.
        igbp: class.
    """

    site: list[str]
    code: np.ndarray
    network: np.ndarray
    day: np.ndarray
    fluxes: Mapping[str, np.ndarray]
    quality: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    igbp: np.ndarray


@dataclass(frozen=True)
class Tower:
    """The series of one tower.

    Attributes:
        days: growing, each once.
        values: gpp, reco, nee and qc on them.
        igbp: label that stands.
        labels: all labels of its records.
        networks: that distribute it.
    """

    name: str
    days: np.ndarray
    values: Mapping[str, np.ndarray]
    lat: float
    lon: float
    igbp: str
    labels: Sequence[str] = field(default=())
    networks: Sequence[str] = field(default=())


def physical_towers(records: Records, overlap: str = "best_year", naming: str = "tower") -> list[Tower]:
    """One series for each tower, in the order of names.

    Args:
        records: rows of all networks.
        overlap: where several networks have a day: `best_year` takes the network of the higher mean quality for the
            whole calendar year, on a tie the newer one, and the label of the newest record; `published_first` takes
            the first of FLX, AMF, ICOS, JPX day by day, and the first label, as CarbonFluxBench does.
        naming: `tower`, or `network`, which counts the records of each network as a tower of their own, as the first
            version of CarbonFluxBench did; only to show what that does.

    Raises:
        StageError: an unknown word, or no complete row.
    """
    if overlap not in OVERLAPS or naming not in NAMING:
        raise StageError(
            f"reader_settings: overlap {overlap!r} and naming {naming!r}; write one of {', '.join(OVERLAPS)} and one "
            f"of {', '.join(NAMING)}"
        )
    if len(records.code) == 0:
        raise StageError("no row has all three fluxes and a quality")
    _count_imbalance(records)
    networks, network = np.unique(records.network.astype(str), return_inverse=True)
    names, code = _names(records, networks, network, naming)
    rank = np.array([_age(name) for name in networks])[network]
    year = records.day.astype("datetime64[Y]").astype(np.int64)
    row = np.arange(len(code))
    if overlap == "best_year":
        order = np.lexsort((row, records.day, network, code))
        order = order[_of_best_network(code[order], year[order], network[order], rank[order], records.quality[order])]
        order = order[np.lexsort((row[order], records.day[order], code[order]))]
    else:
        order = np.lexsort((row, rank, records.day, code))
    first = np.ones(len(order), bool)
    first[1:] = (code[order][1:] != code[order][:-1]) | (records.day[order][1:] != records.day[order][:-1])
    if overlap == "best_year" and not first.all():
        log.warning("%d rows repeat a day of the same network; the first of each is kept", int((~first).sum()))
    kept = order[first]
    bounds = np.searchsorted(code[kept], np.arange(len(names) + 1))
    every = np.argsort(code, kind="stable")
    all_bounds = np.searchsorted(code[every], np.arange(len(names) + 1))
    found = []
    for number, name in enumerate(names):
        own = kept[bounds[number] : bounds[number + 1]]
        if len(own) == 0:
            continue
        rows = every[all_bounds[number] : all_bounds[number + 1]]
        labels = sorted(set(records.igbp[rows]))
        newest = rows[np.lexsort((records.day[rows], rank[rows]))[-1]]
        named = rows[0] if overlap == "published_first" else newest
        label, (lat, lon) = str(records.igbp[named]), (float(records.lat[named]), float(records.lon[named]))
        if len(labels) > 1:
            log.warning("%s: its records disagree on its class (%s); %s stands", name, ", ".join(labels), label)
        values = {flux: records.fluxes[flux][own] for flux in FLUXES} | {"qc": np.clip(records.quality[own], 0, 1)}
        members = sorted({str(networks[index]) for index in set(network[rows].tolist())} - {""})
        found.append(Tower(name, records.day[own], values, lat, lon, label, labels, members))
    return found


def _names(records: Records, networks: np.ndarray, network: np.ndarray, naming: str) -> tuple[list[str], np.ndarray]:
    """Names of towers, sorted, and the number of each row's."""
    if naming == "network":
        pairs, inverse = np.unique(records.code * len(networks) + network, return_inverse=True)
        words = [f"{networks[pair % len(networks)]}_{records.site[pair // len(networks)]}" for pair in pairs]
        return _renumbered(words, inverse)
    spelling = towers.one_spelling(records.site)
    words = [spelling[name] for name in records.site]
    names, code = _renumbered(words, records.code)
    order = np.lexsort((records.day, code))
    bounds = np.searchsorted(code[order], np.arange(len(names) + 1))
    lat, lon, series = np.full(len(names), np.nan), np.full(len(names), np.nan), {}
    for number, name in enumerate(names):
        own = order[bounds[number] : bounds[number + 1]]
        if len(own) == 0:
            series[name] = (np.zeros(0, "datetime64[D]"), np.zeros(0))
            continue
        lat[number], lon[number] = records.lat[own[0]], records.lon[own[0]]
        days, first = np.unique(records.day[own], return_index=True)
        series[name] = (days, records.fluxes["nee"][own[first]])
    merged = towers.same_tower(names, lat, lon, series)
    joined = [name for name in names if merged[name] != name]
    for name in joined:
        log.warning("%s and %s stand at one place and measure the same; taken as one tower", merged[name], name)
    return _renumbered([merged[name] for name in names], code)


def _renumbered(words: Sequence[str], code: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Sorted distinct words, and rows numbered by them."""
    names, number = np.unique(np.asarray(words, dtype=str), return_inverse=True)
    return names.tolist(), number[code]


def _age(network: str) -> int:
    return NETWORK_ORDER.index(network) if network in NETWORK_ORDER else -1


def _of_best_network(
    code: np.ndarray, year: np.ndarray, network: np.ndarray, rank: np.ndarray, quality: np.ndarray
) -> np.ndarray:
    """(row,) bool: rows of the network with the higher mean quality in the tower's year, the newer one on a tie.

    Rows are sorted by tower and network.
    """
    keys = np.stack([code, year, network], axis=1)
    distinct, inverse = np.unique(keys, axis=0, return_inverse=True)
    inverse = inverse.ravel()
    mean = np.round(np.bincount(inverse, quality) / np.bincount(inverse), 9)
    newest = np.zeros(len(distinct))
    newest[inverse] = rank
    order = np.lexsort((newest, mean, distinct[:, 1], distinct[:, 0]))  # the best of each tower and year stands last
    ordered = distinct[order]
    last = np.ones(len(order), bool)
    last[:-1] = (ordered[1:, :2] != ordered[:-1, :2]).any(axis=1)
    best = np.zeros(len(distinct), bool)
    best[order[last]] = True
    return best[inverse]


def _count_imbalance(records: Records) -> None:
    """Log by network how many rows break NEE = RECO - GPP; they are kept as they are."""
    error = np.abs(records.fluxes["nee"] - (records.fluxes["reco"] - records.fluxes["gpp"]))
    broken = error >= IMBALANCE
    for name in sorted(set(records.network[broken].astype(str))):
        own = records.network.astype(str) == name
        log.warning(
            "%s: %d of %d rows break NEE = RECO - GPP by %g gC m-2 d-1 or more; kept",
            *(name or "unknown network", int((broken & own).sum()), int(own.sum()), IMBALANCE),
        )


def unknown_classes(found: Sequence[Tower]) -> None:
    """Log classes that are in no vocabulary: they are kept as text and become a row of zeros among the inputs."""
    unknown = sorted({tower.igbp for tower in found} - set(towers.IGBP))
    if unknown:
        members = [tower.name for tower in found if tower.igbp in unknown]
        log.warning("IGBP class %s is not known (%s); kept as it is", ", ".join(unknown), ", ".join(members[:5]))
