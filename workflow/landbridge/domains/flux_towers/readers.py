"""Readers of flux-tower datasets: raw files to units with canonical names and units."""

from landbridge.domains.flux_towers.carbonfluxbench import read_carbonfluxbench
from landbridge.domains.flux_towers.cardamom import read_cardamom_fluxval

READERS = {"carbonfluxbench": read_carbonfluxbench, "cardamom_fluxval": read_cardamom_fluxval}
