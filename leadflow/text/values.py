"""What a form or a CRM writes where it has nothing to say, and one spelling for what it does say.

Belongs here: rules that hold for any kind of text value. Does not belong here: rules for one kind (emails.py,
companies.py, titles.py).
"""

from __future__ import annotations

import unicodedata

# Written in place of a value, in lower case. 'unknown' counts too: it would otherwise win over an older, real
# value in a golden record, and would make one account of all companies called 'unknown'.
ABSENT_MARKERS = frozenset(
    {
        "", "-", "--", "---", "–", "—", ".", "..", "...", "?", "??", "???", "/",
        "n/a", "#n/a", "n.a.", "n.a", "na", "none", "null", "(null)", "nil", "nan", "undefined",
        "unknown", "not available", "not applicable", "not provided", "tbd",
        "无", "無", "没有", "暂无", "未知", "不详", "未填", "未填写", "待定", "空",
    }
)  # fmt: skip

# Invisible characters that come along when a value is copied from a page or a spreadsheet.
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


def word_set(text: str) -> frozenset[str]:
    """The words of a text that white space separates: a readable way to write a long list of them."""
    return frozenset(text.split())


def tidy(text: str) -> str:
    """One spelling of a text: Unicode NFKC (full-width letters become plain ones), no invisible characters, trimmed.

    NFKC is the form that Unicode's identifier profiles compare by (UTS #39). Idempotent.
    """
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).strip()


def is_absent(text: str | None) -> bool:
    """Whether a value says nothing: null, blank, or a marker such as 'n/a', '-' or '无'."""
    return text is None or tidy(text).lower() in ABSENT_MARKERS
