"""Lets pip install through a CodeArtifact repository, which fetches from PyPI what it does not have.

Run at each start and every hour: a token lives for twelve hours at most, so that eleven failures in a row do no harm.
Other settings in pip's configuration are kept. The token is in that file alone, which only its owner may read.

  package_access.py --domain NAME --owner ACCOUNT --repository NAME [--config FILE]
"""

from __future__ import annotations

import argparse
import configparser
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit


def codeartifact(command: str, query: str, *options: str) -> str:
    call = ["aws", "codeartifact", command, *options, "--query", query, "--output", "text"]
    return subprocess.run(call, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout.strip()


def write_index(config: Path, url: str) -> None:
    settings = configparser.RawConfigParser()
    settings.read(config, encoding="utf-8")
    if not settings.has_section("global"):
        settings.add_section("global")
    settings.set("global", "index-url", url)
    config.parent.mkdir(parents=True, exist_ok=True)
    fresh = config.with_name(config.name + ".new")
    fresh.unlink(missing_ok=True)
    # For its owner alone from the first moment; and pip never sees half a file.
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        settings.write(file)
    fresh.replace(config)


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("domain", "owner", "repository"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--config", type=Path, default=Path.home() / ".config" / "pip" / "pip.conf")
    args = parser.parse_args()
    domain = ("--domain", args.domain, "--domain-owner", args.owner)
    try:
        endpoint = codeartifact("get-repository-endpoint", "repositoryEndpoint", *domain, "--repository", args.repository, "--format", "pypi")
        token = codeartifact("get-authorization-token", "authorizationToken", *domain, "--duration-seconds", "43200")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"no token for packages, the one before stays: {error}", file=sys.stderr)
        return 1
    address = urlsplit(endpoint)
    write_index(args.config, f"{address.scheme}://aws:{quote(token, safe='')}@{address.netloc}{address.path.rstrip('/')}/simple/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
