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
        enforced = self.url.endswith(";enforce")
        return {"Connection": {"ConnectionProperties": {
            "JDBC_CONNECTION_URL": self.url.removesuffix(";enforce"),
            "JDBC_DRIVER_CLASS_NAME": "org.apache.derby.jdbc.EmbeddedDriver",
            "JDBC_ENFORCE_SSL": str(enforced).lower(),
        }}}


class Secrets:
    def get_secret_value(self, SecretId: str) -> dict:
        return {"SecretString": json.dumps({"username": "reader", "password": "secret" if SecretId == "the-secret" else "wrong"})}


def perform(request: dict) -> object:
    args = run_pipeline.arguments(request["argv"])
    if "jdbc" not in request:
        return run_pipeline.run(args)
    spark = run_pipeline.session(args)
    # read when the database's engine starts: from then on it lets nobody in without a password
    spark._jvm.java.lang.System.setProperty("derby.connection.requireAuthentication", "true")
    spark._jvm.java.lang.System.setProperty("derby.authentication.provider", "BUILTIN")
    spark._jvm.java.lang.System.setProperty("derby.user.reader", "secret")
    spark.createDataFrame([(1, 2.0), (2, 4.0), (3, None)], "id int, y double").write.jdbc(
        request["jdbc"].removesuffix(";enforce") + ";create=true", "numbers", mode="overwrite",
        properties={"driver": "org.apache.derby.jdbc.EmbeddedDriver", "user": "reader", "password": "secret"},
    )
    return run_pipeline.read_connection(spark, args, Glue(request["jdbc"]), Secrets())


for line in sys.stdin:
    try:
        answer = {"report": perform(json.loads(line))}
    except (Exception, SystemExit) as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print("@@" + json.dumps(answer), flush=True)
