"""Put published scores through the judging of this project: `landbridge`'s stage `recompute`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
