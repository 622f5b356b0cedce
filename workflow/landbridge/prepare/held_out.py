"""Rules that choose what is held out of one population: the groups of some places, classes or climates.

Each takes the population, the settings of the split and the number of the fold, and returns which units are held out
and which take no part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from landbridge.prepare.groups import distance_km
from landbridge.prepare.population import Population
from landbridge.prepare.streams import hash_order, majority, stratified_order
from landbridge.stage import StageError

Chosen = tuple[np.ndarray, np.ndarray]  # (unit,) held out; (unit,) in no part

PUBLISHED_SHARE = 0.2
PUBLISHED_RARE = 10  # sites of a class up to which half of them are held out


def _nothing(population: Population) -> np.ndarray:
    return np.zeros(len(population.names), bool)


def _of_groups(population: Population, wanted: set[str]) -> np.ndarray:
    return np.array([group in wanted for group in population.groups], bool)


def grouped(population: Population, settings: Mapping[str, Any], fold: int) -> Chosen:
    """A share of the groups, stratified by the majority class of each; with folds each group is held out once."""
    strata = majority(zip(population.groups, population.classes, strict=True))
    ordered = stratified_order(strata, "split held out", settings["seed"])
    folds = settings["folds"]
    if folds > len(ordered):
        raise StageError(f"split: {folds} folds for {len(ordered)} groups; write folds: {len(ordered)} or fewer")
    if folds > 1:
        wanted = ordered[round(fold * len(ordered) / folds) : round((fold + 1) * len(ordered) / folds)]
    else:
        wanted = ordered[: max(1, round(settings["held_out"] * len(ordered)))]
    return _of_groups(population, set(wanted)), _nothing(population)


def igbp_published(population: Population, settings: Mapping[str, Any], fold: int) -> Chosen:
    """CarbonFluxBench's IGBP split (Rozanov et al. 2026, arXiv 2603.09868): half of rare classes, a fifth of the rest.

    Of a class with at most ten sites floor(n / 2) are drawn by pandas; the other classes together go through
    scikit-learn's stratified `train_test_split`. Both have the published seed, 56, and see the sites in the order of
    their names: which sites are drawn depends on that order and on the versions of the libraries.
    """
    import pandas as pd

    table = _site_table(population, settings)
    counts = table["label"].value_counts()
    rare = sorted(counts[counts <= PUBLISHED_RARE].index)
    drawn = [
        table[table["label"] == label].sample(n=int(counts[label]) // 2, random_state=settings["seed"])
        for label in rare
    ]
    rest = table[~table["label"].isin(rare)]
    if len(rest):
        drawn.append(_stratified_fifth(rest, settings["seed"]))
    wanted = set(pd.concat(drawn)["site"])
    return np.array([name in wanted for name in population.names], bool), _nothing(population)


def koppen_published(population: Population, settings: Mapping[str, Any], fold: int) -> Chosen:
    """CarbonFluxBench's Koeppen split (Rozanov et al. 2026, arXiv 2603.09868): a fifth of the sites, by main class."""
    table = _site_table(population, settings)
    wanted = set(_stratified_fifth(table, settings["seed"])["site"])
    return np.array([name in wanted for name in population.names], bool), _nothing(population)


def _site_table(population: Population, settings: Mapping[str, Any]) -> Any:
    """One row for each site with its class, sorted by name."""
    import pandas as pd

    if settings["folds"] > 1:
        raise StageError("split: a published split has one fold; write folds: 1")
    table = pd.DataFrame({"site": list(population.names), "label": list(population.classes)})
    return table.sort_values("site", kind="stable", ignore_index=True)


def _stratified_fifth(table: Any, seed: int) -> Any:
    from sklearn.model_selection import train_test_split

    try:
        return train_test_split(table, test_size=PUBLISHED_SHARE, stratify=table["label"], random_state=seed)[1]
    except ValueError as error:
        counts = ", ".join(f"{label} {count}" for label, count in table["label"].value_counts().items())
        raise StageError(
            f"split: the published rule can't part these sites ({error}; sites by class: {counts}); take whole_groups"
        ) from error


def spatial_block(population: Population, settings: Mapping[str, Any], fold: int) -> Chosen:
    """Blocks of `block_degrees` by `block_degrees`, dealt to the folds; towers within `buffer_km` of a held-out block
    that are not in one take no part.

    Blocks go, in a seeded order from the fullest on, to the fold with the fewest units. A group whose members lie in
    two blocks counts where most of them lie.
    """
    lat, lon = _places(population)
    size = float(settings["block_degrees"])
    block = np.array([f"{row:+d} {column:+d}" for row, column in zip(*_cells(lat, lon, size), strict=True)])
    home = majority(zip(population.groups, block.tolist(), strict=True))
    own = np.array([home[group] for group in population.groups])
    names, counts = np.unique(own, return_counts=True)
    folds = settings["folds"]
    if folds < 2 or folds > len(names):
        raise StageError(f"split: spatial_block deals {len(names)} blocks to folds; write folds: 2 to {len(names)}")
    number = dict(zip(names.tolist(), counts.tolist(), strict=True))
    seeded = hash_order(names.tolist(), "spatial blocks", settings["seed"])
    load = [0] * folds
    fold_of: dict[str, int] = {}
    for name in sorted(seeded, key=lambda name: -number[name]):
        fold_of[name] = int(np.argmin(load))
        load[fold_of[name]] += number[name]
    held = np.array([fold_of[name] == fold for name in own])
    near = np.zeros(len(held), bool)
    for name in sorted(name for name, where in fold_of.items() if where == fold):
        row, column = (int(word) for word in name.split())
        near |= _to_block_km(lat, lon, row * size, column * size, size) <= settings["buffer_km"]
    touched = {group for group, close in zip(population.groups, near & ~held, strict=True) if close}
    return held, _of_groups(population, touched) & ~held


def _cells(lat: np.ndarray, lon: np.ndarray, size: float) -> tuple[list[int], list[int]]:
    return np.floor(lat / size).astype(int).tolist(), np.floor(((lon + 180) % 360 - 180) / size).astype(int).tolist()


def _to_block_km(lat: np.ndarray, lon: np.ndarray, south: float, west: float, size: float) -> np.ndarray:
    """Distance in km to the nearest point of a block, which is found by clipping latitude and longitude."""
    nearest_lat = np.clip(lat, south, south + size)
    centre = west + size / 2
    offset = (lon - centre + 180) % 360 - 180  # the short way round
    return distance_km(lat, lon, nearest_lat, centre + np.clip(offset, -size / 2, size / 2))


def _places(population: Population) -> tuple[np.ndarray, np.ndarray]:
    if population.lat is None or population.lon is None:
        raise StageError("split: this rule needs places, and the units have no lat and lon")
    lat, lon = np.asarray(population.lat, float), np.asarray(population.lon, float)
    if not (np.isfinite(lat) & np.isfinite(lon)).all():
        lost = [name for name, known in zip(population.names, np.isfinite(lat + lon), strict=True) if not known]
        raise StageError(f"split: this rule needs places, and {', '.join(lost[:5])} have none")
    return lat, lon


def leave_one_class_out(population: Population, settings: Mapping[str, Any], fold: int) -> Chosen:
    """All groups of one class of the column `by`; the folds take the classes from the largest on."""
    if population.by is None:
        raise StageError("split: leave_one_class_out needs the column of classes; write for example by: igbp")
    home = majority(zip(population.groups, population.by.astype(str).tolist(), strict=True))
    classes, counts = np.unique(list(home.values()), return_counts=True)
    ordered = [classes[index] for index in np.lexsort((classes, -counts))]
    if settings["folds"] > len(ordered):
        raise StageError(
            f"split: {settings['folds']} folds for the {len(ordered)} classes {', '.join(ordered)}; write folds: "
            f"{len(ordered)} or fewer"
        )
    wanted = {group for group, label in home.items() if label == ordered[fold]}
    return _of_groups(population, wanted), _nothing(population)


def leave_one_group_out(population: Population, settings: Mapping[str, Any], fold: int) -> Chosen:
    """One group a fold; with fewer folds than groups a seeded sample of them."""
    ordered = hash_order(sorted(set(population.groups)), "leave one out", settings["seed"])
    if settings["folds"] > len(ordered):
        raise StageError(f"split: {settings['folds']} folds for {len(ordered)} groups; write folds: {len(ordered)}")
    return _of_groups(population, {ordered[fold]}), _nothing(population)


def warm_out(population: Population, settings: Mapping[str, Any], fold: int) -> Chosen:
    """The groups with the highest mean of `by` (such as temperature), a share `held_out` of them.

    After the setting TA40 of FLUXtrapolation (arXiv 2605.19812), which holds out 25 warm sites of 207.
    """
    if population.by is None or population.by.dtype.kind not in "fiu":
        raise StageError("split: warm_out needs a number to order units by; write for example by: temperature")
    values = np.asarray(population.by, float)
    groups = np.asarray(population.groups, object)
    means = {group: float(np.nanmean(values[groups == group])) for group in sorted(set(groups))}
    ordered = sorted(means, key=lambda group: (-means[group], group))
    wanted = ordered[: max(1, round(settings["held_out"] * len(ordered)))]
    return _of_groups(population, set(wanted)), _nothing(population)
