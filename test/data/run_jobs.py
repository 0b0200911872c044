"""Runs jobs one after another in one Spark session: a line of JSON arguments in, a line with the report or the error out."""

import importlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "resources" / "data"))
run_pipeline = importlib.import_module("run_pipeline")


class Glue:
    """A catalog that knows one connection, to Spark's own embedded database."""

    def __init__(self, url: str):
        self.url = url

    def get_connection(self, Name: str) -> dict:
        assert Name == "warehouse"
        return {"Connection": {"ConnectionProperties": {"JDBC_CONNECTION_URL": self.url, "JDBC_DRIVER_CLASS_NAME": "org.apache.derby.jdbc.EmbeddedDriver"}}}


class Secrets:
    def get_secret_value(self, SecretId: str) -> dict:
        assert SecretId == "the-secret"
        return {"SecretString": json.dumps({"username": "reader", "password": "secret"})}


def perform(request: dict) -> object:
    args = run_pipeline.arguments(request["argv"])
    if "jdbc" not in request:
        return run_pipeline.run(args)
    spark = run_pipeline.session(args)
    spark.createDataFrame([(1, 2.0), (2, 4.0), (3, None)], "id int, y double").write.jdbc(
        request["jdbc"] + ";create=true", "numbers", mode="overwrite", properties={"driver": "org.apache.derby.jdbc.EmbeddedDriver"},
    )
    return run_pipeline.read_connection(spark, args, Glue(request["jdbc"]), Secrets())


for line in sys.stdin:
    try:
        answer = {"report": perform(json.loads(line))}
    except (Exception, SystemExit) as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print("@@" + json.dumps(answer), flush=True)
