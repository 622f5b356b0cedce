"""Write predictions of images back onto the map: `landbridge`'s stage `maps`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
