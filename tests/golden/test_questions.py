"""What `perennial explain` answers to real questions, whole, against the files in questions/.

`pytest tests/golden --update-golden` writes them anew; then read each: would a person who knows say it so?
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from perennial.cli.main import main
from tests.golden.conftest import wants_update
from tests.golden.question_cases import QUESTIONS
from tests.golden.test_reports import compare
from tests.support.index_server import IndexServer

ANSWERS: Final = Path(__file__).parent / "questions"


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[IndexServer]:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    with IndexServer() as server:
        monkeypatch.setenv("PIP_INDEX_URL", server.url)
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        yield server


@pytest.mark.parametrize("name", QUESTIONS)
def test_question(
    name: str,
    tmp_path: Path,
    index: IndexServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    question = QUESTIONS[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERENNIAL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PERENNIAL_DATA_DIR", str(tmp_path / "data"))
    if question.build is not None:
        question.build(tmp_path)
    for filename, requires_python in question.offered:
        index.add_wheel(filename, requires_python=requires_python)
    options = [*question.options, *(["--no-audit"] if question.offered else [])]
    code = main(["explain", question.name, *options])
    written = capsys.readouterr()
    assert written.err == ""
    assert all(word in written.out for word in question.says), written.out
    command = shlex.join(["perennial", "explain", question.name, *options])
    text = f"{question.thread}: {question.asks}\n\n$ {command}\n{written.out}[exit code {code}]\n"
    compare(ANSWERS / f"{name}.txt", text, update=wants_update(request.config))


def test_no_answer_is_left_over() -> None:
    assert {path.stem for path in ANSWERS.iterdir()} == set(QUESTIONS)


def test_questions_come_from_threads() -> None:
    assert len({question.thread for question in QUESTIONS.values()}) >= 20
    assert all(question.thread.count("/") == 1 and "#" in question.thread for question in QUESTIONS.values())


def test_no_line_is_longer_than_a_screen_can_hold() -> None:
    """Somebody reads this at two in the morning: a sentence, and not a paragraph, a line."""
    for path in ANSWERS.iterdir():
        for line in path.read_text(encoding="utf-8").splitlines():
            assert len(line) <= 260, (path.name, line)
