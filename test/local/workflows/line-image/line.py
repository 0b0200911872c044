"""A straight line through rows of x and y, by least squares; standard library only."""
import csv
import json
import os
import pathlib
import sys

base = pathlib.Path(os.environ.get('SAGEMAKER_BASE_DIR', '/opt/ml'))


def rows(folder):
    """x and y of each row of each file."""
    for file in sorted(folder.glob('**/*.csv')):
        with file.open() as lines:
            for row in csv.DictReader(lines):
                yield float(row['x']), float(row['y'])


def fit(points):
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    return {'slope': slope, 'intercept': mean_y - slope * mean_x}


def predict(model, x):
    return model['slope'] * x + model['intercept']


def fail(text, file=None):
    if file is not None:
        file.write_text(text)
    print(text, file=sys.stderr)
    sys.exit(1)


def read(file):
    return json.loads(file.read_text())
