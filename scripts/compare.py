"""Set recipes beside each other, with intervals and verdicts: `landbridge`'s stage `compare`."""

from landbridge.job import run

run(snakemake)  # noqa: F821 (Snakemake defines it)
