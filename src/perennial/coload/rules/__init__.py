"""The rules, one module each."""

from __future__ import annotations

from typing import Final

from perennial.coload.conflict import PairRule
from perennial.coload.rules import (
    captured_shared_library,
    global_namespace,
    library_replaced,
    split_allocator,
    split_shared_state,
    unique_symbol_differs,
)

PAIR_RULES: Final[tuple[PairRule, ...]] = (
    split_shared_state,
    split_allocator,
    unique_symbol_differs,
    library_replaced,
    global_namespace,
    captured_shared_library,
)
