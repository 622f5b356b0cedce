"""Tell how well measures rank the gain of scenarios: `landbridge`'s stage `summarise_transferability`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
