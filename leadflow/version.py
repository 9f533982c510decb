"""Which code made a table: the package's version and, in a checkout, the commit.

Belongs here: nothing else. Read from files, because a subprocess at every start would cost more than it tells.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from leadflow import __version__


@cache
def code_version() -> str:
    """Such as '0.1.0+1a2b3c4d5e6f', or '0.1.0' outside of a checkout."""
    commit = _commit(Path(__file__).resolve().parent.parent / ".git")
    return f"{__version__}+{commit[:12]}" if commit else __version__


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
