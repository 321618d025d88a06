"""Facts about distribution releases: which C library, which version nodes, which dates."""

from __future__ import annotations

from perennial.knowledge.knowledge import Knowledge, load_knowledge
from perennial.knowledge.release import DistributionRelease

__all__ = ["DistributionRelease", "Knowledge", "load_knowledge"]
