"""Homes of the twin: who lives there, what they own, and when they use it. Numbers stand in countries.yaml."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from landbridge.domains.smart_meters import machines
from landbridge.domains.smart_meters.appliances import APPLIANCES
from landbridge.domains.smart_meters.machines import DAY, HOUR, MINUTE, Machine, Segments

COUNTRIES = ("a", "b")
METERED = tuple(APPLIANCES)
SUNDAY_AND_SATURDAY = (5, 6)
HOURS = np.arange(24)

Random = Callable[[str], np.random.Generator]  # the stream of a home for a purpose


@dataclass(frozen=True)
class Calendar:
    """The local days of a record, which begins at a local midnight.

    Attributes:
        first: beginning of the record, s since 1970-01-01, UTC.
        midnights: (day,) s since `first` at which each local day begins.
        weekend: (day,) bool.
        month: (day,) 1 to 12.
        winter: (day,) 1 in the middle of January, -1 in that of July.
        zone: of the clocks.
    """

    first: int
    midnights: np.ndarray
    weekend: np.ndarray
    month: np.ndarray
    winter: np.ndarray
    zone: zoneinfo.ZoneInfo

    @property
    def length(self) -> int:
        """Seconds of the record."""
        return DAY * len(self.midnights)

    def offset(self, seconds: np.ndarray) -> np.ndarray:
        """Local time less UTC, s, at whole seconds since 1970-01-01; borders lie on whole hours of UTC."""
        hours, place = np.unique(seconds // HOUR, return_inverse=True)
        return np.array([_offset(HOUR * hour, self.zone) for hour in hours.tolist()], np.int64)[place]


def _offset(seconds: int, zone: zoneinfo.ZoneInfo) -> int:
    shift = datetime.fromtimestamp(seconds, UTC).astimezone(zone).utcoffset() or timedelta()
    return int(shift.total_seconds())


def calendar(first_day: date, zone: str, days: int) -> Calendar:
    """`days` local days of the zone from `first_day`."""
    place = zoneinfo.ZoneInfo(zone)
    every = [first_day + timedelta(days=number) for number in range(days)]
    midnights = np.array([datetime(day.year, day.month, day.day, tzinfo=place).timestamp() for day in every], np.int64)
    of_year = np.array([day.timetuple().tm_yday for day in every])
    return Calendar(
        first=int(midnights[0]),
        midnights=midnights - midnights[0],
        weekend=np.array([day.weekday() in SUNDAY_AND_SATURDAY for day in every]),
        month=np.array([day.month for day in every]),
        winter=np.cos(2 * np.pi * (of_year - 15) / 365.25),
        zone=place,
    )


def read_numbers() -> dict[str, Any]:
    """All of countries.yaml."""
    return yaml.safe_load(Path(__file__).with_name("countries.yaml").read_text())


@dataclass(frozen=True)
class Home:
    """A home: its machines by name, base load and lighting among them, and what was drawn of it as a whole."""

    machines: Mapping[str, Machine]
    away: bool
    count_factor: float
    power_factor: float

    def power(self, begin: int, end: int) -> np.ndarray:
        """(end - begin,) active W of the whole home at each second since the record's beginning."""
        return np.sum([machine.power(begin, end) for machine in self.machines.values()], axis=0)


def use_times(
    numbers: Mapping[str, Any], home: Mapping[str, Any], days: Calendar, factor: float, random: np.random.Generator
) -> np.ndarray:
    """Starts, s since the record's beginning, of the uses of one machine: counts are Poisson, hours by its profile.

    Args:
        numbers: of the machine, with `per_day` and `peaks`.
        home: numbers of all homes, and `away`.
        days: of the record.
        factor: of the home on counts.
        random: stream.
    """
    weekday_factor = (7 - 2 * home["weekend_factor"]) / 5
    rate = factor * numbers["per_day"] * np.where(days.weekend, home["weekend_factor"], weekday_factor)
    first, last = numbers.get("months", (1, 12))
    rate = rate * ((days.month >= first) & (days.month <= last))
    counts = random.poisson(rate)
    day = np.repeat(np.arange(len(counts)), counts)
    hour = np.zeros(len(day))
    for weekend in (False, True):
        own = days.weekend[day] == weekend
        weights = profile(numbers["peaks"], home["weekend_later"] if weekend else 0)
        if home["away"] and not weekend:
            begin, end = home["away_hours"]
            weights[begin:end] *= home["away_factor"]
        hour[own] = random.choice(HOURS, int(own.sum()), p=weights / weights.sum())
    return days.midnights[day] + np.floor(HOUR * (hour + random.random(len(day)))).astype(np.int64)


def profile(peaks: Iterable[Sequence[float]], later: float = 0) -> np.ndarray:
    """(24,) weight of each hour: a sum of bells [hour, width, height] on the round of the clock."""
    found = np.zeros(24)
    for hour, width, height in peaks:
        distance = (HOURS + 0.5 - hour - later + 12) % 24 - 12
        found += height * np.exp(-0.5 * (distance / width) ** 2)
    return found


def draw_home(
    country: Mapping[str, Any],
    every: Mapping[str, Any],
    days: Calendar,
    random: Random,
    *,
    drifts: bool = False,
    without: Collection[str] = (),
) -> Home:
    """A home of a country with all machines that its people own.

    Args:
        country: its part of countries.yaml.
        every: all of countries.yaml.
        days: of the record.
        random: gives the stream of this home for a purpose.
        drifts: its dishwasher is replaced by another one half-way.
        without: machines that it has not.
        without: machines that it has not.
    """
    own = random("home")
    cut = every["cut"]
    counts, powers = (
        float(np.exp(every[name] * np.clip(own.normal(), -cut, cut)))
        for name in ("count_log_deviation", "power_log_deviation")
    )
    away = bool(own.random() < every["away_share"])
    drawn = Draw({**every, "away": away}, days, counts, powers, drifts)
    found: dict[str, Machine] = {}
    for name, numbers in country["machines"].items():
        stream = random(name)
        if stream.random() < numbers.get("share", 1) and name not in without:
            found[name] = getattr(drawn, numbers["kind"])(numbers, stream)
    return Home(found, away, counts, float(own.uniform(*country["power_factor"])))


@dataclass(frozen=True)
class Draw:
    """Draws one machine after another; a method for each `kind` of countries.yaml.

    Attributes:
        every: countries.yaml, and whether nobody is in by day as `away`.
        days: of the record.
        counts, powers: factors of the home.
        drifts: the dishwasher is replaced half-way.
    """

    every: Mapping[str, Any]
    days: Calendar
    counts: float
    powers: float
    drifts: bool

    def _watts(self, pair: Sequence[float], random: np.random.Generator) -> float:
        return self.powers * machines.around(pair, random, self.every["cut"])

    def _starts(self, numbers: Mapping[str, Any], random: np.random.Generator) -> np.ndarray:
        return use_times(numbers, self.every, self.days, self.counts, random)

    def kettle(self, numbers: Mapping[str, Any], random: np.random.Generator) -> Machine:
        """A kettle."""
        watts = self._watts(numbers["watts"], random)
        return Machine((machines.kettle(numbers, watts, self._starts(numbers, random), random),), {"watts": watts})

    def microwave(self, numbers: Mapping[str, Any], random: np.random.Generator) -> Machine:
        """A microwave."""
        watts = self._watts(numbers["watts"], random)
        starts = self._starts(numbers, random)
        segments = machines.microwave(numbers, watts, starts, self.days.length, random)
        return Machine((segments,), {"watts": watts})

    def fridge(self, numbers: Mapping[str, Any], random: np.random.Generator) -> Machine:
        """A fridge, whose duty follows the season."""
        watts = self._watts(numbers["watts"], random)
        on, off = (
            MINUTE * machines.around(numbers[name], random, self.every["cut"]) for name in ("on_minutes", "off_minutes")
        )
        duty = 1 - self.every["season"]["fridge"] * self.days.winter
        defrosts = bool(random.random() < numbers["defrost_share"])
        deviation = self.every["cycle_log_deviation"]
        segments = machines.fridge(numbers, watts, on, off, duty, deviation, random, defrosts=defrosts)
        return Machine((segments,), {"watts": watts, "on": on, "off": off, "defrosts": float(defrosts)})

    def dishwasher(self, numbers: Mapping[str, Any], random: np.random.Generator) -> Machine:
        """A dishwasher, or two, of which the second begins when half of the record has passed."""
        watts = self._watts(numbers["heat_watts"], random)
        starts = self._starts(numbers, random)
        if not self.drifts:
            return Machine((machines.dishwasher(numbers, watts, 1, starts, random),), {"heat_watts": watts})
        change = self.every["drift"]
        late = starts >= self.days.length // 2
        before = machines.dishwasher(numbers, watts, 1, starts[~late], random)
        after = machines.dishwasher(numbers, change["watts"] * watts, change["minutes"], starts[late], random)
        return Machine((before + after,), {"heat_watts": watts, "later_heat_watts": change["watts"] * watts})

    def washer_dryer(self, numbers: Mapping[str, Any], random: np.random.Generator) -> Machine:
        """A washer with a dryer."""
        watts = self._watts(numbers["motor_watts"], random)
        return Machine(machines.washer_dryer(numbers, watts, self._starts(numbers, random)), {"motor_watts": watts})

    def washing_machine(self, numbers: Mapping[str, Any], random: np.random.Generator) -> Machine:
        """A washing machine."""
        heat, motor = (self._watts(numbers[name], random) for name in ("heat_watts", "motor_watts"))
        segments = machines.washing_machine(numbers, heat, motor, self._starts(numbers, random), random)
        return Machine((segments,), {"heat_watts": heat, "motor_watts": motor})

    def base(self, numbers: Mapping[str, Any], random: np.random.Generator) -> Machine:
        """What is always on."""
        watts = max(self._watts(numbers["watts"], random), numbers["least"])
        return Machine((Segments.of(0, self.days.length, watts),), {"watts": watts})

    def lighting(self, numbers: Mapping[str, Any], random: np.random.Generator) -> Machine:
        """Lamps that go on as a Poisson process; on average as many burn as the profile of the hour says."""
        least, most = numbers["watts"]
        mean = numbers["mean_minutes"] * MINUTE
        burning = numbers["night"] + profile(numbers["peaks"])  # (24,)
        season = 1 + self.every["season"]["lighting"] * self.days.winter
        counts = random.poisson(self.counts * season[:, None] * burning * HOUR / mean)  # (day, hour)
        hour = np.repeat(np.arange(counts.size), counts.ravel())
        within = HOUR * (hour % 24 + random.random(len(hour)))
        start = self.days.midnights[hour // 24] + within.astype(np.int64)
        seconds = np.ceil(random.exponential(mean, len(hour))).astype(np.int64)
        watts = random.uniform(least, most, len(hour))
        return Machine((Segments.of(start, start + seconds, watts),), {"lamps_per_day": len(hour) / len(counts)})

    def thermostat(self, numbers: Mapping[str, Any], random: np.random.Generator) -> Machine:
        """A large load that cycles."""
        watts = self.powers * numbers["watts"]
        return Machine(machines.thermostat(numbers, watts, self._starts(numbers, random), random), {"watts": watts})
