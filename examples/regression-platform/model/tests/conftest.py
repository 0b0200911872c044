"""A container's folders, data of the kind that the model is trained on, and the image's programs run for real."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PROGRAMS = Path(__file__).parent.parent
sys.path.insert(0, str(PROGRAMS))

SPEC = json.loads((PROGRAMS / "mlops.json").read_text())
AIRPORTS = ["EWR", "JFK", "LGA"]


def make_table(rows: int, seed: int, target: str = SPEC["target"]) -> pa.Table:
    """Hours with what every feature of the dataset may look like: a signal, noise, gaps, and an airport as text."""
    chance = random.Random(seed)
    names = sorted(({*SPEC["features"], "temp", "humid"}) - {"origin", target})
    columns: dict[str, list] = {name: [] for name in [*names, *({"origin"} - {target}), target]}
    for _ in range(rows):
        temp, airport = chance.uniform(0, 90), chance.choice(AIRPORTS)
        for name in names:
            value = temp if name == "temp" else temp / 2 + chance.gauss(0, 5)
            columns[name].append(None if name != "temp" and chance.random() < 0.1 else value)
        if target != "origin":
            columns["origin"].append(airport)
        columns[target].append(0.8 * temp + 10 + 5 * math.sin(temp / 9) + AIRPORTS.index(airport) + chance.gauss(0, 2))
    return pa.table(columns)


@dataclass
class Container:
    """A folder laid out as SageMaker lays out /opt/ml."""

    base: Path

    def program(self, name: str) -> list[str]:
        return [sys.executable, str(PROGRAMS / name)]

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "SAGEMAKER_BASE_DIR": str(self.base), "PYTHONDONTWRITEBYTECODE": "1", **more}

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.program(name), env=self.environment(), capture_output=True, text=True, timeout=120)

    def write(self, path: str, table: pa.Table) -> None:
        file = self.base / path
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, file)

    def configure(self, features: list[str], hyperparameters: dict[str, object], target: str = SPEC["target"]) -> None:
        """Hyperparameters reach a container as strings."""
        strings = {name: value if isinstance(value, str) else json.dumps(value) for name, value in hyperparameters.items()}
        file = self.base / "input/config/hyperparameters.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({**strings, "target": target, "features": json.dumps(features)}))

    def train(self, train: pa.Table, features: list[str], hyperparameters: dict[str, object]) -> subprocess.CompletedProcess[str]:
        self.write("input/data/train/part-0.parquet", train.slice(0, train.num_rows // 2))
        self.write("input/data/train/part-1.parquet", train.slice(train.num_rows // 2))
        self.configure(features, hyperparameters)
        return self.run("train")

    def evaluate(self, holdout: pa.Table, features: list[str]) -> subprocess.CompletedProcess[str]:
        self.write("processing/input/holdout/part-0.parquet", holdout)
        archive = self.base / "processing/input/model/model.tar.gz"
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive, "w:gz") as tar:
            for file in sorted((self.base / "model").iterdir()):
                tar.add(file, arcname=file.name)
        config = self.base / "processing/input/config/spec.json"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(json.dumps({"target": SPEC["target"], "features": features}))
        return self.run("evaluate")

    def json(self, path: str):
        return json.loads((self.base / path).read_text())


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Container:
    """This commit's programs and features, trained and evaluated. What its hyperparameters are worth, the gate judges."""
    made = Container(tmp_path_factory.mktemp("opt-ml"))
    training = made.train(make_table(600, seed=1), SPEC["features"], {"algorithm": "ridge", "alpha": 1.0})
    assert training.returncode == 0, training.stderr
    evaluation = made.evaluate(make_table(300, seed=2), SPEC["features"])
    assert evaluation.returncode == 0, evaluation.stderr
    return made
