"""A Jinja environment in which a template can reach nothing and cannot run for ever.

Belongs here: the sandbox and its limits. Does not belong here: what a template may call (jinja.py, quality/contract/macro_tests.py).

Jinja's own sandbox keeps a template away from Python's insides and bounds range(). It does not stop loops within loops,
macros that call themselves twice, or text that doubles at every turn: `'a' * 1000000000` alone takes a gigabyte. Here
every block of a template that is entered, and every call and filter, is a step, and steps and sizes are counted: the
same template is refused on every machine, however fast, which a limit of seconds would not give.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

MAX_STEPS = 100_000
"""Blocks entered, calls and filters in one rendering."""

MAX_SIZE = 1_000_000
"""Characters or items of any one value; the SQL of the largest model has some ten thousand."""

MAX_TOTAL = 100_000_000
"""Characters and items of all values that are made in one rendering."""

_MAX_BITS = 10_000
_PASSED_BY_JINJA = (Context, nodes.EvalContext, jinja2.Environment)
# They make text as long as a number says.
_FILTERS_OF_A_SIZE = {"center", "indent", "batch", "slice", "tojson"}
# Widths and precisions in format strings, as in '%1000000d' and '{:>1000000}', or taken from an argument.
_WIDE = re.compile(r"%[-+ #0]*(?:\d{5,}|\*)|%[-+ #0\d]*\.(?:\d{5,}|\*)|{[^{}]*:[^{}]*(?:\d{5,}|{)")


class TooMuchError(Exception):
    """A template that would not end, or would end in more text than any model has; the message completes its place."""


def bounded_environment() -> BoundedEnvironment:
    """An environment in which no file is read, undefined names are refused, and steps and sizes are counted."""
    environment = BoundedEnvironment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.do"],
        loader=jinja2.FunctionLoader(_refuse_file),
    )
    del environment.globals["lipsum"]  # random: the same models must give the same tables
    return environment


def _refuse_file(name: str) -> str:
    raise SecurityError(f"the file '{name}'")


class _BoundedCodeGenerator(CodeGenerator):
    """Writes a step into every block of the compiled template, and has `~` counted as the operators are."""

    def blockvisit(self, nodes: Iterable[nodes.Node], frame: Frame) -> None:
        body = list(nodes)
        self.writeline("environment.step()", body[0] if body else None)
        super().blockvisit(body, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class BoundedEnvironment(SandboxedEnvironment):
    """A sandbox that counts; what is rendered in it shares the counts, unless they are started anew."""

    code_generator_class = _BoundedCodeGenerator
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, **options: Any) -> None:
        # Not optimized: a constant expression would be worked out while compiling, before anything counts.
        super().__init__(**options, optimized=False, finalize=self.printed)
        self.start_counting()
        self.filters = {
            name: self._counted(name, filter_)
            for name, filter_ in self.filters.items()
            if name != "random"  # as with lipsum
        }

    def start_counting(self) -> None:
        """Begin at nothing, for another rendering in the same environment."""
        self._steps = 0
        self._total = 0

    def step(self) -> None:
        """Count one step."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TooMuchError(f"takes more than {MAX_STEPS:,} steps to render")

    def printed(self, value: Any) -> Any:
        """A value that goes into the text, counted."""
        self._count(value, _weight(value) if isinstance(value, list | tuple | dict) else None)
        return value

    def joined(self, parts: tuple[Any, ...]) -> str:
        """What `~` makes of its operands."""
        _refuse_beyond(_weight(parts))
        text = "".join(map(str, parts))
        self._count(text)
        return text

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """An operator's result, refused beforehand where it would be too large to make."""
        if operator == "*":
            for one, other in ((left, right), (right, left)):
                if isinstance(other, int) and isinstance(one, str | bytes | list | tuple):
                    _refuse_beyond(len(one) * other)
        elif operator == "**" and isinstance(left, int) and isinstance(right, int):
            _refuse_beyond(MAX_SIZE + 1 if left.bit_length() * right > _MAX_BITS else 0)
        elif operator == "%" and isinstance(left, str):
            _refuse_wide(left)
            _refuse_product(left, [right])
        result = super().call_binop(context, operator, left, right)
        self._count(result)
        return result

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - as in Jinja, so that a macro may take an argument `self`
        """The result of a call, refused beforehand where a method of a text would make too much of it."""
        __self.step()
        subject = getattr(getattr(__obj, "__wrapped__", __obj), "__self__", None)
        if isinstance(subject, str):
            args = tuple(map(_listed, args))
            given = [*args, *kwargs.values()]
            _refuse_product(subject, given, are_numbers_lengths=True)
            if __obj.__name__ in ("format", "format_map"):
                _refuse_wide(subject)
        elif isinstance(subject, list) and len(subject) > MAX_SIZE // 10:
            raise TooMuchError(f"grows a list beyond {MAX_SIZE // 10:,} items")
        result = super().call(__context, __obj, *args, **kwargs)
        __self._count(result)
        return result

    def _counted(self, name: str, filter_: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(filter_)  # brings along what Jinja marks a filter with
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.step()
            args = tuple(map(_listed, args))
            subject, *given = [
                each for each in (*args, *kwargs.values()) if not isinstance(each, _PASSED_BY_JINJA)
            ]
            _refuse_product(subject, given, are_numbers_lengths=name in _FILTERS_OF_A_SIZE)
            if name == "format":
                _refuse_wide(str(subject))
            result = filter_(*args, **kwargs)
            self._count(result)
            return result

        return counted

    def _count(self, value: Any, size: int | None = None) -> None:
        if size is None:
            size = _size(value)
        _refuse_beyond(size)
        self._total += size
        if self._total > MAX_TOTAL:
            raise TooMuchError(f"makes more than {MAX_TOTAL:,} characters on the way")


def _size(value: Any) -> int:
    """Length of a value without looking into it; a number counts from some thousand digits on."""
    if isinstance(value, int):
        return 0 if value.bit_length() <= _MAX_BITS else MAX_SIZE + 1
    return len(value) if isinstance(value, str | bytes | list | tuple | dict) else 0


def _weight(value: Any) -> int:
    """Characters and items of a value and everything in it; what is more than MAX_SIZE may be told as less."""
    total = 0
    waiting = [value]
    while waiting and total <= MAX_SIZE:
        one = waiting.pop()
        total += 1 + (len(one) if isinstance(one, str | bytes) else 0)
        if isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            waiting += one
    return total


def _refuse_beyond(size: int) -> None:
    if size > MAX_SIZE:
        raise TooMuchError(f"makes a value of more than {MAX_SIZE:,} characters or items")


def _refuse_product(subject: Any, given: list[Any], *, are_numbers_lengths: bool = False) -> None:
    """Refuse what could become ten times too long: as long as the subject times the longest of what is given with it.

    Most of it never does, such as what `replace` finds nothing in; the outcome is counted as it is.

    Args:
        subject: the value that a filter or method is of.
        given: its other arguments.
        are_numbers_lengths: whether a number among them says how long the outcome is.
    """
    weight = _weight(subject)
    times = [abs(one) if are_numbers_lengths and isinstance(one, int) else _weight(one) for one in given]
    for each in (weight, *times):
        _refuse_beyond(each)
    _refuse_beyond(weight * max(times, default=1) // 10)


def _refuse_wide(template: str) -> None:
    if _WIDE.search(template):
        raise TooMuchError("formats a value to a width that is too large, or taken from elsewhere")


def _listed(value: Any) -> Any:
    """A lazy value, such as what `map` gives, as the list that can be counted."""
    return list(islice(value, MAX_SIZE)) if hasattr(value, "__next__") else value
