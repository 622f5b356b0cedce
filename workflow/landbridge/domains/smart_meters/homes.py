"""The physical homes: a name for each that holds in every packing, their meters, and what is known of them.

The tables are literals of this module, not a data file, so that a change of them reruns what was read with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from landbridge.domains.smart_meters.appliances import APPLIANCES

LONDON = "Europe/London"
EASTERN = "America/New_York"  # REDD's read-me says US/Eastern, a name that not every system has
ACTIVE, APPARENT, UNKNOWN = "active", "apparent", "unknown"


@dataclass(frozen=True)
class Home:
    """A home.

    Attributes:
        name: of the home, such as ukdale_2, in whatever packing it comes.
        country, zone: US or UK, and the name of its time zone.
        power_type: what the mains meter measures: active, apparent, or unknown.
        meters: numbers of the channels or columns of each appliance that it has; several are summed.
        shared: appliances on a meter that others share.
        listed: whether `meters` is all that the home has of the five appliances.
    """

    name: str
    country: str
    zone: str
    power_type: str
    meters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()
    listed: bool = True

    def static(self, policy: str) -> dict[str, float | str]:
        """What a unit says of its home; `policy` names the rule of on and off: fine or minute."""
        absent = {f"{name}_absent": float(self.listed and name not in self.meters) for name in APPLIANCES}
        return {
            "home": self.name,
            "country": self.country,
            "power_type": self.power_type,
            "zone": self.zone,
            "status_policy": policy,
            "shared": " ".join(name for name in APPLIANCES if name in self.shared),
            **absent,
        }


# UK-DALE, Kelly and Knottenbelt 2015: channels of kettle, microwave, fridge, dishwasher, washing machine; 0: none.
# The one cold appliance of house 4 is a freezer; its washing machine shares a meter with microwave and breadmaker.
UKDALE = {
    1: (10, 13, 12, 6, 5),
    2: (8, 15, 14, 13, 12),
    3: (2, 0, 0, 0, 0),
    4: (3, 0, 5, 0, 6),
    5: (18, 23, 19, 22, 24),
}
UKDALE_POWER = {1: ACTIVE, 2: ACTIVE, 4: APPARENT}
UKDALE_SHARED = {4: ("washing_machine",)}

# REFIT, Murray, Stankovic and Stankovic 2017: number after `Appliance`, in the same order; there is no house 14.
# House 4 has two washing machines, which are summed.
REFIT: dict[int, tuple[int | tuple[int, ...], ...]] = {
    1: (0, 0, 1, 6, 5),
    2: (8, 5, 1, 3, 2),
    3: (9, 8, 2, 5, 6),
    4: (9, 8, 3, 0, (4, 5)),
    5: (8, 7, 1, 4, 3),
    6: (7, 6, 0, 3, 2),
    7: (9, 0, 1, 6, 5),
    8: (9, 8, 1, 0, 4),
    9: (7, 6, 1, 4, 3),
    10: (0, 8, 4, 6, 5),
    11: (7, 6, 2, 4, 3),
    12: (4, 3, 1, 0, 0),
    13: (9, 8, 0, 4, 3),
    15: (8, 7, 1, 4, 3),
    16: (0, 0, 1, 6, 5),
    17: (8, 7, 2, 0, 4),
    18: (0, 9, 3, 6, 5),
    19: (5, 4, 1, 0, 2),
    20: (9, 8, 1, 5, 4),
    21: (7, 0, 1, 4, 3),
}
REFIT_SHARED = {5: ("microwave",), 21: ("kettle",)}  # a combination microwave; a toaster on the meter of the kettle


def _meters(row: tuple[int | tuple[int, ...], ...]) -> dict[str, tuple[int, ...]]:
    pairs = zip(APPLIANCES, row, strict=True)
    return {name: own if isinstance(own, tuple) else (own,) for name, own in pairs if own}


def redd_home(number: int, prefix: str, meters: Mapping[str, tuple[int, ...]]) -> Home:
    """A home of REDD, whose meters its own labels name."""
    return Home(f"{prefix}_{number}", "US", EASTERN, APPARENT, meters)


def ukdale_home(number: int, prefix: str = "ukdale") -> Home | None:
    """A home of UK-DALE; None where it has no such number."""
    if number not in UKDALE:
        return None
    meters, shared = _meters(UKDALE[number]), frozenset(UKDALE_SHARED.get(number, ()))
    return Home(f"{prefix}_{number}", "UK", LONDON, UKDALE_POWER.get(number, UNKNOWN), meters, shared)


def refit_home(number: int, prefix: str = "refit") -> Home | None:
    """A home of REFIT; None where it has no such number."""
    if number not in REFIT:
        return None
    shared = frozenset(REFIT_SHARED.get(number, ()))
    return Home(f"{prefix}_{number}", "UK", LONDON, ACTIVE, _meters(REFIT[number]), shared)


def ideal_home(number: int) -> Home:
    """A home of IDEAL, of whose meters no table is at hand."""
    return Home(f"ideal_{number}", "UK", LONDON, UNKNOWN, listed=False)
