"""The option that rewrites the goldens: `pytest tests/golden --update-golden`, and then look at the diff."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", default=False, help="write the goldens anew")


def wants_update(config: pytest.Config) -> bool:
    """Where pytest was not pointed at this folder, it reads this file too late to know the option: then no."""
    return bool(config.getoption("--update-golden", default=False))
