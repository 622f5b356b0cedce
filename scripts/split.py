"""Part the groups of one scenario before anything is fitted, and audit the parts for leaks: `landbridge`'s stage `split`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
