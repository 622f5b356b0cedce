"""The appliances of this domain: when each counts as on, at which power it is cut, and how meters name it.

Thresholds and durations are those of the literature on load disaggregation; durations were chosen for data of 6 s. The
thresholds of minutes are higher where a minute mean hides short bursts, and go without durations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

LEAST_POWER = 5.0  # W: what is below is noise of the meter, and becomes 0
MOST_POWER = 20_000.0  # W: no home of these datasets can draw more, so such a reading is a fault


@dataclass(frozen=True)
class Appliance:
    """Constants of one appliance.

    Attributes:
        fine_threshold: W from which it is on, in data finer than a minute.
        minute_threshold: W from which it is on, in means of a minute.
        clip: W at which it is cut, by country; infinite where the country has none.
        least_on: s; shorter runs do not count.
        least_off: s; runs with a shorter or equal pause between are one.
    """

    fine_threshold: float
    minute_threshold: float
    clip: Mapping[str, float]
    least_on: float
    least_off: float


# In the order in which they stand everywhere. A washer dryer is a washing machine.
APPLIANCES: dict[str, Appliance] = {
    "kettle": Appliance(2000, 500, {"US": math.inf, "UK": 3100}, 12, 0),
    "microwave": Appliance(200, 200, {"US": 1800, "UK": 3000}, 12, 30),
    "fridge": Appliance(50, 50, {"US": 400, "UK": 300}, 60, 12),
    "dishwasher": Appliance(10, 300, {"US": 1200, "UK": 2500}, 1800, 1800),
    "washing_machine": Appliance(20, 300, {"US": 3500, "UK": 2500}, 1800, 156),
}

# Names in `labels.dat` and in headers, lower case and with one underscore between words; copies have misspelt ones.
ALIASES = {
    "kettle": "kettle",
    "microwave": "microwave",
    "fridge": "fridge",
    "fridge_freezer": "fridge",
    "refrigerator": "fridge",
    "dishwasher": "dishwasher",
    "dish_washer": "dishwasher",
    "dishwaser": "dishwasher",
    "washing_machine": "washing_machine",
    "washingmachine": "washing_machine",
    "washer_dryer": "washing_machine",
}
MAINS = "mains"
MAINS_ALIASES = ("mains", "main", "aggregate")


def meaning_of(label: str) -> str | None:
    """`mains`, an appliance, or None: what a meter of this label measures."""
    name = "_".join(label.strip().lower().replace("-", " ").replace("_", " ").split())
    return MAINS if name in MAINS_ALIASES else ALIASES.get(name)
