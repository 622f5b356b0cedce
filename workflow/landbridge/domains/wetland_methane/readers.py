"""Readers of methane emission of wetlands: towers, and simulations on a grid."""

from landbridge.domains.wetland_methane.fluxnet_ch4 import read_fluxnet_ch4
from landbridge.domains.wetland_methane.peprmt import read_peprmt
from landbridge.domains.wetland_methane.tem import read_tem_mdm
from landbridge.domains.wetland_methane.wetcharts import read_wetcharts
from landbridge.domains.wetland_methane.x_methanewet import read_x_methanewet

READERS = {
    "fluxnet_ch4": read_fluxnet_ch4,
    "tem_mdm": read_tem_mdm,
    "x_methanewet": read_x_methanewet,
    "peprmt_tidal": read_peprmt,
    "wetcharts": read_wetcharts,
}
