"""Explanations as a page: self-contained, the same bytes for the same input, in the reader's light or dark scheme."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from perennial.errors import printable
from perennial.lean_typing import Final
from perennial.report.explain_words import (
    advice,
    installs,
    project_advice,
    project_installs,
    refusal_word,
    refused,
    runs,
    system_words,
    taken,
)  # fmt: skip
from perennial.report.text import plural
from perennial.tags.explain import Explained, Explanation, MatrixRow, ProjectExplanation, Subject
from perennial.tags.target import Target
from perennial.wheel.filename import WheelFilename

_STYLE: Final = """\
:root{color-scheme:light dark;--ink:#1f2430;--page:#fff;--line:#d9dde3;--soft:#6b7280;--good:#0f766e;--take:#ccefe9}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8ec;--page:#14171c;--line:#353b45;--soft:#9aa3b0;--good:#5eead4;\
--take:#0b4f4a}}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;color:var(--ink);\
background:var(--page);margin:2rem auto;max-width:75rem;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.15rem;margin-top:2.5rem}.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.87rem}th,td{border-bottom:1px solid var(--line);padding:.3rem .6rem;\
text-align:left;vertical-align:top}th{font-weight:600}td.no{color:var(--soft)}td.yes{color:var(--good)}
td.takes{background:var(--take);font-weight:600}p.note{color:var(--soft)}code{font-size:.92em}ul{padding-left:1.2rem}
"""


def as_html(found: Explained) -> str:
    return "".join(f"{line}\n" for line in _lines(found))


def _lines(found: Explained) -> Iterator[str]:
    names = ", ".join(subject.source for subject in found.subjects)
    title = _text(f"What installs where: {names}" if names else "What installs where")
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>\n{_STYLE}</style></head><body>"
    yield f"<h1>{title}</h1>"
    yield f'<p class="note">{plural(len(found.targets), "system")}; releases in support on {found.as_of}.</p>'
    for subject in found.subjects:
        yield from _subject(subject, found.targets)
    for source, message in found.errors.items():
        yield f"<h2>{_text(source)}</h2><p>{_text(message)}</p>"
    yield "</body></html>"


def _subject(subject: Subject, targets: tuple[Target, ...]) -> Iterator[str]:
    fine = sum(answer.is_fine for answer in subject.answers)
    yield f"<h2>{_text(subject.source)}</h2>"
    yield f"<p>Fine on {fine} of {plural(len(targets), 'system')}.</p>"
    yield '<div class="scroll"><table><thead><tr><th scope="col">system</th><th scope="col">installs</th>'
    yield '<th scope="col">runs</th><th scope="col">what to do</th></tr></thead><tbody>'
    for answer, target in zip(subject.answers, targets, strict=True):
        yield from _answer(answer, target)
    yield "</tbody></table></div>"
    if len(subject.matrix) > 1:
        yield from _matrix(subject, targets)


def _answer(answer: Explanation | ProjectExplanation, target: Target) -> Iterator[str]:
    if isinstance(answer, ProjectExplanation):
        says, wheel, advised = project_installs(answer), answer.wheel, project_advice(answer)
    else:
        says, wheel, advised = installs(answer.installation, target), answer, advice(answer)
    kind = "yes" if answer.is_fine else "no"
    ran = "" if wheel is None or wheel.running is None else runs(wheel)
    items = "".join(f"<li>{_text(each.text)}</li>" for each in advised)
    yield (
        f'<tr><th scope="row">{_text(system_words(target))}</th><td class="{kind}">{_text(says)}</td>'
        f"<td>{_text(ran)}</td><td>{f'<ul>{items}</ul>' if items else ''}</td></tr>"
    )


def _matrix(subject: Subject, targets: tuple[Target, ...]) -> Iterator[str]:
    yield '<div class="scroll"><table><thead><tr><th scope="col">wheel</th>'
    yield "".join(f'<th scope="col">{_text(system_words(target))}</th>' for target in targets)
    yield "</tr></thead><tbody>"
    chosen = [taken(answer) for answer in subject.answers]
    for each in subject.matrix:
        yield f'<tr><th scope="row"><code>{_text(each.filename)}</code></th>'
        yield "".join(_cell(each, index, chosen[index], target) for index, target in enumerate(targets))
        yield "</tr>"
    yield "</tbody></table></div>"


def _cell(each: MatrixRow, index: int, chosen: str | None, target: Target) -> str:
    refusal = each.refusals[index]
    if refusal is None:
        return '<td class="takes">takes</td>' if each.filename == chosen else '<td class="yes">yes</td>'
    name = WheelFilename.parse(each.filename)
    tag = f"{name.pythons[0]}-{name.abis[0]}-{name.platforms[0]}"
    return f'<td class="no" title="{_text(refused(refusal, tag, target))}">{_text(refusal_word(refusal))}</td>'


def _text(text: str) -> str:
    return escape(printable(text))
