"""Set all scenarios beside each other: `landbridge`'s stage `summarise`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
