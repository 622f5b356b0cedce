"""Part the groups of one scenario, and audit the parts for leaks: `landbridge`'s stage `split`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
