"""What can go wrong, as exceptions with one sentence for a person.

Belongs here: exception types that cross rooms. Does not belong here: errors that one function raises and
its caller handles. The message names the file, row, column or setting; the remedy says what to do about it.
"""

from collections.abc import Iterable

MOST_NAMED = 20
"""Names that a message lists; a file may have thousands of columns."""


class LeadflowError(Exception):
    """Work was not done; the message tells a person why, and what to do.

    Args:
        problem: what is wrong and where, without a full stop.
        remedy: what the person can do, as an imperative without a full stop.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}: {remedy}.")


class ConfigError(LeadflowError):
    """A setting, policy.yaml, sources.yaml or a schema.yml is wrong."""


class SourceError(LeadflowError):
    """A source's file is missing, unreadable or does not fit its mapping."""


class ModelError(LeadflowError):
    """A SQL model or macro cannot be rendered, parsed or trusted."""


class ContractError(ConfigError):
    """A table's contract is malformed or names a test that cannot run."""


class WarehouseError(LeadflowError):
    """The warehouse cannot be opened, written or read."""


class WarehouseLockedError(WarehouseError):
    """Another program, or another refresh, holds the warehouse."""


class PublishRefusedError(LeadflowError):
    """The publish gate found a reason not to publish; the previous mart stays."""


def first_line(error: Exception) -> str:
    """What an error of DuckDB or of the system says, without its advice."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def listed(names: Iterable[str], near: str | None = None) -> str:
    """Names with commas; of many the first ones, with the one that is nearest to what was looked for."""
    every = list(names)
    shown = every if len(every) <= MOST_NAMED + 1 else every[:MOST_NAMED]
    if near is not None and near not in shown:
        shown = [*shown, near]
    more = len(every) - len(shown)
    return f"{', '.join(shown)} and {more:,} more" if more > 0 else ", ".join(shown)
