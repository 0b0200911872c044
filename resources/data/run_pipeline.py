"""The program of every data pipeline's Glue job: runs the team's script, checks what it made, writes a candidate.

It is plain PySpark: as a Glue 5.0 job it gets `s3://` URIs, on a developer's machine it runs with `python` on file paths.
The team's script defines `transform(spark, source) -> DataFrame` and optionally `RULES`, a list of rules as in `--rules`.

Read:
  --source URI            prefix of the source files, handed to `transform`
  --script URI            the team's script
  --inputs URI            JSON: {"files":[{"path"}],"key":[…]}; `transform` gets the list of these files' URIs instead, and
                          the rows it makes are added to those of --parent, in place of rows with the same key
  --parent URI            folder of the latest version; without it nothing is added to
Written:
  --output URI            prefix of the dataset; a version goes to <output>/<version>/train and /holdout, as Parquet
  --report URI            JSON file that says what was made; the publication step decides by it
Said:
  --dataset NAME, --target COLUMN, --time ISO-8601 (the start of the run; the wall clock is never read)
  --time_column COLUMN    the split is by this column; without it by a hash of the row
  --holdout_share X       share of the rows that are held out
  --rules JSON            [{"rule":"schema","columns":{name:type}} | {"rule":"notNull","column","maxShare"} |
                           {"rule":"range","column","min","max"} | {"rule":"unique","columns"} |
                           {"rule":"fresh","column","seconds"} | {"rule":"rowCount","min","max"} |
                           {"rule":"rowCountChange","maxDecrease","maxIncrease"}]; shares are fractions, types Spark's
  --parent_hash HASH      content hash of the latest version: the same content is not written again
  --parent_rows N         rows of the latest version
  --not_before ISO-8601   start of the latest version's holdout: a later holdout never reaches into what was trained on
  --shuffle_partitions N, --files N (largest number of files a split)
For a source behind a Glue connection:
  --connection NAME, --query SQL, [--secret ARN]; the rows read are kept as Parquet below --source first

Nothing is written below --output when a rule fails or the content is the parent's. A retry writes the same folder again.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import math
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import NumericType, StringType


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("dataset", "source", "script", "output", "report", "target", "time"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("inputs", "parent", "time_column", "parent_hash", "not_before", "connection", "query", "secret"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--parent_rows", type=int)
    parser.add_argument("--holdout_share", type=float, default=0.2)
    parser.add_argument("--rules", type=json.loads, default=[])
    parser.add_argument("--shuffle_partitions", type=int, default=4)
    parser.add_argument("--files", type=int, default=4)
    # Glue adds arguments of its own.
    return parser.parse_known_args(argv)[0]


def session(args: argparse.Namespace) -> SparkSession:
    return (
        SparkSession.builder.appName(f"dataset {args.dataset}")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", args.shuffle_partitions)
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .config("spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
        .getOrCreate()
    )


def load_script(spark: SparkSession, uri: str):
    # addPyFile rather than a plain import: the executors need the module as well, for the script's own functions.
    spark.sparkContext.addPyFile(uri)
    module = importlib.import_module(PurePosixPath(uri).stem)
    if not callable(getattr(module, "transform", None)):
        raise SystemExit(f"the script {uri} defines no function transform(spark, source)")
    return module


def client(service: str):
    import boto3  # Glue has it; a job without a connection does without
    return boto3.client(service)


def read_connection(spark: SparkSession, args: argparse.Namespace, glue=None, secrets=None) -> str:
    """Keeps what the query gives in the source zone, so that what was read can be looked at later."""
    found = (glue or client("glue")).get_connection(Name=args.connection)["Connection"]["ConnectionProperties"]
    secret = args.secret or found.get("SECRET_ID")
    login = {"username": found.get("USERNAME"), "password": found.get("PASSWORD")}
    if secret:
        login = json.loads((secrets or client("secretsmanager")).get_secret_value(SecretId=secret)["SecretString"])
    url = found["JDBC_CONNECTION_URL"]
    reader = spark.read.format("jdbc").option("url", url).option("query", args.query)
    if found.get("JDBC_ENFORCE_SSL", "false").lower() == "true":
        if url.split(":")[1] not in ENCRYPTION:
            raise SystemExit(f"the connection enforces encryption, which can be asked for with {', '.join(ENCRYPTION)} only; say it in the JDBC URL instead")
        reader = reader.options(**ENCRYPTION[url.split(":")[1]])
    for option, value in (("user", login["username"]), ("password", login["password"]), ("driver", found.get("JDBC_DRIVER_CLASS_NAME"))):
        if value:
            reader = reader.option(option, value)
    uri = f"{args.source.rstrip('/')}/{stamp(args.time)}"
    reader.load().write.mode("overwrite").parquet(uri)
    return uri


# Options by which a driver refuses to talk in the clear: Spark does not look at the connection's own setting.
ENCRYPTION = {"postgresql": {"sslmode": "require"}, "redshift": {"ssl": "true"}, "mysql": {"sslMode": "REQUIRED"}, "sqlserver": {"encrypt": "true"}}


def stamp(time: str) -> str:
    at = datetime.fromisoformat(time.replace("Z", "+00:00")).astimezone(timezone.utc)
    return at.strftime("%Y%m%dT%H%M%S") + f"{at.microsecond // 1000:03d}Z"


def missing(df: DataFrame, name: str) -> Column:
    column = F.col(quoted(name))
    return (column.isNull() | F.isnan(column)) if df.schema[name].dataType.typeName() in ("double", "float") else column.isNull()


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


@dataclass
class Check:
    """One rule: what it says, what is to be measured in the one pass over the rows, and the verdict on that."""

    rule: str
    measure: Column | None
    judge: object  # (measured, rows) -> (passed, observed)
    observed: object = None
    passed: bool = False


def checks_of(rules: list[dict], df: DataFrame, args: argparse.Namespace, keys: list[str]) -> list[Check]:
    standing = [
        *([{"rule": "unique", "columns": keys}] if keys else []),
        {"rule": "rowCount", "min": 1},
        {"rule": "numeric", "column": args.target},
        {"rule": "notNull", "column": args.target, "maxShare": 0},
    ]
    if args.time_column:
        standing.append({"rule": "notNull", "column": args.time_column, "maxShare": 0})
    seen: dict[str, Check] = {}
    for rule in standing + rules:
        check = check_of(rule, df, args)
        seen.setdefault(check.rule, check)
    return list(seen.values())


def check_of(rule: dict, df: DataFrame, args: argparse.Namespace) -> Check:
    kind = rule["rule"]
    if kind not in KINDS:
        raise SystemExit(f"unknown quality rule {kind!r}: known are {', '.join(name for name in KINDS if name != 'numeric')}")
    text, columns_of, make = KINDS[kind]
    rule = {"column": args.time_column, **rule} if kind == "fresh" else rule
    absent = [name for name in columns_of(rule) if name not in df.columns]
    if absent:
        return Check(text(rule), None, lambda *_: (False, f"no column {', '.join(map(str, absent))}"))
    measure, judge = make(rule, df, args)
    return Check(text(rule), measure, judge)


def schema_check(rule: dict, df: DataFrame, _) -> tuple:
    found = {field.name: field.dataType.simpleString() for field in df.schema.fields}
    wrong = [f"{name} is {found[name]}" if name in found else f"no column {name}" for name, kind in rule["columns"].items() if found.get(name) != kind]
    return None, lambda *_: (not wrong, ", ".join(wrong) or "as declared")


def numeric_check(rule: dict, df: DataFrame, _) -> tuple:
    found = df.schema[rule["column"]].dataType
    return None, lambda *_: (isinstance(found, NumericType), found.simpleString())


def null_check(rule: dict, df: DataFrame, _) -> tuple:
    most = rule.get("maxShare", 0)
    measure = F.sum(missing(df, rule["column"]).cast("long"))
    return measure, lambda count, rows: ((count or 0) <= most * rows, (count or 0) / rows if rows else 0.0)


def range_check(rule: dict, *_) -> tuple:
    column = F.col(quoted(rule["column"]))
    number = column.cast("double")
    # a text that is no number is outside of every range
    outside = column.isNotNull() & (number.isNull() | F.isnan(number) | (number < rule.get("min", -math.inf)) | (number > rule.get("max", math.inf)))
    return F.sum(outside.cast("long")), lambda count, _: ((count or 0) == 0, f"{count or 0} rows outside")


def unique_check(rule: dict, df: DataFrame, _) -> tuple:
    # Counts a group once for each row beyond its first; a separate query, for rules of this kind only.
    groups = df.groupBy(*map(quoted, rule["columns"])).count().agg(F.sum(F.col("count") - 1)).first()[0]
    return None, lambda *_: ((groups or 0) == 0, f"{groups or 0} repeated rows")


def fresh_check(rule: dict, _, args: argparse.Namespace) -> tuple:
    newest = F.max(F.unix_micros(F.col(quoted(rule["column"])).cast("timestamp")))

    def judge(value, _):
        if value is None:
            return False, "no time"
        hours = (micros(args.time) - value) / 3_600_000_000
        return hours * 3600 <= rule["seconds"], f"{iso(value)}, {hours:.1f} hours before the run"

    return newest, judge


def count_check(rule: dict, *_) -> tuple:
    return None, lambda _, rows: (rule.get("min", 0) <= rows <= rule.get("max", math.inf), rows)


def change_check(rule: dict, _, args: argparse.Namespace) -> tuple:
    before = args.parent_rows
    least, most = 1 - rule.get("maxDecrease", 1), 1 + rule.get("maxIncrease", math.inf)
    if before is None:
        return None, lambda _, rows: (True, f"{rows}, the first version")
    return None, lambda _, rows: (least * before <= rows <= most * before, f"{rows} after {before}")


def count_text(rule: dict) -> str:
    return " and ".join(f"{word} {rule[name]}" for name, word in (("min", "at least"), ("max", "at most")) if name in rule) + " rows"


def change_text(rule: dict) -> str:
    bounds = [f"at most {100 * rule[name]:g} % {word}" for name, word in (("maxDecrease", "fewer"), ("maxIncrease", "more")) if name in rule]
    return f"{' and '.join(bounds)} rows than the last version"


def age_text(rule: dict) -> str:
    days, hours = rule["seconds"] / 86_400, rule["seconds"] / 3600
    return f"{rule['column']} is at most {f'{days:g} days' if days >= 2 else f'{hours:g} hours'} old"


def one(rule: dict) -> list[str]:
    return [rule["column"]]


# What each kind of rule says, the columns that it needs, and how it is measured and judged.
KINDS = {
    "schema": (lambda rule: f"columns are {', '.join(f'{name} {kind}' for name, kind in rule['columns'].items())}", lambda _: [], schema_check),
    "numeric": (lambda rule: f"{rule['column']} is numeric", one, numeric_check),
    "notNull": (lambda rule: f"{rule['column']} is missing in at most {100 * rule.get('maxShare', 0):g} % of the rows", one, null_check),
    "range": (lambda rule: f"{rule['column']} is within {rule.get('min', '-∞')} .. {rule.get('max', '∞')}", one, range_check),
    "unique": (lambda rule: f"{', '.join(rule['columns'])} is unique", lambda rule: rule["columns"], unique_check),
    "fresh": (age_text, one, fresh_check),
    "rowCount": (count_text, lambda _: [], count_check),
    "rowCountChange": (change_text, lambda _: [], change_check),
}


def digest_measures() -> list[Column]:
    """The sums of two halves of each row's digest: the same for the same rows in whatever order."""
    return [F.sum(F.conv(F.substring("__digest", at, 15), 16, 10).cast("decimal(38,0)")) for at in (1, 16)]


def content_hash(schema: list[dict], rows: int, sums: list[object], args: argparse.Namespace) -> str:
    # The target and the way of splitting are content as well: other splits of the same rows are another dataset.
    said = [schema, rows, [str(s) for s in sums], args.target, args.time_column, args.holdout_share]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def iso(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / 1e6, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def micros(time: str) -> int:
    return round(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() * 1_000_000)


def file_system(spark: SparkSession, uri: str):
    path = spark._jvm.org.apache.hadoop.fs.Path(uri)
    system = path.getFileSystem(spark._jsc.hadoopConfiguration())
    system.setWriteChecksum(False)  # of the local file system only: no .crc files beside the data
    return system, path


def write_json(spark: SparkSession, uri: str, value: dict) -> None:
    system, path = file_system(spark, uri)
    stream = system.create(path, True)
    stream.write(bytearray(json.dumps(value, indent=2, allow_nan=False).encode()))
    stream.close()


def read_bytes(spark: SparkSession, uri: str) -> bytes:
    system, path = file_system(spark, uri)
    stream = system.open(path)
    content = bytes(spark._jvm.org.apache.commons.io.IOUtils.toByteArray(stream))
    stream.close()
    return content


def opened(made: DataFrame, source: str) -> list[str] | None:
    """The files below the source that Spark reads for these rows, if it can tell: rows may be made in other ways."""
    base = urlsplit(source).path.rstrip("/") + "/"
    paths = [unquote(urlsplit(uri).path) for uri in made.inputFiles()]
    below = sorted({path.removeprefix(base) for path in paths if path.startswith(base)})
    return below or None


def rows_of(spark: SparkSession, script, args: argparse.Namespace) -> tuple[DataFrame, list[str], list[str] | None]:
    """The rows to publish, the columns that tell them apart, and the files that they were read from."""
    if not args.inputs:
        source = read_connection(spark, args) if args.connection else args.source
        made = timed(script.transform(spark, source), args)
        return made, [], opened(made, source)
    inputs = json.loads(read_bytes(spark, args.inputs))
    key = inputs["key"]
    # Spark takes a path for a pattern: what is special in one is part of the name here
    uris = [f"{args.source.rstrip('/')}/" + re.sub(r"([\[\]{}*?\\])", r"\\\1", file["path"]) for file in inputs["files"]]
    made = timed(script.transform(spark, uris), args) if uris else None
    files = opened(made, args.source) if uris else None
    if not args.parent:
        return made, key, files
    before = spark.read.parquet(*(f"{args.parent.rstrip('/')}/{split}" for split in ("train", "holdout")))
    if made is None:
        return before, key, files
    if lost := [name for name in key if name not in made.columns]:
        raise SystemExit(f"the key {', '.join(key)} needs the columns {', '.join(lost)}, which the script does not make")
    if dict(made.dtypes) != dict(before.dtypes):
        changed = sorted(set(made.dtypes) ^ set(before.dtypes))
        raise SystemExit(f"the script makes other columns than the last version has ({changed}); start a run with {{\"rebuild\": true}}")
    names = [F.col(quoted(name)) for name in key]
    kept = before.join(made.select(*names).distinct(), key, "left_anti")
    return kept.select(*map(quoted, made.columns)).unionByName(made), key, files


def timed(made: DataFrame, args: argparse.Namespace) -> DataFrame:
    return made.withColumn(args.time_column, F.col(quoted(args.time_column)).cast("timestamp")) if args.time_column in made.columns else made


def run(args: argparse.Namespace) -> dict:
    spark = session(args)
    script = load_script(spark, args.script)
    made, key, read = rows_of(spark, script, args)
    columns = made.columns
    if reserved := {name.lower() for name in columns} & {"dataset_version", "dataset_split"}:
        raise SystemExit(f"{', '.join(reserved)}: the dataset's table has a column of this name of its own; name it otherwise")
    digest = F.sha2(F.to_json(F.struct(*map(quoted, columns)), {"ignoreNullFields": "false"}), 256)
    df = made.withColumn("__digest", digest).cache()

    checks = checks_of(list(args.rules) + list(getattr(script, "RULES", [])), df, args, key)
    by_time = args.time_column is not None and args.time_column in columns
    time = F.unix_micros(quoted(args.time_column)) if by_time else F.lit(None).cast("long")
    quantile = F.percentile_approx(time, 1 - args.holdout_share, 100_000)
    measured = df.agg(F.count(F.lit(1)), quantile, *digest_measures(), *(c.measure for c in checks if c.measure is not None)).first()
    rows, cutoff, *values = measured
    sums, values = values[:2], iter(values[2:])
    for check in checks:
        check.passed, check.observed = check.judge(next(values) if check.measure is not None else None, rows)

    if by_time and cutoff is not None:
        cutoff = max(cutoff, micros(args.not_before)) if args.not_before else cutoff
        held = time >= F.lit(cutoff)
    else:
        held = F.conv(F.substring("__digest", 1, 8), 16, 10).cast("long") < F.lit(round(args.holdout_share * 2**32))
    holdout = df.where(held).count()
    for name, count in (("train", rows - holdout), ("holdout", holdout)):
        checks.append(Check(f"the {name} split has rows", None, None, count, count > 0))

    passed = all(check.passed for check in checks)
    schema = [{"name": f.name, "type": f.dataType.simpleString()} for f in made.schema.fields]
    hashed = content_hash(schema, rows, sums, args)
    unchanged = hashed == args.parent_hash
    version = f"{stamp(args.time)}-{hashed[:8]}"
    if passed and not unchanged:
        for name, count, rule in (("train", rows - holdout, ~held), ("holdout", holdout, held)):
            # One file for each 500,000 rows: small datasets are one object, large ones are read in parallel.
            files = min(args.files, 1 + count // 500_000)
            uri = f"{args.output.rstrip('/')}/{version}/{name}"
            file_system(spark, uri)
            part = df.where(rule).drop("__digest").repartition(files) if files > 1 else df.where(rule).drop("__digest").coalesce(1)
            part = part.sortWithinPartitions(quoted(args.time_column)) if by_time else part
            part.write.mode("overwrite").parquet(uri)
    split = {"method": "time", "column": args.time_column, "from": iso(cutoff)} if by_time and cutoff is not None else {"method": "hash"}
    report = {
        "dataset": args.dataset,
        "time": args.time,
        "version": version,
        "contentHash": hashed,
        "unchanged": unchanged,
        "rows": {"train": rows - holdout, "holdout": holdout},
        "schema": schema,
        "target": args.target,
        "split": {**split, "share": args.holdout_share},
        "scriptHash": hashlib.sha256(read_bytes(spark, args.script)).hexdigest(),
        "files": read,
        "quality": {"passed": passed, "rules": [{"rule": c.rule, "passed": c.passed, "observed": c.observed} for c in checks]},
    }
    write_json(spark, args.report, report)
    return report


if __name__ == "__main__":
    result = run(arguments())
    print(json.dumps(result["quality"]))
