"""Score predictions of one recipe against the answers: `landbridge`'s stage `evaluate`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
