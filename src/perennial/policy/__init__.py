"""Policies: what a platform tag lets a wheel assume, derived from the releases it promises to run on."""

from __future__ import annotations

from perennial.policy.derive import Policies, policies
from perennial.policy.policy import Limit, Policy, Provision

__all__ = ["Limit", "Policies", "Policy", "Provision", "policies"]
