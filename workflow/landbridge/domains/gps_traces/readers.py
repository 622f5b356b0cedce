"""Readers of travel-mode datasets: raw files to trip legs with speeds, places and modes."""

from landbridge.domains.gps_traces.geolife import read_geolife
from landbridge.domains.gps_traces.mobilitynet import read_mobilitynet
from landbridge.domains.gps_traces.processed import read_processed_csv

READERS = {
    "geolife": read_geolife,
    "mobilitynet": read_mobilitynet,
    "processed_csv": read_processed_csv,
}
