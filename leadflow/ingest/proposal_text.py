"""A proposal as the text of a sources.yaml, with its confidence and its reason behind every line.

Belongs here: writing YAML with comments. Does not belong here: what is proposed (propose.py).
"""

from __future__ import annotations

from pathlib import Path

import yaml

from leadflow.ingest.propose import Proposal
from leadflow.ingest.sources import Backdated, ColumnMapping, Constant, Expression, FromColumn

_SCHEMA = "# yaml-language-server: $schema=schemas/sources.schema.json"
_MOST_EMPTY_NAMED = 20


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
        f"  - name: {_scalar(name)}",
        _with(f"    table: {proposal.table}", proposal.table_reason),
        f"    path: {_scalar(str(path))}",
        "    columns:",
    ]
    lines += [
        _with(f"      {fill.column}: {_mapping(fill.mapping)}", f"{fill.confidence:.2f} {fill.reason}")
        for fill in proposal.fills
    ]
    when = proposal.times
    if when.occurred_at is not None:
        lines.append(
            _with(f"    occurred_at: {_mapping(when.occurred_at)}", f"{when.confidence:.2f} {when.reason}")
        )
    known = when.known_at
    if isinstance(known, FromColumn):
        told = f"{{column: {_scalar(known.column)}}}"
    else:
        told = f"{{backdated: {_scalar(known.backdated)}}}" if isinstance(known, Backdated) else known
    lines.append(_with(f"    known_at: {told}", when.known_reason))
    if when.max_rejected_share is not None:
        lines.append(_with(f"    max_rejected_share: {when.max_rejected_share}", "so many rows have no date"))
    lines += _extras(proposal)
    return "\n".join(lines) + "\n"


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
                f"    #   {_scalar(extra.name)}: {{column: {_scalar(extra.column)}, type: {extra.type}}}",
                extra.reason,
            )
            for extra in proposal.extras
        ]
    if proposal.empty:
        named = ", ".join(map(_plain, proposal.empty[:_MOST_EMPTY_NAMED]))
        more = len(proposal.empty) - _MOST_EMPTY_NAMED
        lines.append(f"    # Empty in the rows looked at: {named}{f' and {more} more' if more > 0 else ''}")
    return lines


def _mapping(mapping: ColumnMapping) -> str:
    if isinstance(mapping, Expression):
        return f"{{expression: {_scalar(mapping.expression)}}}"
    if isinstance(mapping, Constant):
        return f"{{constant: {_scalar(mapping.constant)}}}"
    return _scalar(mapping)


def _scalar(value: object) -> str:
    """A value as YAML on one line, whatever characters it holds."""
    is_seen = not isinstance(value, str) or value.isprintable()
    style = None if is_seen else '"'  # the only style that writes a line break without one
    flow = yaml.safe_dump(
        [value], default_flow_style=True, default_style=style, allow_unicode=True, width=float("inf")
    )
    return flow.strip()[1:-1]


def _with(line: str, comment: str) -> str:
    return f"{line}  # {_plain(comment)}"


def _plain(text: str) -> str:
    """Text that stays within one comment: without line breaks and other characters that are not seen."""
    return "".join(char if char.isprintable() else " " for char in text)
