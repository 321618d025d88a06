"""Escapes text of each width that CPython keeps strings in, by the extension and by the Python that it stands for."""

import markupsafe
from markupsafe import _native, _speedups

assert markupsafe._escape_inner is _speedups._escape_inner
for text in ("", "plain", "<&>\"'", "ä<b>", "€ & ¥", "𝄞 > 𝄢", "<" * 1000 + "ÿ"):
    assert _speedups._escape_inner(text) == _native._escape_inner(text), text
assert markupsafe.Markup("<b>%s</b>") % "<i>" == "<b>&lt;i&gt;</b>"
print("works")
