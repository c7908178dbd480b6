"""Writes the files of this folder: the measurement series from the copies that the Python package statsmodels carries, the text from the
copy in the Debian package r-cran-janeaustenr.

    pip install statsmodels
    python fetch.py                (on Debian or Ubuntu: it calls apt-get download)

Each series has a header and three columns: the date, the value, and 1 where the value was missing and has been interpolated
linearly between its neighbors (0 otherwise).
"""

import csv
import struct
import subprocess
import tempfile
import zlib
from pathlib import Path

import statsmodels.datasets as datasets

HERE = Path(__file__).parent


def write(name, column, series, date_format, decimals):
    missing = series.isna()
    filled = series.interpolate("linear")
    with open(HERE / name, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", column, "interpolated"])
        for date, value, flag in zip(filled.index, filled, missing):
            writer.writerow([date.strftime(date_format), f"{value:.{decimals}f}", int(flag)])
    print(f"{name}: {len(filled)} values, {int(missing.sum())} of them interpolated")


def weekly_co2():
    return datasets.co2.load_pandas().data["co2"]


def monthly_sea_surface_temperature():
    import pandas

    table = datasets.elnino.load_pandas().data.set_index("YEAR")
    dates = [pandas.Timestamp(int(year), month, 1) for year in table.index for month in range(1, 13)]
    return pandas.Series(table.to_numpy().reshape(-1), index=dates)


def novels(package):
    """The texts in that Debian package, each a list of lines. R keeps its data so: values one after the other, each the length of what
    it is unpacked (4 bytes), then a zlib stream of it. A vector of strings begins with 31 bytes, the last 4 of which are their number;
    every string has 4 bytes of flags and 4 of length before it. All numbers are big-endian."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True)
        [archive] = Path(folder).glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
        [database] = Path(folder).glob("**/data/Rdata.rdb")
        rest = database.read_bytes()
    while rest:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(rest[4:])
        rest = unpacking.unused_data
        lines, place = [], 31
        for _ in range(*struct.unpack(">i", content[27:31])):
            (length,) = struct.unpack(">i", content[place + 4 : place + 8])
            lines.append(content[place + 8 : place + 8 + length].decode("utf-8"))
            place += 8 + length
        yield lines


def write_persuasion():
    """Volume one: chapters 1 to 12."""
    [lines] = [lines for lines in novels("r-cran-janeaustenr") if lines[0] == "Persuasion"]
    volume = lines[lines.index("Chapter 1") : lines.index("(End of volume one.)")]
    text = "\n".join(line.rstrip() for line in volume).rstrip() + "\n"
    (HERE / "persuasion.txt").write_text(text, encoding="utf-8")
    print(f"persuasion.txt: {len(text)} characters")


if __name__ == "__main__":
    write("co2.csv", "co2_ppm", weekly_co2(), "%Y-%m-%d", 2)
    write("nino.csv", "temperature_celsius", monthly_sea_surface_temperature(), "%Y-%m", 2)
    write_persuasion()
