"""Bring one dataset's raw files to their folder and list them in a manifest: `landbridge`'s stage `download`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
