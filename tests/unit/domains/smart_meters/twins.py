"""Twins as the tests write and read them."""

import hashlib

import numpy as np
import pyarrow.parquet as pq
from landbridge.domains.smart_meters import twin
from landbridge.domains.smart_meters.household import calendar, read_numbers
from landbridge.domains.smart_meters.meters import Plan

NUMBERS = read_numbers()


def write(folder, dataset="twin_test", seed=1, **settings):
    folder.mkdir(parents=True)
    return twin.write_twin(folder, dataset, seed, **settings)


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def megabytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def truth(folder):
    """Columns of truth.parquet as arrays."""
    table = pq.read_table(folder / "truth.parquet")
    return {name: table[name].to_numpy() for name in table.column_names}


def drawn(country, homes, days, *, unrelated=False, defects=True, dataset="twin_test", seed=1):
    """Calendar and houses, by number, of a twin that was written with the same arguments."""
    own = NUMBERS["countries"][country]
    record = calendar(own["first_day"], own["zone"], days)
    plan = Plan(dataset, seed, country, homes, days, unrelated, defects, True)
    return record, {house.number: house for house in twin.draw_houses(plan, NUMBERS, record)}


def channel(path):
    """(row,) times as int64 and values of a .dat file."""
    rows = np.array(path.read_text().split(), float).reshape(-1, 2)
    return rows[:, 0].astype(np.int64), rows[:, 1]


def table(path):
    """Header and (row, column) int64 of a REFIT file, without its text column, and that column."""
    header, *lines = path.read_text().splitlines()
    split = [line.split(",") for line in lines]
    return header.split(","), np.array([row[1:] for row in split], np.int64), [row[0] for row in split]


def spans(missing):
    """How many stretches of true there are."""
    return int((np.diff(np.concatenate([[0], missing.astype(int)])) == 1).sum())
