"""Adapt to every label budget by one recipe, and predict the test rows: `landbridge`'s stage `transfer`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
