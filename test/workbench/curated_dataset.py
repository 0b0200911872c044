"""Writes the two splits of a dataset version as Parquet: curated_dataset.py FOLDER ROWS"""
import sys
from pathlib import Path

import pandas

folder, rows = Path(sys.argv[1]), int(sys.argv[2])
frame = pandas.DataFrame({
    "time": pandas.date_range("2026-01-01", periods=rows, freq="h", tz="UTC"),
    "wind": [float(i) for i in range(rows)],
    "temp": [i / 2 for i in range(rows)],
})
cut = rows * 4 // 5
for split, part in (("train", frame[:cut]), ("holdout", frame[cut:])):
    (folder / split).mkdir(parents=True)
    # in two files, as Spark writes larger ones
    for number, half in enumerate((part[:len(part) // 2], part[len(part) // 2:])):
        half.to_parquet(folder / split / f"part-{number}.snappy.parquet", index=False)
