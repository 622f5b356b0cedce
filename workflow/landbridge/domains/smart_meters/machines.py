"""Machines of the twin as segments of constant power on a clock of whole seconds.

Seconds count from the beginning of the record. Powers are multiples of 1/64 W, so that sums and differences of them are
exact and a machine that is off has exactly 0 W.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MINUTE, HOUR, DAY = 60, 3600, 86400
GRAIN = 64  # steps of power in a watt
SPIN_STEP = 10  # s of one step of the ramp of a spin
LEAST_HEAT = 3 * MINUTE
USE_SECONDS = (30, 600)  # shortest and longest use of a kettle or a microwave


@dataclass(frozen=True)
class Segments:
    """Stretches of constant power, which may overlap and then add.

    Attributes:
        start, end: (segment,) int64, s; the end is not part of it.
        watts: (segment,) float64, W.
    """

    start: np.ndarray
    end: np.ndarray
    watts: np.ndarray

    @classmethod
    def of(cls, start: Any, end: Any, watts: Any) -> Segments:
        """Segments of arrays that are broadcast against each other; those without length or power are left out."""
        begin, finish, power = (part.ravel() for part in np.broadcast_arrays(start, end, watts))
        power = np.round(power * GRAIN) / GRAIN
        kept = (finish > begin) & (power != 0)
        return cls(begin[kept].astype(np.int64), finish[kept].astype(np.int64), power[kept])

    def __add__(self, other: Segments) -> Segments:
        return Segments(*(np.concatenate(pair) for pair in zip(vars(self).values(), vars(other).values(), strict=True)))

    def half(self) -> Segments:
        """The same at half the power: one of two legs."""
        return Segments.of(self.start, self.end, self.watts / 2)

    def power(self, begin: int, end: int) -> np.ndarray:
        """(end - begin,) float64, W, of each second from `begin` to `end`."""
        kept = (self.start < end) & (self.end > begin)
        starts = np.maximum(self.start[kept], begin) - begin
        ends = np.minimum(self.end[kept], end) - begin
        size = end - begin + 1
        steps = np.bincount(starts, self.watts[kept], size) - np.bincount(ends, self.watts[kept], size)
        return np.cumsum(steps)[:-1]


@dataclass(frozen=True)
class Machine:
    """A machine of one home.

    Attributes:
        legs: what each of its one or two circuits carries.
        drawn: values of the home, by name: W, s, or a count a day.
    """

    legs: tuple[Segments, ...]
    drawn: Mapping[str, float]

    def power(self, begin: int, end: int) -> np.ndarray:
        """(end - begin,) W of all legs."""
        return np.sum([leg.power(begin, end) for leg in self.legs], axis=0)


def around(pair: Sequence[float], random: np.random.Generator, cut: float) -> float:
    """A value of normal distribution [mean, deviation], cut at `cut` deviations."""
    return float(pair[0] + pair[1] * np.clip(random.normal(), -cut, cut))


def one_after_another(starts: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Starts in order, each put off until the use before it has ended."""
    starts = np.sort(starts)
    before = np.cumsum(seconds) - seconds
    return np.maximum.accumulate(starts - before) + before if len(starts) else starts


def alternate(start: np.ndarray, seconds: np.ndarray, cycle: Sequence[int], watts: float) -> Segments:
    """Pulses and pauses, whose lengths in s are `cycle`, from each start (n,) for `seconds` (n,)."""
    on, off = cycle
    pulses = -(-seconds // (on + off))
    use = np.repeat(np.arange(len(start)), pulses)
    number = np.arange(len(use)) - np.repeat(np.cumsum(pulses) - pulses, pulses)
    begin = start[use] + number * (on + off)
    return Segments.of(begin, np.minimum(begin + on, start[use] + seconds[use]), watts)


def uses_of(numbers: Mapping[str, Any], starts: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Starts and lognormal lengths, s, of short uses."""
    lengths = numbers["median_seconds"] * np.exp(numbers["log_deviation"] * random.normal(size=len(starts)))
    seconds = np.clip(np.round(lengths), *USE_SECONDS).astype(np.int64)
    return one_after_another(starts, seconds), seconds


def kettle(numbers: Mapping[str, Any], watts: float, starts: np.ndarray, random: np.random.Generator) -> Segments:
    """A heater that is on from switch to boil."""
    begin, seconds = uses_of(numbers, starts, random)
    return Segments.of(begin, begin + seconds, watts)


def microwave(
    numbers: Mapping[str, Any], watts: float, starts: np.ndarray, length: int, random: np.random.Generator
) -> Segments:
    """Full power, or pulses in a share of the uses, above a standby that never ends."""
    begin, seconds = uses_of(numbers, starts, random)
    pulsed = random.random(len(begin)) < numbers["pulsed_share"]
    above = watts - numbers["standby"]
    full = Segments.of(begin[~pulsed], (begin + seconds)[~pulsed], above)
    pulses = alternate(begin[pulsed], seconds[pulsed], numbers["pulse_seconds"], above)
    return Segments.of(0, length, numbers["standby"]) + full + pulses


def fridge(
    numbers: Mapping[str, Any],
    watts: float,
    on: float,
    off: float,
    duty: np.ndarray,
    log_deviation: float,
    random: np.random.Generator,
    *,
    defrosts: bool,
) -> Segments:
    """Compressor cycles with an inrush; a defrost lengthens the pause in which it falls.

    Args:
        numbers: of countries.yaml.
        watts: of the compressor.
        on, off: mean lengths, s.
        duty: (day,) season factor on the length of a cycle's on time.
        log_deviation: of single lengths.
        random: stream.
        defrosts: it has a heater for it.
    """
    length = DAY * len(duty)
    count = int(1.3 * length / (on * duty.min() + off)) + 10
    day = np.minimum(np.arange(count) * (on + off) // DAY, len(duty) - 1).astype(int)
    spread = np.exp(log_deviation * random.normal(size=(2, count)) - log_deviation**2 / 2)
    running = np.round(on * duty[day] * spread[0]).astype(np.int64)
    pause = np.round(off * spread[1]).astype(np.int64)
    heat = numbers["defrost_minutes"] * MINUTE
    frosted = np.zeros(0, np.int64)
    if defrosts:
        every = numbers["defrost_hours"] * HOUR
        due = np.arange(random.uniform(0, every), length, every)
        frosted = np.searchsorted(np.cumsum(running + pause), due)
        pause[frosted] += heat
    start = np.cumsum(running + pause) - running - pause - int(random.uniform(0, on + off))
    end = start + running
    inrush = numbers["inrush_seconds"]
    return (
        Segments.of(start, end, watts)
        + Segments.of(start, start + inrush, (numbers["inrush"] - 1) * watts)
        + Segments.of(end[frosted], end[frosted] + heat, numbers["defrost_watts"])
    )


def dishwasher(
    numbers: Mapping[str, Any], heat_watts: float, longer: float, starts: np.ndarray, random: np.random.Generator
) -> Segments:
    """Pump, heat, pump, heat, dry: one stage after another, heats of varying length, all `longer` times as long."""
    size = len(starts)
    pumps, heats = (np.asarray(numbers[name], float)[:, None] for name in ("pump_minutes", "heat_minutes"))
    heat = np.maximum((heats + numbers["heat_deviation"] * random.normal(size=(2, size))) * MINUTE, LEAST_HEAT)
    dry = np.full(size, numbers["dry_minutes"] * MINUTE)
    minutes = [np.full(size, pumps[0] * MINUTE), heat[0], np.full(size, pumps[1] * MINUTE), heat[1], dry]
    seconds = np.round(longer * np.stack(minutes)).astype(np.int64)  # (stage, use)
    begin = one_after_another(starts, seconds.sum(axis=0)) + np.cumsum(seconds, axis=0) - seconds
    pump = numbers["pump_watts"]
    watts = np.array([pump, heat_watts, pump, heat_watts, numbers["dry_watts"]])[:, None]
    return Segments.of(begin, begin + seconds, watts)


def washer_dryer(numbers: Mapping[str, Any], motor_watts: float, starts: np.ndarray) -> tuple[Segments, Segments]:
    """A motor that turns one way and the other while it washes and dries, then a heater on two legs besides it."""
    wash, dry = (numbers[name] * MINUTE for name in ("wash_minutes", "drying_minutes"))
    begin = one_after_another(starts, np.full(len(starts), wash + dry))
    motor = alternate(begin, np.full(len(begin), wash + dry), numbers["motor_seconds"], motor_watts)
    cycle = [MINUTE * minutes for minutes in numbers["dryer_minutes"]]
    leg = alternate(begin + wash, np.full(len(begin), dry), cycle, numbers["dryer_watts"]).half()
    return motor + leg, leg


def washing_machine(
    numbers: Mapping[str, Any], heat_watts: float, motor_watts: float, starts: np.ndarray, random: np.random.Generator
) -> Segments:
    """Heating as long as the programme asks for, the motor to and fro, then a spin that gets faster in steps."""
    size = len(starts)
    heat = MINUTE * random.choice(numbers["heat_minutes"], size)
    motor, spin = (numbers[name] * MINUTE for name in ("motor_minutes", "spin_minutes"))
    begin = one_after_another(starts, heat + motor + spin)
    turning = alternate(begin + heat, np.full(size, motor), numbers["motor_seconds"], motor_watts)
    steps = np.arange(0, spin, SPIN_STEP)
    ramp = motor_watts + (numbers["spin_watts"] - motor_watts) * (steps + SPIN_STEP) / spin
    spun = (begin + heat + motor)[:, None] + steps
    return Segments.of(begin, begin + heat, heat_watts) + turning + Segments.of(spun, spun + SPIN_STEP, ramp)


def thermostat(
    numbers: Mapping[str, Any], watts: float, starts: np.ndarray, random: np.random.Generator
) -> tuple[Segments, ...]:
    """A large load that cycles while it is in use, on one leg or two."""
    least, most = (MINUTE * minutes for minutes in numbers["minutes"])
    seconds = random.integers(least, most + 1, len(starts))
    cycle = [MINUTE * minutes for minutes in numbers["cycle_minutes"]]
    cycles = alternate(one_after_another(starts, seconds), seconds, cycle, watts)
    return (cycles,) if numbers["legs"] == 1 else (cycles.half(), cycles.half())
