"""Web domains: one spelling for addresses of web sites.

Belongs here: what a domain or URL says by itself. Does not belong here: mail domains and what they tell (emails.py).
"""

from __future__ import annotations

import re

from leadflow.text.values import is_absent, tidy

_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//")
_AFTER_HOST = re.compile(r"[/?#:\\\s].*$", re.DOTALL)


def web_domain(text: str | None) -> str | None:
    """The bare domain of a web address: 'https://www.Acme.com/de/' and 'acme.com' give 'acme.com'.

    None where there is none: absent markers, or a word without a dot. Idempotent.
    """
    if text is None or is_absent(text):
        return None
    host = _AFTER_HOST.sub("", _SCHEME.sub("", tidy(text).lower())).rpartition("@")[2].strip(".")
    while host.startswith("www.") and "." in host.removeprefix("www."):
        host = host.removeprefix("www.").strip(".")
    return host if "." in host else None
