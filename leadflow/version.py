"""Which code made a table: the package's version and, in a checkout, the commit; or the content of some files of it.

Belongs here: nothing else. Read from files, because a subprocess at every start would cost more than it tells.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from leadflow import __version__


@cache
def code_version() -> str:
    """Such as '0.1.0+1a2b3c4d5e6f', or '0.1.0' outside of a checkout."""
    commit = _commit(Path(__file__).resolve().parent.parent / ".git")
    return f"{__version__}+{commit[:12]}" if commit else __version__


@cache
def source_digest(patterns: tuple[str, ...], packages: tuple[str, ...] = ()) -> str:
    """One text for the content of some of leadflow's own files and the versions of packages they rest on.

    What was computed with them before need not be computed again while it stays the same; unlike `code_version` it
    tells of a change before it is committed, and not of changes elsewhere.

    Args:
        patterns: glob patterns below the package's folder; folders and compiled files are left out.
        packages: names of distributions.
    """
    folder = Path(__file__).resolve().parent
    files = {
        path
        for pattern in patterns
        for path in folder.glob(pattern)
        if path.is_file() and path.suffix != ".pyc"
    }
    told = hashlib.sha256()
    for path in sorted(files):
        told.update(f"{path.relative_to(folder)}\n".encode())
        told.update(hashlib.sha256(path.read_bytes()).digest())
    for package in packages:
        told.update(f"{package} {_version_of(package)}\n".encode())
    return told.hexdigest()


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _commit(git_dir: Path) -> str | None:
    try:
        head = (git_dir / "HEAD").read_text(encoding="ascii").strip()
        if not head.startswith("ref: "):
            return head
        ref = head.removeprefix("ref: ")
        loose = git_dir / ref
        if loose.exists():
            return loose.read_text(encoding="ascii").strip()
        for line in (git_dir / "packed-refs").read_text(encoding="ascii").splitlines():
            if line.endswith(f" {ref}"):
                return line.split(" ", 1)[0]
    except OSError:
        return None
    return None
