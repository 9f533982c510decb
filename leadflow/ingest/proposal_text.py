"""A proposal as the text of a sources.yaml, with its confidence and its reason behind every line.

Belongs here: writing YAML with comments. Does not belong here: what is proposed (propose.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from leadflow.config_files import Strict
from leadflow.ingest.propose import Proposal
from leadflow.ingest.source_values import ColumnMapping

_SCHEMA = "# yaml-language-server: $schema=schemas/sources.schema.json"
_MOST_NAMED = 60
_FIRST: tuple[str, ...] = ("column", "expression", "constant", "key_of")


def proposal_text(
    proposal: Proposal, *, name: str, path: Path, looked_at: str, clock: str, clock_reason: str
) -> str:
    """The whole file.

    Args:
        proposal: what it says.
        name: name of the source.
        path: the file that was looked at.
        looked_at: which rows of it, in words.
        clock: as sources.yaml calls it.
        clock_reason: why, in words.
    """
    lines = [
        _SCHEMA,
        f"# Proposed by `leadflow init --from` out of {_plain(looked_at)} of {_plain(path.name)}.",
        "# Behind every line stand how sure the proposal is, from 0 to 1, and why. Mend what is wrong, then run `leadflow doctor`.",
    ]
    if proposal.decisions:
        lines += [
            "#",
            "# For you to decide:",
            *(f"# - {_plain(decision)}" for decision in proposal.decisions),
        ]
    lines += [
        "",
        "version: 1",
        _with(f"clock: {clock}", clock_reason),
        "",
        "sources:",
        *_source(proposal, name, path),
    ]
    if proposal.leads is not None:
        lines += ["", *_source(proposal.leads, f"{name}_leads", path)]
    return "\n".join(lines) + "\n"


def _source(proposal: Proposal, name: str, path: Path) -> list[str]:
    lines = [
        f"  - name: {_scalar(name)}",
        _with(f"    table: {proposal.table}", proposal.table_reason),
        f"    path: {_scalar(str(path))}",
        "    columns:",
    ]
    if proposal.null_values:
        written = _scalar(list(proposal.null_values))
        lines.insert(-1, _with(f"    null_values: {written}", "what stands in cells where there is no value"))
    lines += [
        _with(f"      {fill.column}: {_mapping(fill.mapping)}", f"{fill.confidence:.2f} {fill.reason}")
        for fill in proposal.fills
    ]
    lines += [
        _with(f"      # {column}: {_scalar(name)}", why) for (column, name), why in proposal.left_out.items()
    ]
    when = proposal.times
    if when.occurred_at is not None:
        lines.append(
            _with(f"    occurred_at: {_mapping(when.occurred_at)}", f"{when.confidence:.2f} {when.reason}")
        )
    known = when.known_at
    told = known if isinstance(known, str) else _settings(known)
    lines.append(_with(f"    known_at: {told}", when.known_reason))
    if when.max_rejected_share is not None:
        lines.append(_with(f"    max_rejected_share: {when.max_rejected_share}", "so many rows have no date"))
    return lines + _extras(proposal)


def _extras(proposal: Proposal) -> list[str]:
    lines: list[str] = []
    if proposal.extras:
        lines += [
            "    # Columns that fit no field. Take the '#' off those that the model may learn from, and off `attributes:`; leave",
            "    # out what becomes known only after the outcome, or it will learn from the future.",
            "    # attributes:",
        ]
        lines += [
            _with(
                f"    #   {_scalar(extra.name)}: {_settings(extra.attribute)}",
                extra.reason,
            )
            for extra in proposal.extras
        ]
    if proposal.others:
        lines.append(f"    # Not proposed, as ids, constants or one too many: {_named(proposal.others)}")
    if proposal.empty:
        lines.append(f"    # Empty in the rows looked at: {_named(proposal.empty)}")
    return lines


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMED
    return f"{', '.join(map(_plain, names[:_MOST_NAMED]))}{f' and {more:,} more' if more > 0 else ''}"


def _mapping(mapping: ColumnMapping) -> str:
    return _scalar(mapping) if isinstance(mapping, str) else _settings(mapping)


def _settings(settings: Strict) -> str:
    """Settings on one line, what is as it is by default left out; a list of one format as the format."""
    given: dict[str, Any] = settings.model_dump(mode="json", exclude_defaults=True)
    first = {name: given.pop(name) for name in _FIRST if name in given}
    given = first | given
    if len(given.get("format", ())) == 1:
        (given["format"],) = given["format"]
    return _flow(given)


def _scalar(value: object) -> str:
    """A value as YAML on one line, whatever characters it holds."""
    return _flow([value])[1:-1]


def _flow(value: list[object] | dict[str, object]) -> str:
    is_seen = all(text.isprintable() for text in _texts(value))
    style = None if is_seen else '"'  # the only style that writes a line break without one
    return yaml.safe_dump(
        value,
        default_flow_style=True,
        default_style=style,
        allow_unicode=True,
        width=float("inf"),
        sort_keys=False,
    ).strip()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _with(line: str, comment: str) -> str:
    return f"{line}  # {_plain(comment)}"


def _plain(text: str) -> str:
    """Text that stays within one comment: without line breaks and other characters that are not seen."""
    return "".join(char if char.isprintable() else " " for char in text)
