"""Keeps a notebook's files in S3, and brings them back to a new volume.

  notebook_files.py save FOLDER S3_URI      copies what has changed, and forgets what was removed
  notebook_files.py restore FOLDER S3_URI   on a new volume: brings the files back that were saved before, if there are any

Nothing is saved before `restore` has gone well, so that an empty volume never takes the place of the saved files.
The bucket keeps what was overwritten or removed as versions. S3 knows neither symbolic links nor the right to execute:
they are written beside the files.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

# State of this volume, and therefore not among the saved files.
OWN = ".workbench"
# What comes again by itself, and what holds credentials.
SKIPPED_FOLDERS = ("lost+found", ".ipynb_checkpoints", "__pycache__", ".virtual_documents", ".cache", ".conda", ".local", ".npm", ".aws", ".config", ".ssh", OWN)
SKIPPED = [option for name in SKIPPED_FOLDERS for pattern in (f"{name}/*", f"*/{name}/*") for option in ("--exclude", pattern)]


def aws(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["aws", "s3", *arguments, "--only-show-errors"], check=False)


def exists(uri: str) -> bool:
    listed = subprocess.run(["aws", "s3", "ls", uri], check=False, stdout=subprocess.DEVNULL).returncode
    # 1 says that nothing is there; anything else, that nobody knows.
    if listed not in (0, 1):
        raise SystemExit(f"{uri} cannot be looked at")
    return listed == 0


def attributes(folder: Path) -> dict:
    """What S3 does not keep: links, executable files, empty folders."""
    found: dict = {"links": {}, "executable": [], "empty": []}
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
        for name in folders + files:
            path = Path(here, name)
            relative = str(path.relative_to(folder))
            if path.is_symlink():
                found["links"][relative] = os.readlink(path)
            elif name in files and path.stat().st_mode & stat.S_IXUSR:
                found["executable"].append(relative)
        if not folders and not files and Path(here) != folder:
            found["empty"].append(str(Path(here).relative_to(folder)))
    return found


def apply_attributes(folder: Path, found: dict) -> None:
    for relative in found["empty"]:
        (folder / relative).mkdir(parents=True, exist_ok=True)
    for relative, target in found["links"].items():
        path = folder / relative
        if not os.path.lexists(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(target)
    for relative in found["executable"]:
        path = folder / relative
        if path.is_file():
            path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def save(folder: Path, uri: str) -> int:
    if state_of(folder) != "restored":
        print("not saved: the files that were saved before have not been brought back yet", file=sys.stderr)
        return 1
    copied = aws("sync", str(folder), f"{uri}/files", "--delete", "--no-follow-symlinks", *SKIPPED)
    with tempfile.TemporaryDirectory() as temporary:
        described = Path(temporary, "attributes.json")
        described.write_text(json.dumps(attributes(folder)), encoding="utf-8")
        # Last: what it tells of is there.
        told = aws("cp", str(described), f"{uri}/attributes.json")
    return copied.returncode or told.returncode


def restore(folder: Path, uri: str) -> int:
    if state_of(folder) == "restored":
        return 0
    if exists(f"{uri}/attributes.json"):
        with tempfile.TemporaryDirectory() as temporary:
            described = Path(temporary, "attributes.json")
            read = aws("cp", f"{uri}/attributes.json", str(described))
            if read.returncode != 0:
                return read.returncode
            found = json.loads(described.read_text(encoding="utf-8"))
        if state_of(folder) == "new":
            # A repository that was cloned into the new volume a moment ago makes room for the saved one.
            for clone in [path for path in folder.iterdir() if (path / ".git").is_dir() and exists(f"{uri}/files/{path.name}/.git/HEAD")]:
                shutil.rmtree(clone)
            mark(folder, "restoring")
        copied = aws("sync", f"{uri}/files", str(folder))
        if copied.returncode != 0:
            return copied.returncode
        apply_attributes(folder, found)
    mark(folder, "restored")
    return 0


def state_of(folder: Path) -> str:
    try:
        return (folder / OWN / "files").read_text(encoding="utf-8").strip()
    except OSError:
        return "new"


def mark(folder: Path, state: str) -> None:
    (folder / OWN).mkdir(exist_ok=True)
    fresh = folder / OWN / "files.new"
    fresh.write_text(state, encoding="utf-8")
    fresh.replace(folder / OWN / "files")


def main() -> int:
    action, folder, uri = sys.argv[1], Path(sys.argv[2]), sys.argv[3].rstrip("/")
    (folder / OWN).mkdir(parents=True, exist_ok=True)
    with open(folder / OWN / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return {"save": save, "restore": restore}[action](folder, uri)


if __name__ == "__main__":
    sys.exit(main())
