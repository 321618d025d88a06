"""Sphinx: `sphinx-build -W --keep-going -b html docs docs/_build`."""

import re
from pathlib import Path

_init = (Path(__file__).parent.parent / "src/perennial/__init__.py").read_text(encoding="utf-8")

project = "perennial"
author = "The perennial developers"
copyright = "The perennial developers"
release = re.search(r'^__version__ = "(.*)"$', _init, re.MULTILINE)[1]
version = release

extensions = ["myst_parser"]
exclude_patterns = ["_build", "requirements.txt"]
html_theme = "furo"
html_title = f"perennial {release}"
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]
nitpicky = True
