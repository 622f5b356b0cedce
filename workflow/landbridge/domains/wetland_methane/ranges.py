"""What drivers and fluxes can be in their canonical units, so that a mistake of the unit is refused by name."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from landbridge.stage import StageError

FEWEST = 365  # values of which a mean is judged


@dataclass(frozen=True)
class Range:
    """Limits of a variable; design values, wide enough for any place on the Earth.

    Attributes:
        unit: canonical unit.
        low, high: that no value may pass.
        mean: that the mean of a year or more may not pass.
        mistake: what values out of them mostly are.
    """

    unit: str
    low: float
    high: float
    mean: tuple[float, float] = (-np.inf, np.inf)
    mistake: str = ""


RANGES = {
    "air_temperature": Range("degC", -90, 60, (-45, 40), "K or tenths of a degree"),
    "vapour_pressure": Range("hPa", 0, 60, (1.5, 40), "Pa or kPa"),
    "vapour_pressure_deficit": Range("hPa", -1, 120, (0.3, 40), "Pa or kPa"),
    "precipitation": Range("mm d-1", -0.1, 1000, (0.03, 12), "m, tenths of mm, or mm per second"),
    "shortwave": Range("W m-2", -50, 600, (20, 400), "MJ or J per day"),
    "npp": Range("g m-2 d-1", -10, 50, (-1, 15), "another mass or time; see the setting npp"),
    "soil_temperature": Range("degC", -60, 60, (-25, 40), "K"),
    "water_table": Range("cm", -500, 500, (-300, 300), "mm, or cm read as m; see the setting water_table_units"),
    "ch4_flux": Range("mg m-2 d-1", -20_000, 50_000, (-100, 3000), "another mass, area or time"),
    "elevation": Range("m", -500, 9000, (-100, 6000), "another unit, or fill values"),
    "soil_ph": Range("1", 2, 11, (3, 10), "pH times 10"),
    "bulk_density": Range("g cm-3", 0, 2.7, (0.03, 2.2), "kg m-3, or g cm-3 times 100"),
    "wetland_type": Range("1", 0, 5, mistake="another classification"),
    "ch4_air": Range("ppb", 600, 3000, mistake="ppm"),
    "co2_air": Range("ppm", 250, 700, mistake="a mole fraction"),
    "salinity": Range("ppt", 0, 80, mistake="another unit"),
    "par": Range("umol m-2 s-1", -10, 2000, mistake="mol per day"),
}


@dataclass
class Watch:
    """Values of one variable as they pass, in pieces.

    Attributes:
        variable: canonical name.
        where: file or site, and the variable's name there.
        fix: what to write instead.
    """

    variable: str
    where: str
    fix: str
    total: float = field(default=0.0, init=False)
    number: int = field(default=0, init=False)

    def add(self, values: np.ndarray) -> None:
        """See some values; NaN is passed over.

        Raises:
            StageError: one outside the limits.
        """
        limits = RANGES[self.variable]
        known = values[np.isfinite(values)]
        if not known.size:
            return
        low, high = float(known.min()), float(known.max())
        if low < limits.low or high > limits.high:
            worst = low if low < limits.low else high
            raise self._fault(f"has the value {worst:.6g}, outside {limits.low:g} to {limits.high:g} {limits.unit}")
        self.total += float(known.sum(dtype=np.float64))
        self.number += known.size

    def close(self) -> None:
        """Judge the mean of all that passed.

        Raises:
            StageError: it is no mean that a year can have.
        """
        if self.number < FEWEST:
            return
        mean, limits = self.total / self.number, RANGES[self.variable]
        if not limits.mean[0] <= mean <= limits.mean[1]:
            low, high = limits.mean
            raise self._fault(f"has the mean {mean:.4g}, outside {low:g} to {high:g} {limits.unit}")

    def _fault(self, text: str) -> StageError:
        mistake = RANGES[self.variable].mistake
        return StageError(f"{self.where} {text}: a mistake of the unit ({mistake})? {self.fix}")


def check(variable: str, values: np.ndarray, where: str, fix: str) -> None:
    """Refuse values that the variable can't have; see `Watch`."""
    watch = Watch(variable, where, fix)
    watch.add(values)
    watch.close()
