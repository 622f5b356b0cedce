"""Tell how well distances rank the gain of test groups: `landbridge`'s stage `rank_transferability`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
