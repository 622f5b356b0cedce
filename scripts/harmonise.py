"""Read one dataset's raw files into a CF file with canonical names and units: `landbridge`'s stage `harmonise`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
