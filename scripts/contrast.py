"""Show what a flattering rule does to a score: `landbridge`'s stage `contrast`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
