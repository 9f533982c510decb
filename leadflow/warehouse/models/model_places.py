"""Where in a model or macro a piece of its SQL stands, so that an error can name file and line.

Belongs here: finding the place in the template that a place in the rendered SQL came from. Does not belong here: what is
wrong there (model_parsing.py, model_select.py, sql_models.py).
"""

from __future__ import annotations

import re
from pathlib import Path

from leadflow.warehouse.models.jinja import Macros

_COMMENT = re.compile(r"{#.*?#}|/\*.*?\*/|--[^\n]*", re.DOTALL)


def line_of(text: str, needle: str) -> int:
    """First line of a template that holds `needle` as a whole word, outside of comments where it can; 1 else."""
    return _line_of(_without_comments(text), needle) or _line_of(text, needle) or 1


def line_of_last(text: str, needle: str) -> int:
    """Last line that holds `needle`, or 1."""
    return text.count("\n", 0, max(text.rfind(needle), 0)) + 1


def place_of(path: Path, text: str, macros: Macros, sql: str, line: int, word: str = "") -> str:
    """file:line that a line of rendered SQL came from.

    Rendering keeps most lines as they are: the line itself is looked for in the model, then in the macros, then the
    nearest line before it that is in the model, or in the macros where `word` stands in no model.
    """
    rendered = [one.strip() for one in sql.splitlines()]
    template = [one.strip() for one in text.splitlines()]
    for above in range(min(line, len(rendered))):
        wanted = rendered[line - 1 - above]
        found = [number for number, one in enumerate(template, start=1) if one == wanted != ""]
        if found:
            nearest = min(found, key=lambda number: abs(number - (line - above)))
            return f"{path}:{min(nearest + above, len(template))}"
        in_macros = [
            number for number, one in enumerate(macros.source.splitlines(), 1) if one.strip() == wanted
        ]
        if above == 0 and wanted and in_macros:
            macro_path, macro_line = macros.locate(in_macros[0])
            return f"{macro_path}:{macro_line}"
    return f"{path}:{line_of(text, word)}"


def place_of_name(path: Path, text: str, macros: Macros, sql: str, line: int, name: str) -> str:
    """file:line of a name that stands in a line of rendered SQL.

    A name that the model itself writes is looked for there, in lines that were changed by rendering, too; one that it
    does not is looked for in the macros.
    """
    rendered = sql.splitlines()
    whole = rendered[line - 1].strip() if line <= len(rendered) else ""
    template = text.splitlines()
    if any(one.strip() == whole for one in template):
        return place_of(path, text, macros, sql, line, name)
    holding = [
        number
        for number, one in enumerate(_without_comments(text).splitlines(), start=1)
        if _line_of(one, name, re.IGNORECASE)
    ]
    if holding:
        return f"{path}:{min(holding, key=lambda number: abs(number - line))}"
    as_written = (
        number for number, one in enumerate(macros.source.splitlines(), 1) if whole and whole in one
    )
    in_macros = next(as_written, 0) or _line_of(_without_comments(macros.source), name, re.IGNORECASE)
    if in_macros:
        macro_path, macro_line = macros.locate(in_macros)
        return f"{macro_path}:{macro_line}"
    return place_of(path, text, macros, sql, line, name)


def opening_line(sql: str) -> int:
    """Line where the quote or comment begins that is not closed; the last line where every one is."""
    at = 0
    while at < len(sql):
        found = _OPENING.search(sql, at)
        if found is None:
            break
        end = _end_of(sql, found)
        if end is None:
            return sql.count("\n", 0, found.start()) + 1
        at = end
    return sql.count("\n") + 1


_OPENING = re.compile(r"'|\"|--|/\*|\$\w*\$")


def _end_of(sql: str, opening: re.Match[str]) -> int | None:
    """Where what begins with a quote or comment mark ends, or None."""
    mark = opening[0]
    if mark == "/*":  # comments nest
        depth = 0
        for each in re.finditer(r"/\*|\*/", sql[opening.start() :]):
            depth += 1 if each[0] == "/*" else -1
            if depth == 0:
                return opening.start() + each.end()
        return None
    closing = "\n" if mark == "--" else mark
    end = sql.find(closing, opening.end())
    if end < 0:
        return len(sql) if mark == "--" else None
    return end + len(closing)


def _without_comments(text: str) -> str:
    """The text with blanks in place of comments, so that lines stay where they are."""
    return _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _line_of(text: str, needle: str, flags: int = 0) -> int | None:
    found = re.search(rf"(?<!\w){re.escape(needle)}(?!\w)", text, flags) if needle else None
    return text.count("\n", 0, found.start()) + 1 if found else None
