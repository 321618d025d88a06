"""How hypothesis runs: the same examples every time where the environment variable CI is set."""

from __future__ import annotations

import os

from hypothesis import settings

# Deadlines measure the machine, not the code: what must be fast has limits of its own.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
