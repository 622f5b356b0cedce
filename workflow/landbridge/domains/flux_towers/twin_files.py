"""The twin's towers as daily files in FLUXNET's layout: zips, CSV and metadata tables of three networks."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MISSING = "-9999"
EPOCH = (1980, 1, 1, 0, 0, 0)  # time of every member of a zip, so that equal content gives equal bytes
STEP = 0.05  # gC m-2 d-1 between the processings of one flux


@dataclass(frozen=True)
class Table:
    """One tower in one network: days and columns by published name, (day,)."""

    site: str
    network: str
    dates: np.ndarray
    columns: Mapping[str, np.ndarray]


def write_daily_files(folder: Path, tables: Sequence[Table], places: Mapping[str, tuple[float, float, str]]) -> None:
    """Write every table under its network's name and form, and the networks' metadata.

    FLX: a zip with the FULLSET file; AMF: the FULLSET file as it is; ICOSETC: its file and a SITEINFO.

    Args:
        folder: where to.
        tables: towers of all networks.
        places: lat, lon and IGBP class by site.
    """
    for table in tables:
        years = f"{table.dates[0].astype('datetime64[Y]')}-{table.dates[-1].astype('datetime64[Y]')}"
        text = _text(table)
        if table.network == "FLX":
            base = f"FLX_{table.site}_FLUXNET2015_FULLSET"
            member = zipfile.ZipInfo(f"{base}_DD_{years}_1-4.csv", EPOCH)
            with zipfile.ZipFile(folder / f"{base}_{years}_1-4.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(member, text)
        elif table.network == "AMF":
            (folder / f"AMF_{table.site}_FLUXNET_FULLSET_DD_{years}_3-5.csv").write_text(text)
        else:
            (folder / f"ICOSETC_{table.site}_FLUXNET_DD_L2.csv").write_text(text)
            lat, lon, igbp = places[table.site]
            rows = [("SITE_ID", table.site), ("LOCATION_LAT", lat), ("LOCATION_LONG", lon), ("IGBP", igbp)]
            _write(folder / f"ICOSETC_{table.site}_SITEINFO_L2.csv", [("VARIABLE", "DATAVALUE"), *rows])
    header = [("SITE_ID", "LAT", "LON", "IGBP")]
    own = {network: sorted({t.site for t in tables if t.network == network}) for network in ("FLX", "AMF")}
    _write(folder / "FLUXNET2015_Metadata.csv", [*header, *((site, *places[site]) for site in own["FLX"])])
    header = [("Site ID", "Latitude (degrees)", "Longitude (degrees)", "Vegetation Abbreviation (IGBP)")]
    _write(folder / "AmeriFlux_Metadata.tsv", [*header, *((site, *places[site]) for site in own["AMF"])], "\t")


def flux_columns(gpp: np.ndarray, reco: np.ndarray, nee: np.ndarray, qc: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of a FULLSET file: fluxes of three processings that differ by a little, all with the same quality."""
    found: dict[str, np.ndarray] = {}
    for number, name in enumerate(("USTAR50", "REF", "50")):
        shift = STEP * number
        found |= {
            f"NEE_VUT_{name}": nee + shift,
            f"NEE_VUT_{name}_QC": qc,
            f"RECO_NT_VUT_{name}": reco + shift,
            f"GPP_NT_VUT_{name}": gpp,
        }
    return found


def _text(table: Table) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["TIMESTAMP", *table.columns])
    stamps = [str(date).replace("-", "") for date in table.dates]
    columns = [
        [MISSING if np.isnan(value) else f"{value:.6g}" for value in values] for values in table.columns.values()
    ]
    writer.writerows(zip(stamps, *columns, strict=True))
    return out.getvalue()


def _write(path: Path, rows: Sequence[tuple[object, ...]], delimiter: str = ",") -> None:
    with path.open("w", newline="") as handle:
        csv.writer(handle, delimiter=delimiter, lineterminator="\n").writerows(rows)
