"""Readers of satellite imagery: raw files to chips of reflectance with labels."""

from landbridge.domains.satellite_imagery.bc_fire import read_bc_fire
from landbridge.domains.satellite_imagery.cabuar import read_cabuar
from landbridge.domains.satellite_imagery.cems import read_wildfires_cems
from landbridge.domains.satellite_imagery.cube import read_cube
from landbridge.domains.satellite_imagery.eurosat import read_eurosat
from landbridge.domains.satellite_imagery.hls_burn_scars import read_hls_burn_scars
from landbridge.domains.satellite_imagery.sen2fire import read_sen2fire

READERS = {
    "bc_fire": read_bc_fire,
    "cabuar": read_cabuar,
    "cube": read_cube,
    "eurosat": read_eurosat,
    "hls_burn_scars": read_hls_burn_scars,
    "sen2fire": read_sen2fire,
    "wildfires_cems": read_wildfires_cems,
}
