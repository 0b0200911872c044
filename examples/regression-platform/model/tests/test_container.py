"""The image's programs under SageMaker's container contract: train, then evaluate, then serve."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from typing import Iterator

import pytest
from conftest import PROGRAMS, SPEC, Container, make_table


def test_training_writes_the_model_and_nothing_else(trained: Container) -> None:
    assert (trained.base / "model/model.json").exists()
    assert not (trained.base / "output/failure").exists()


def test_the_model_is_better_than_the_mean(trained: Container) -> None:
    evaluation = trained.json("processing/output/evaluation.json")
    assert evaluation["dataset"]["item_count"] == 300
    assert evaluation["regression_metrics"]["r2"]["value"] > 0.5


def test_metrics_are_those_of_scikit_learn(trained: Container) -> None:
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

    import model

    holdout = make_table(300, seed=2)
    rows = zip(*(holdout.column(name).to_pylist() for name in SPEC["features"]))
    predictor = model.Predictor(trained.base / "model")
    predictions = [float(predictor.predict_csv(model.to_csv(row) + "\n")) for row in rows]
    labels = holdout.column(SPEC["target"]).to_pylist()
    mse = mean_squared_error(labels, predictions)
    expected = {"mse": mse, "rmse": mse**0.5, "mae": mean_absolute_error(labels, predictions), "r2": r2_score(labels, predictions)}
    metrics = trained.json("processing/output/evaluation.json")["regression_metrics"]
    assert {name: metric["value"] for name, metric in metrics.items()} == pytest.approx(expected, rel=1e-9)
    assert all(metric["standard_deviation"] > 0 for metric in metrics.values())


def test_a_training_that_fails_says_why(container: Container) -> None:
    training = container.train(make_table(20, seed=1), ["temp", "no_such_column"], {})
    assert training.returncode != 0
    assert "no_such_column" in (container.base / "output/failure").read_text()


COUNT_THREADS = """
import os, pathlib, sys, pyarrow.parquet, container
count = lambda: len(os.listdir("/proc/self/task"))
print(count(), container.read_parquet(pathlib.Path(sys.argv[1])).num_rows, count())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_reading_leaves_no_thread_that_could_abort_the_job_at_its_end(trained: Container) -> None:
    counted = subprocess.run([sys.executable, "-c", COUNT_THREADS, trained.base / "input/data/train"], cwd=PROGRAMS, capture_output=True, text=True, check=True)
    before, rows, after = map(int, counted.stdout.split())
    assert rows == 600
    assert after == before


def test_an_evaluation_that_fails_says_why(trained: Container, container: Container) -> None:
    (container.base / "model").mkdir()
    (container.base / "model/model.json").write_text((trained.base / "model/model.json").read_text())
    assert container.evaluate(make_table(20, seed=1), ["another"]).returncode != 0
    assert "trained on" in (container.base / "output/message").read_text()


def answers(connected: http.client.HTTPConnection) -> bool:
    try:
        connected.request("GET", "/ping")
        return connected.getresponse().read() == b""
    except ConnectionRefusedError:
        connected.close()
        return False


@pytest.fixture(scope="module")
def connection(trained: Container) -> Iterator[http.client.HTTPConnection]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = trained.environment(SAGEMAKER_BIND_TO_PORT=str(port), SAGEMAKER_BIND_HOST="127.0.0.1")
    server = subprocess.Popen(trained.program("serve"), env=environment)
    connected = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        for _ in range(2400):
            if answers(connected):
                break
            assert server.poll() is None, "the server has ended"
            time.sleep(0.05)
        yield connected
    finally:
        connected.close()
        server.terminate()
        assert server.wait(timeout=60) == 0


def invoke(connection: http.client.HTTPConnection, body: str, content_type: str = "text/csv") -> tuple[int, str]:
    connection.request("POST", "/invocations", body.encode(), {"Content-Type": content_type})
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_serving_answers_what_the_evaluation_predicted(trained: Container, connection: http.client.HTTPConnection) -> None:
    sample = [json.loads(line) for line in (trained.base / "processing/output/sample.jsonl").read_text().splitlines()]
    assert len(sample) == 50
    for each in sample:
        status, answer = invoke(connection, each["payload"] + "\n")
        assert (status, float(answer)) == (200, each["prediction"])
    status, answer = invoke(connection, "\n".join(each["payload"] for each in sample))
    assert [float(line) for line in answer.splitlines()] == [each["prediction"] for each in sample]


def test_serving_answers_json(trained: Container, connection: http.client.HTTPConnection) -> None:
    row = {name: make_table(1, seed=7).column(name)[0].as_py() for name in SPEC["features"]}
    import model

    _, csv = invoke(connection, model.to_csv(row.values()))
    status, answer = invoke(connection, json.dumps({"instances": [row, row]}), "application/json")
    assert (status, json.loads(answer)) == (200, {"predictions": [float(csv)] * 2})


def test_missing_values_are_answered(connection: http.client.HTTPConnection) -> None:
    status, answer = invoke(connection, "," * (len(SPEC["features"]) - 1) + "\n")
    assert status == 200
    assert float(answer) == float(answer)


@pytest.mark.parametrize(("body", "content_type", "status"), [
    ("", "text/csv", 400),
    ("1," * len(SPEC["features"]) + "1", "text/csv", 400),
    ("{}", "application/json", 400),
    ("1", "application/x-npy", 415),
])
def test_bad_requests_are_refused(connection: http.client.HTTPConnection, body: str, content_type: str, status: int) -> None:
    assert invoke(connection, body, content_type)[0] == status
