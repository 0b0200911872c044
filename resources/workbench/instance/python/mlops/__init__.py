"""The platform's curated datasets, in a notebook.

    import mlops

    mlops.datasets()                     # names of the datasets
    weather = mlops.dataset("Weather")   # its newest version; version="…" for another
    weather.train()                      # pandas DataFrame of the rows to train on
    weather.holdout()                    # pandas DataFrame of the rows that are held out
    weather.target, weather.schema, weather.version, weather.manifest
    weather.versions()                   # all versions, oldest first
    mlops.query("SELECT …")              # what Athena answers, as a frame, where the notebook may query

A version never changes: name it where a result must be reproducible.
"""

from __future__ import annotations

import functools
import io
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.exceptions
import botocore.session

if TYPE_CHECKING:
    import pandas

__all__ = ["Dataset", "dataset", "datasets", "query"]

_SETTINGS = Path(__file__).resolve().parents[2] / "settings.json"


class Dataset:
    """One version of a dataset."""

    def __init__(self, manifest: dict):
        #: Everything that is known of the version: schema, rows, sources, quality, the version before.
        self.manifest = manifest
        self.name: str = manifest["dataset"]
        self.version: str = manifest["version"]
        #: Column to predict.
        self.target: str = manifest["target"]
        #: Type of each column.
        self.schema: dict[str, str] = {column["name"]: column["type"] for column in manifest["schema"]}

    def train(self, columns: list[str] | None = None) -> pandas.DataFrame:
        """Rows to train on; all columns unless some are named."""
        return self._rows("train", columns)

    def holdout(self, columns: list[str] | None = None) -> pandas.DataFrame:
        """Rows that are held out of training, to judge a model by; all columns unless some are named."""
        return self._rows("holdout", columns)

    def versions(self) -> list[str]:
        """All versions of the dataset, oldest first."""
        return _versions(self.name)

    def __repr__(self) -> str:
        rows = ", ".join(f"{split['rows']} rows to {'train on' if name == 'train' else 'judge by'}" for name, split in self.manifest["splits"].items())
        return f"<Dataset {self.name} {self.version}: {rows}, target {self.target}>"

    def _rows(self, split: str, columns: list[str] | None) -> pandas.DataFrame:
        import pyarrow
        import pyarrow.parquet

        bucket, prefix = _parts(self.manifest["splits"][split]["uri"])
        keys = [key for key in _keys(bucket, prefix) if key.endswith(".parquet")]
        if not keys:
            raise LookupError(f"there are no rows at s3://{bucket}/{prefix}")
        if unknown := [name for name in columns or [] if name not in self.schema]:
            raise LookupError(f"dataset {self.name!r} has no column {', '.join(map(repr, unknown))}; it has: {', '.join(self.schema)}")
        # Without Arrow's threads: a program that ends soon after they have worked can be aborted by them at its exit,
        # although all its work is done (https://github.com/apache/arrow/issues/34314).
        tables = [pyarrow.parquet.ParquetFile(pyarrow.BufferReader(_read(bucket, key))).read(columns=columns, use_threads=False) for key in keys]
        table = pyarrow.concat_tables(tables)
        return (table if columns is None else table.select(columns)).to_pandas(use_threads=False)


def datasets() -> list[str]:
    """Names of the datasets that have a version."""
    bucket, prefix = _parts(_location())
    folders = _pages(bucket, prefix, Delimiter="/")
    names = [folder["Prefix"][len(prefix):].rstrip("/") for page in folders for folder in page.get("CommonPrefixes", [])]
    return sorted(name for name in names if _find(bucket, f"{prefix}{name}/latest.json") is not None)


def dataset(name: str, version: str | None = None) -> Dataset:
    """A version of a dataset, the newest unless one is named."""
    bucket, prefix = _parts(_location())
    if version is None:
        latest = _find(bucket, f"{prefix}{name}/latest.json")
        if latest is None:
            raise LookupError(f"there is no dataset {name!r}; there are: {', '.join(datasets()) or 'none yet'}")
        version = json.loads(latest)["version"]
    manifest = _find(bucket, f"{prefix}{name}/{version}/manifest.json")
    if manifest is None:
        raise LookupError(f"dataset {name!r} has no version {version!r}; it has: {', '.join(_versions(name)) or 'none'}")
    return Dataset(json.loads(manifest))


def query(sql: str) -> pandas.DataFrame:
    """What Athena answers; each dataset has a table in the catalog."""
    import pandas

    database, work_group = _setting("database"), _setting("workGroup")
    if not database or not work_group:
        raise LookupError("this notebook may not query: its environment needs queryDatasets")
    athena = _client("athena")
    execution_id = athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": database}, WorkGroup=work_group)["QueryExecutionId"]
    pause = 0.25
    while True:
        execution = athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
        status = execution["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            break
        time.sleep(pause)
        pause = min(2 * pause, 5)
    if status["State"] != "SUCCEEDED":
        raise RuntimeError(f"the query {status['State'].lower()}: {status.get('StateChangeReason', 'no reason is given')}")
    bucket, key = _parts(execution["ResultConfiguration"]["OutputLocation"])
    return pandas.read_csv(io.BytesIO(_read(bucket, key)))


def _versions(name: str) -> list[str]:
    bucket, prefix = _parts(_location())
    # A folder without a manifest is no version.
    return sorted(key.split("/")[-2] for key in _keys(bucket, f"{prefix}{name}/") if key.endswith("/manifest.json"))


def _location() -> str:
    """S3 URI of all datasets."""
    given = os.environ.get("MLOPS_DATASETS", _setting("datasets"))
    if not given:
        raise LookupError("this notebook has no data lake: say where datasets are in the environment variable MLOPS_DATASETS (s3://bucket/datasets)")
    return f"{given.rstrip('/')}/"


def _setting(name: str) -> str | None:
    return json.loads(_SETTINGS.read_text(encoding="utf-8")).get(name) if _SETTINGS.exists() else None


@functools.lru_cache
def _client(service: str):
    return botocore.session.get_session().create_client(service, region_name=_setting("region"))


def _s3():
    return _client("s3")


def _parts(uri: str) -> tuple[str, str]:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    return bucket, prefix


def _pages(bucket: str, prefix: str, **options: str):
    return _s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **options)


def _keys(bucket: str, prefix: str) -> list[str]:
    return sorted(found["Key"] for page in _pages(bucket, prefix) for found in page.get("Contents", []))


def _read(bucket: str, key: str) -> bytes:
    return _s3().get_object(Bucket=bucket, Key=key)["Body"].read()


def _find(bucket: str, key: str) -> bytes | None:
    try:
        return _read(bucket, key)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise
