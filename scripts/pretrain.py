"""Train one model on the source population: `landbridge`'s stage `pretrain`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
