"""Runs a program that must not outlive whoever started it.

    guard.py JOURNAL PROGRAM [ARGUMENT…]

The program gets a process group of its own, noted in the journal file with the time of its start. When this process's
standard input closes (its parent has ended, however) or it is told to terminate, the whole group is ended. Exits as the
program did.
"""
import json
import os
import signal
import subprocess
import sys
import threading
import time

GRACE_SECONDS = 3
program = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True)


def started(pid):
    """Tells the process from a later one of the same number; the same words as in children.ts."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(") ")[2].split(" ")[19]
    except FileNotFoundError:
        return subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()


with open(sys.argv[1], "a") as journal:
    journal.write(json.dumps({"pid": program.pid, "started": started(program.pid)}) + "\n")


def signal_group(number):
    try:
        os.killpg(program.pid, number)
    except ProcessLookupError:
        pass


def end(*_):
    signal_group(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and program.poll() is None:
        time.sleep(0.02)
    signal_group(signal.SIGKILL)


def end_with_parent():
    sys.stdin.buffer.read()
    end()


signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=end).start())
signal.signal(signal.SIGINT, lambda *_: threading.Thread(target=end).start())
threading.Thread(target=end_with_parent, daemon=True).start()
code = program.wait()
# What the program itself has left behind in its group ends with it.
signal_group(signal.SIGKILL)
# A program ended by a signal is told apart from one that exits by itself, as a shell does.
os._exit(code if code >= 0 else 128 - code)
