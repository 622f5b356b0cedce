"""Run a domain's process model over the drivers of one scenario: `landbridge`'s stage `simulate`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
