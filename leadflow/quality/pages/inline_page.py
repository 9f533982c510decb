"""What the HTML pages share: they need nothing beside themselves, and nothing of data can run in them.

Belongs here: templates that escape, and the hashes by which a page's content security policy lets its own style and
script in. Does not belong here: what any page shows.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def part(name: str) -> str:
    """The text of a style or script beside the templates."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def template(name: str) -> jinja2.Template:
    """A template that escapes all it is given, and fails on what it is not given."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def policy_hash(text: str) -> str:
    """What a content security policy allows an inline style or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
