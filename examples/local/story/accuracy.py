"""The accuracy of each version in each window, by scikit-learn, from the captured files themselves.

Usage: accuracy.py FOLDER; reads FOLDER/windows.json (a list of {"from", "to"}), FOLDER/captures, FOLDER/ground-truth
and FOLDER/deployments, and prints a list of {"to", "variant", "version", "samples", "mse", "rmse", "mae", "r2"}.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score, root_mean_squared_error


def lines(folder: Path):
    for file in sorted(folder.rglob("*.jsonl")):
        for line in file.read_text().splitlines():
            if line:
                yield file, json.loads(line)


def prediction(data: str) -> float:
    return json.loads(data)["predictions"][0] if data.lstrip().startswith("{") else float(data)


def main(root: Path) -> None:
    versions = {(row["config_name"], row["variant"]): row["version"] for _, row in lines(root / "deployments")}
    answers = {}
    for file, record in lines(root / "captures"):
        config, _, variant = file.relative_to(root / "captures").parts[:3]
        output = record["captureData"].get("endpointOutput")
        if output is not None:
            answers.setdefault((variant, record["eventMetadata"]["inferenceId"]), (versions[config, variant], prediction(output["data"])))
    labels = {}
    for file, record in lines(root / "ground-truth"):
        hour = "-".join(file.relative_to(root / "ground-truth").parts[:3]) + "T" + file.relative_to(root / "ground-truth").parts[3]
        labels[record["eventMetadata"]["eventId"]] = (hour, float(record["groundTruthData"]["data"]))

    results = []
    for window in json.loads((root / "windows.json").read_text()):
        start, end = window["from"][:13], window["to"][:13]
        pairs = defaultdict(list)
        for (variant, name), (version, predicted) in answers.items():
            if name in labels and start <= labels[name][0] < end:
                pairs[variant, version].append((labels[name][1], predicted))
        for (variant, version), found in pairs.items():
            true, predicted = zip(*found)
            results.append({
                "to": window["to"], "variant": variant, "version": version, "samples": len(found),
                "mse": mean_squared_error(true, predicted), "rmse": root_mean_squared_error(true, predicted),
                "mae": mean_absolute_error(true, predicted), "r2": r2_score(true, predicted) if len(set(true)) > 1 else None,
            })
    print(json.dumps(results))


main(Path(sys.argv[1]))
