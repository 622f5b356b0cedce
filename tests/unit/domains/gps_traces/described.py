"""Descriptions of this domain's variables for tests, and a file that units went through."""

from landbridge.io import netcdf, series

TEXTS = (
    *("mode_detail", "user", "run", "route", "journey", "phone", "platform", "setting", "region"),
    *("start_cell", "end_cell", "cleaning", "leakage"),
)
DESCRIBED = {
    "speed": {"role": "input", "dimension": "obs", "units": "km h-1", "long_name": "speed"},
    "latitude": {
        "role": "static",
        "dimension": "obs",
        "dtype": "float64",
        "units": "degrees_north",
        "long_name": "lat",
    },
    "longitude": {
        "role": "static",
        "dimension": "obs",
        "dtype": "float64",
        "units": "degrees_east",
        "long_name": "lon",
    },
    **{name: {"role": "static", "dimension": "unit", "long_name": name} for name in TEXTS},
    "start_hour": {"role": "static", "dimension": "unit", "units": "hours", "long_name": "local hour of the first fix"},
    **{
        name: {
            "role": role,
            "dimension": "unit",
            "dtype": "uint8",
            "long_name": name,
            "flag_values": [0, 1, 2, 3, 4],
            "flag_meanings": "bike bus car train walk",
        }
        for name, role in (("mode", "target"), ("mode_truth", "truth"))
    },
}
DESCRIBED["mode_detail"]["role"] = "target"


def round_trip(path, units):
    """The file of some units, read back and so checked."""
    attributes = {"Conventions": "CF-1.11", "dataset": "test"}
    with series.SeriesWriter(path, DESCRIBED, attributes, time_unit="milliseconds", trajectory=True) as writer:
        for unit in units:
            writer.add(unit)
    return netcdf.read(path)
