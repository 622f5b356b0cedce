"""Measure what tells of transfer before any adaptation: `landbridge`'s stage `transferability`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
