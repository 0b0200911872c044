"""The accuracy of each version in each window, by scikit-learn, from the captured files themselves.

Usage: accuracy.py FOLDER; reads FOLDER/windows.json (a list of {"from", "to"}) and captures.jsonl, ground-truth.jsonl and
deployments.jsonl there, whose lines are the objects below such a prefix as {"key", "body"}. Prints a list of {"to",
"variant", "version", "samples", "mse", "rmse", "mae", "r2"}.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score, root_mean_squared_error


def lines(objects: Path):
    """Each record with the folders of its key below the prefix."""
    for line in objects.open(encoding="utf-8"):
        found = json.loads(line)
        folders = found["key"].split("/")[1:-1]
        for record in found["body"].splitlines():
            if record:
                yield folders, json.loads(record)


def prediction(data: str) -> float:
    return json.loads(data)["predictions"][0] if data.lstrip().startswith("{") else float(data)


def main(root: Path) -> None:
    versions = {(row["config_name"], row["variant"]): row["version"] for _, row in lines(root / "deployments.jsonl")}
    answers = {}
    for (config, _, variant, *_), record in lines(root / "captures.jsonl"):
        output = record["captureData"].get("endpointOutput")
        if output is not None:
            answers.setdefault((variant, record["eventMetadata"]["inferenceId"]), (versions[config, variant], prediction(output["data"])))
    labels = {}
    for (year, month, day, hour, *_), record in lines(root / "ground-truth.jsonl"):
        labels[record["eventMetadata"]["eventId"]] = (f"{year}-{month}-{day}T{hour}", float(record["groundTruthData"]["data"]))

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
