"""Stops the notebook instance, or the JupyterLab of a Studio space, that it runs on when nobody has worked there for a while.

Run every five minutes. Each look compares what Jupyter tells of its kernels and terminals with the look before:

- a kernel that computes is work, however long and whether or not a browser is open;
- an activity of a kernel or a terminal that is new since the last look is work;
- a program in a terminal that uses the processor is work, even one that prints nothing.

An open browser, an idle kernel, an editor left open in a terminal are not. Time is the boot clock's, which nobody sets,
and Jupyter's times are compared for being equal only: a wall clock that jumps neither stops the notebook nor keeps it.
When Jupyter does not answer nothing is known, so nothing is stopped.

  idle_shutdown.py --minutes N [--url URL] [--metadata FILE] [--state FILE] [--before-stop COMMAND] [--proc DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

# A program at work uses more of a processor than this; an editor or a pager that waits for a key uses less.
WORKING_SHARE = 0.02
TICKS = os.sysconf("SC_CLK_TCK")


def ask(url: str, kind: str) -> list[dict]:
    # The server's certificate is its own, and the server is this machine.
    context = ssl._create_unverified_context() if url.startswith("https:") else None
    with urllib.request.urlopen(f"{url}/api/{kind}", timeout=10, context=context) as answer:
        return json.load(answer)


def terminal_seconds(proc: Path) -> dict[str, float]:
    """Processor time of the programs of each terminal, by session, with that of children that have ended."""
    seconds: dict[str, float] = {}
    for stat in proc.glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        session, terminal = fields[3], fields[4]
        if terminal != "0":
            seconds[session] = seconds.get(session, 0.0) + sum(map(int, fields[11:15])) / TICKS
    return seconds


def look(url: str, proc: Path, before: dict, now: float) -> dict:
    """What is there now, and when there was work last."""
    kernels, terminals = ask(url, "kernels"), ask(url, "terminals")
    activity = sorted([kind, str(one.get("id") or one.get("name")), str(one.get("last_activity"))]
                      for kind, found in (("kernel", kernels), ("terminal", terminals)) for one in found)
    # A kernel that was closed is no longer told of; that is no work, what is new or changed is.
    fresh = [one for one in activity if one not in before.get("activity", [])]
    seconds = terminal_seconds(proc)
    known = before.get("seconds", {})
    used = max((spent - known.get(session, 0.0) for session, spent in seconds.items()), default=0.0)
    elapsed = now - before.get("looked", now)
    works = (
        not before
        or bool(fresh)
        or any(kernel.get("execution_state") == "busy" for kernel in kernels)
        or used > WORKING_SHARE * max(elapsed, 1.0)
    )
    return {"activity": activity, "seconds": seconds, "looked": now, "worked": now if works else before["worked"]}


def remembered(state: Path, now: float) -> dict:
    """What the last look saw, unless the machine has started since."""
    try:
        before = json.loads(state.read_text(encoding="utf-8"))
        return before if before["worked"] <= before["looked"] <= now else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def stop_command(metadata: dict) -> list[str]:
    name = metadata["ResourceName"]
    if "SpaceName" not in metadata:
        return ["aws", "sagemaker", "stop-notebook-instance", "--notebook-instance-name", name]
    # The space and its volume stay; its owner starts the application again.
    return [
        "aws", "sagemaker", "delete-app", "--domain-id", metadata["DomainId"], "--space-name", metadata["SpaceName"],
        "--app-type", metadata["AppType"], "--app-name", name,
    ]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--url", default="https://localhost:8443")
    parser.add_argument("--metadata", default="/opt/ml/metadata/resource-metadata.json")
    # /run is emptied when the machine starts
    parser.add_argument("--state", type=Path, default=Path("/run/idle_shutdown.json"))
    parser.add_argument("--before-stop", default="")
    parser.add_argument("--proc", type=Path, default=Path("/proc"))
    args = parser.parse_args()

    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    try:
        seen = look(args.url, args.proc, remembered(args.state, now), now)
    except (OSError, ValueError) as error:
        print(f"Jupyter does not answer, so nothing is known: {error}", file=sys.stderr)
        # Counting starts again with the first answer.
        args.state.unlink(missing_ok=True)
        return 0
    fresh = args.state.with_suffix(".new")
    fresh.write_text(json.dumps(seen), encoding="utf-8")
    fresh.replace(args.state)

    idle = now - seen["worked"]
    print(f"idle for {idle / 60:.0f} of {args.minutes:g} minutes")
    if idle < args.minutes * 60:
        return 0
    if args.before_stop:
        # The volume outlives the stop, so that a failure here is no reason to go on.
        subprocess.run(shlex.split(args.before_stop), check=False)
    return subprocess.run(stop_command(json.loads(Path(args.metadata).read_text(encoding="utf-8"))), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
