"""Readers of household meters: raw files to homes on a regular grid, with the power and status of five appliances."""

from landbridge.domains.smart_meters.devicescope import read_devicescope
from landbridge.domains.smart_meters.redd import read_redd
from landbridge.domains.smart_meters.refit import read_refit
from landbridge.domains.smart_meters.ukdale import read_ukdale

READERS = {
    "redd": read_redd,
    "ukdale": read_ukdale,
    "refit": read_refit,
    "devicescope": read_devicescope,
}
