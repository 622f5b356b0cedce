"""Readers of flux-tower datasets: raw files to units with canonical names and units."""

from landbridge.domains.flux_towers.carbonfluxbench import read_carbonfluxbench
from landbridge.domains.flux_towers.cardamom import read_cardamom_fluxval
from landbridge.domains.flux_towers.fluxnet import read_fluxnet_daily
from landbridge.domains.flux_towers.half_hours import read_half_hours

READERS = {
    "carbonfluxbench": read_carbonfluxbench,
    "cardamom_fluxval": read_cardamom_fluxval,
    "fluxnet_daily": read_fluxnet_daily,
    "half_hours": read_half_hours,
}
