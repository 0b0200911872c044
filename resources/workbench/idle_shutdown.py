"""Stops the notebook instance that it runs on when nobody has worked there for a while.

Run by a systemd timer. Busy is: a kernel that computes, or a kernel, terminal or the machine itself whose last activity
(for the machine: its start) is more recent than the limit. When Jupyter does not answer, nothing is stopped.

  idle_shutdown.py --minutes N [--url URL] [--metadata FILE]
"""

from __future__ import annotations

import argparse
import json
import ssl
import subprocess
import sys
import time
import urllib.request
from datetime import datetime


def activity(url: str, kind: str) -> list[dict]:
    # The server's certificate is its own, and the server is this machine.
    context = ssl._create_unverified_context() if url.startswith("https:") else None
    with urllib.request.urlopen(f"{url}/api/{kind}", timeout=10, context=context) as answer:
        return json.load(answer)


def seconds_since(moment: str, now: float) -> float:
    return now - datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


def idle_seconds(url: str, now: float, uptime: float) -> float:
    kernels = activity(url, "kernels")
    if any(kernel.get("execution_state") in ("busy", "starting") for kernel in kernels):
        return 0.0
    seen = [seconds_since(one["last_activity"], now) for one in kernels + activity(url, "terminals") if one.get("last_activity")]
    # A clock that was set back makes an activity lie in the future: that is activity now.
    return max(0.0, min([uptime, *seen]))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--url", default="https://localhost:8443")
    parser.add_argument("--metadata", default="/opt/ml/metadata/resource-metadata.json")
    args = parser.parse_args()
    try:
        # The boot clock, which nobody sets, not the uptime of this process.
        idle = idle_seconds(args.url, time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))
    except OSError as error:
        print(f"Jupyter does not answer, so nothing is known: {error}", file=sys.stderr)
        return 0
    print(f"idle for {idle / 60:.0f} of {args.minutes:g} minutes")
    if idle < args.minutes * 60:
        return 0
    with open(args.metadata, encoding="utf-8") as file:
        name = json.load(file)["ResourceName"]
    return subprocess.run(["aws", "sagemaker", "stop-notebook-instance", "--notebook-instance-name", name], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
