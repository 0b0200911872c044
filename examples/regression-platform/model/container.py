"""Where SageMaker puts things into the container, and how a program tells it that it failed."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Callable

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def run(main: Callable[[], None], report: Path) -> None:
    """Runs a job's program. On failure its reason goes to the file that SageMaker shows it from, and the exit code is 1."""
    try:
        main()
    except Exception as error:
        traceback.print_exc()
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(f"{type(error).__name__}: {error}"[:1024])
        sys.exit(1)


def read_parquet(folder: Path):
    """All parquet files of a channel as one pyarrow table, in the order of their names."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise FileNotFoundError(f"there is no parquet file in {folder}")
    # Read from memory and without Arrow's threads: a job that ends soon after they have worked can be aborted by them at
    # its exit, although all its work is done (https://github.com/apache/arrow/issues/34314).
    tables = [pq.ParquetFile(pa.BufferReader(file.read_bytes())).read(use_threads=False) for file in files]
    return pa.concat_tables(tables, promote_options="permissive")
