"""Every contract, sources.yaml and policy that a unit test loads is held against the editors' schema.

An editor must never mark as wrong what the loader takes. Which documents it takes, the unit tests of the loaders say by
themselves; so each that loads is validated here, at once, and the test that loaded it fails where the schema refuses it.

The loaders are wrapped while this file is imported, before any test module imports them by name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import editor_documents

import leadflow.ingest.sources
import leadflow.policy
import leadflow.quality.contracts


def _held_against_the_schema(module: Any, name: str, problems: Callable[..., list[str]]) -> None:
    load = getattr(module, name)

    @functools.wraps(load)
    def held(*arguments: Any, **settings: Any) -> Any:
        loaded = load(*arguments, **settings)
        found = problems(*arguments)
        assert not found, f"the editors' schema refuses what {name} takes: {found}"
        return loaded

    setattr(module, name, held)


_held_against_the_schema(leadflow.quality.contracts, "load_contracts", editor_documents.contract_problems)
_held_against_the_schema(leadflow.ingest.sources, "load_sources", editor_documents.sources_problems)
_held_against_the_schema(leadflow.policy, "load_policy", editor_documents.policy_problems)
