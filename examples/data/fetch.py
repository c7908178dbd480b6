"""Writes the measurement series of this folder from the copies that the Python package statsmodels carries.

    pip install statsmodels
    python fetch.py

Each file has a header and three columns: the date, the value, and 1 where the value was missing and has been interpolated
linearly between its neighbors (0 otherwise).
"""

import csv
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


if __name__ == "__main__":
    write("co2.csv", "co2_ppm", weekly_co2(), "%Y-%m-%d", 2)
    write("nino.csv", "temperature_celsius", monthly_sea_surface_temperature(), "%Y-%m", 2)
