"""The arithmetic that answers requests is that of the scikit-learn pipeline."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from conftest import make_table

import model

TARGET = "expected"
FEATURES = ["temp", "humid", "origin"]


@pytest.mark.parametrize("hyperparameters", [{"algorithm": "ridge", "alpha": "3"}, {"algorithm": "gradient_boosting", "max_iter": "20"}])
def test_predictions_are_the_pipelines(tmp_path: Path, hyperparameters: dict[str, str]) -> None:
    pipeline = model.fit(make_table(400, seed=1, target=TARGET), FEATURES, TARGET, hyperparameters)
    model.save(pipeline, FEATURES, TARGET, tmp_path)
    unseen = make_table(50, seed=3)
    rows = [*zip(*(unseen.column(name).to_pylist() for name in FEATURES)), (20.0, None, "a new airport"), (None, 1, None)]
    predicted = model.Predictor(tmp_path).predict_csv("".join(model.to_csv(row) + "\n" for row in rows))
    table = pa.table({name: [row[i] for row in rows] for i, name in enumerate(FEATURES)})
    expected = pipeline.predict(model.as_frame(table, FEATURES))
    assert [float(line) for line in predicted.splitlines()] == pytest.approx(list(expected), rel=1e-9)


def test_rare_texts_share_a_column(tmp_path: Path) -> None:
    rows = model.MAX_CATEGORIES * 3
    table = pa.table({"town": [f"town {i % (model.MAX_CATEGORIES * 2)}, \"{i % 2}\"" for i in range(rows)], TARGET: [float(i) for i in range(rows)]})
    pipeline = model.fit(table, ["town"], TARGET, {})
    model.save(pipeline, ["town"], TARGET, tmp_path)
    predictor = model.Predictor(tmp_path)
    towns = [*table.column("town").to_pylist(), "unknown"]
    predicted = predictor.predict_csv("".join(model.to_csv([town]) + "\n" for town in towns))
    expected = pipeline.predict(model.as_frame(pa.table({"town": towns}), ["town"]))
    assert [float(line) for line in predicted.splitlines()] == pytest.approx(list(expected), rel=1e-9)


def test_a_single_missing_value_is_a_row(tmp_path: Path) -> None:
    model.save(model.fit(make_table(50, seed=1, target=TARGET), ["humid"], TARGET, {}), ["humid"], TARGET, tmp_path)
    predictor = model.Predictor(tmp_path)
    alone = predictor.predict_csv(model.to_csv([None]))
    assert predictor.predict_csv("\n".join(model.to_csv([value]) for value in (None, 1, None))).splitlines()[::2] == [alone.strip()] * 2


def test_rows_without_a_target_are_not_trained_on() -> None:
    table = pa.table({"temp": [1.0, 2.0, 3.0], TARGET: [1.0, None, 3.0]})
    assert model.fit(table, ["temp"], TARGET, {"alpha": "0"}).predict(model.as_frame(table, ["temp"])) == pytest.approx([1, 2, 3])


@pytest.mark.parametrize(("features", "hyperparameters", "message"), [
    ([], {}, "empty"),
    (["temp", "rain"], {}, "rain"),
    (["temp"], {"algorithm": "magic"}, "magic"),
    (["temp"], {"alfa": "1"}, "alfa"),
])
def test_what_cannot_be_trained_is_said(features: list[str], hyperparameters: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model.fit(make_table(20, seed=1, target=TARGET), features, TARGET, hyperparameters)


@pytest.mark.parametrize("row", ["1,2", "warm,1,EWR", "inf,1,EWR"])
def test_what_cannot_be_answered_is_said(tmp_path: Path, row: str) -> None:
    pipeline = model.fit(make_table(50, seed=1, target=TARGET), FEATURES, TARGET, {})
    model.save(pipeline, FEATURES, TARGET, tmp_path)
    with pytest.raises(model.BadRequest):
        model.Predictor(tmp_path).predict_csv(row)
