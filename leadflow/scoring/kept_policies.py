"""Policies by version, kept in the home as models are, so that a past moment can be scored as it was then.

Belongs here: writing and reading them. Does not belong here: what a policy holds (leadflow/policy.py), which one was in
force when (in_force.py).
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from leadflow.policy import Policy


def keep_policy(folder: Path, policy: Policy) -> Path:
    """Write the policy under its version unless it is there; whole or not at all. Returns its file."""
    path = folder / f"{policy.version}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        staged = path.with_suffix(".tmp")
        staged.write_text(policy.model_dump_json(by_alias=True), encoding="utf-8")
        staged.replace(path)
    return path


def kept_policy(folder: Path, version: str) -> Policy | None:
    """The policy of a version; None where it was not kept, or is none that this release can read as it was."""
    try:
        policy = Policy.model_validate_json((folder / f"{version}.json").read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
    return policy if policy.version == version else None
