"""Draw one figure of one scenario: `landbridge`'s stage `draw`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
