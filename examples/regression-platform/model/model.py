"""The regression model: a scikit-learn pipeline for training, and the same arithmetic without scikit-learn for answering.

`fit` trains a pipeline: numbers are imputed by their median and scaled, texts are one-hot encoded, and a ridge regression
or boosted trees follow. `save` writes what answering needs as JSON, so that a server of a ridge model starts without
loading scikit-learn and answers in microseconds. Evaluation and serving both answer through `Predictor.predict_csv`.
"""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Iterable

MODEL_FILE = "model.json"
ESTIMATOR_FILE = "estimator.joblib"
PIPELINE_FILE = "pipeline.joblib"

# Texts that are rarer than the most frequent ones share a column.
MAX_CATEGORIES = 32
MISSING_TEXT = ""


class BadRequest(ValueError):
    """The rows to predict are not what the model was trained on."""


def make_estimator(hyperparameters: dict[str, str]):
    """The last step of the pipeline. Hyperparameters are strings, as SageMaker hands them over."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import Ridge

    given = dict(hyperparameters)
    algorithm = given.pop("algorithm", "ridge")
    if algorithm == "ridge":
        make, types = Ridge, {"alpha": float}
    elif algorithm == "gradient_boosting":
        make, types = HistGradientBoostingRegressor, {"learning_rate": float, "max_iter": int, "max_depth": int, "min_samples_leaf": int}
    else:
        raise ValueError(f"unknown algorithm {algorithm!r}: expected ridge or gradient_boosting")
    unknown = sorted(set(given) - set(types))
    if unknown:
        raise ValueError(f"unknown hyperparameter of {algorithm}: {', '.join(unknown)} (known: {', '.join(types)})")
    options = {name: types[name](value) for name, value in given.items()}
    return make(random_state=0, **options)


def make_pipeline(numbers: list[str], texts: list[str], hyperparameters: dict[str, str]):
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    number_steps = Pipeline([("impute", SimpleImputer(strategy="median", keep_empty_features=True)), ("scale", StandardScaler())])
    text_steps = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False)
    columns = ColumnTransformer([("numbers", number_steps, numbers), ("texts", text_steps, texts)], verbose_feature_names_out=False)
    return Pipeline([("columns", columns), ("estimator", make_estimator(hyperparameters))])


def as_frame(table, features: list[str]):
    """The features of a pyarrow table as a data frame of floats and texts; missing texts are empty."""
    import pandas as pd
    import pyarrow.types as kinds

    columns = {}
    for name in features:
        kind = table.schema.field(name).type
        values = table.column(name)
        if kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind) or kinds.is_decimal(kind):
            columns[name] = values.cast("double").to_pandas().astype(float)
        elif kinds.is_string(kind) or kinds.is_large_string(kind):
            columns[name] = pd.Series([MISSING_TEXT if value is None else value for value in values.to_pylist()], dtype=object)
        else:
            raise ValueError(f"feature {name} is of type {kind}: expected a number or a text")
    return pd.DataFrame(columns)


def fit(table, features: list[str], target: str, hyperparameters: dict[str, str]):
    """Trains on a pyarrow table. Rows without a target are left out."""
    missing = [name for name in [*features, target] if name not in table.column_names]
    if missing:
        raise ValueError(f"the training data lack {', '.join(missing)} (they have {', '.join(table.column_names)})")
    if not features:
        raise ValueError("the list of features is empty")
    frame = as_frame(table, features)
    labels = table.column(target).cast("double").to_pandas().astype(float)
    known = labels.notna()
    if not known.any():
        raise ValueError(f"no row has a value of {target}")
    texts = [name for name in features if frame[name].dtype == object]
    numbers = [name for name in features if name not in texts]
    return make_pipeline(numbers, texts, hyperparameters).fit(frame[known], labels[known])


def save(pipeline, features: list[str], target: str, folder: Path) -> None:
    """Writes the trained pipeline, for the record, and what `Predictor` needs."""
    import joblib

    joblib.dump(pipeline, folder / PIPELINE_FILE)
    columns, estimator = pipeline.named_steps["columns"], pipeline.named_steps["estimator"]
    encoders, width = describe_columns(columns)
    content = {"target": target, "features": [{"name": name, **encoders[name]} for name in features], "width": width}
    if hasattr(estimator, "coef_"):
        content["linear"] = {"weights": [float(weight) for weight in estimator.coef_], "intercept": float(estimator.intercept_)}
    else:
        joblib.dump(estimator, folder / ESTIMATOR_FILE)
    (folder / MODEL_FILE).write_text(json.dumps(content, indent=1))


def describe_columns(columns) -> tuple[dict[str, dict], int]:
    """Per feature, how it becomes columns of the estimator's input; and how many columns there are."""
    encoders: dict[str, dict] = {}
    at = 0
    (_, number_steps, numbers), (_, text_steps, texts) = columns.transformers_[:2]
    if numbers:
        fills, scaler = number_steps.named_steps["impute"].statistics_, number_steps.named_steps["scale"]
        for i, name in enumerate(numbers):
            fill = 0.0 if math.isnan(fills[i]) else float(fills[i])
            encoders[name] = {"kind": "number", "column": at, "fill": fill, "mean": float(scaler.mean_[i]), "scale": float(scaler.scale_[i])}
            at += 1
    if texts:
        rare = text_steps.infrequent_categories_ or [None] * len(texts)
        for name, categories, rare_ones in zip(texts, text_steps.categories_, rare):
            rare_ones = [] if rare_ones is None else list(rare_ones)
            frequent = [category for category in categories if category not in rare_ones]
            other = at + len(frequent) if rare_ones else None
            encoders[name] = {"kind": "text", "columns": {category: at + i for i, category in enumerate(frequent)}, "other": other}
            at += len(frequent) + (1 if rare_ones else 0)
    return encoders, at


class Predictor:
    """Answers rows as the trained pipeline would."""

    def __init__(self, folder: Path):
        content = json.loads((folder / MODEL_FILE).read_text())
        self.target: str = content["target"]
        self.features: list[str] = [feature["name"] for feature in content["features"]]
        self._encoders: list[dict] = content["features"]
        self._width: int = content["width"]
        self._linear: dict | None = content.get("linear")
        if self._linear is None:
            import joblib

            self._estimator = joblib.load(folder / ESTIMATOR_FILE)

    def predict_csv(self, text: str) -> str:
        """One prediction a line for one row a line; columns are the features in their order, empty means missing."""
        if not text:
            raise BadRequest("no rows: expected text/csv with one row a line")
        if '"' in text:
            rows = list(csv.reader(io.StringIO(text, newline="")))
        else:
            rows = [line.removesuffix("\r").split(",") for line in text.removesuffix("\n").split("\n")]
        return "\n".join(repr(prediction) for prediction in self.predict(rows)) + "\n"

    def predict(self, rows: list[list[str]]) -> list[float]:
        encoded = [self._encode(row or [""]) for row in rows]
        if self._linear:
            weights, intercept = self._linear["weights"], self._linear["intercept"]
            return [intercept + sum(weights[column] * value for column, value in row) for row in encoded]
        import numpy as np

        matrix = np.zeros((len(encoded), self._width))
        for i, row in enumerate(encoded):
            for column, value in row:
                matrix[i, column] = value
        return [float(prediction) for prediction in self._estimator.predict(matrix)]

    def _encode(self, row: list[str]) -> list[tuple[int, float]]:
        """The row's non-zero columns of the estimator's input."""
        if len(row) != len(self._encoders):
            raise BadRequest(f"a row has {len(row)} values, expected {len(self._encoders)}: {', '.join(self.features)}")
        cells = []
        for encoder, value in zip(self._encoders, row):
            if encoder["kind"] == "number":
                number = parse_number(value, encoder)
                cells.append((encoder["column"], (number - encoder["mean"]) / encoder["scale"]))
            else:
                column = encoder["columns"].get(value, encoder["other"])
                if column is not None:
                    cells.append((column, 1.0))
        return cells


def parse_number(value: str, encoder: dict) -> float:
    if value == "" or value.isspace():
        return encoder["fill"]
    try:
        number = float(value)
    except ValueError:
        raise BadRequest(f"{encoder['name']} is {value!r}: expected a number, or nothing where it is missing") from None
    if math.isnan(number):
        return encoder["fill"]
    if math.isinf(number):
        raise BadRequest(f"{encoder['name']} is infinite")
    return number


def to_csv(row: Iterable[object]) -> str:
    """A row as callers send it: numbers in full precision, nothing where a value is missing, no line end."""
    cells = ["" if value is None or value != value else int(value) if isinstance(value, bool) else value for value in row]
    out = io.StringIO()
    # The writer quotes a row that is one empty value, which tells it from no row.
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()
