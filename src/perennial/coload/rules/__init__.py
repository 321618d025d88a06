"""The rules, one module each: those about one package after another, and those about one in the interpreter."""

from __future__ import annotations

from perennial.coload.conflict import AloneRule, PairRule
from perennial.coload.rules import (
    captured_shared_library,
    executable_stack,
    global_namespace,
    interpreter_shadows,
    leaked_unwinder,
    library_replaced,
    mixed_cxx11_abi,
    several_libstdcxx,
    several_openmp_runtimes,
    shared_openssl,
    shared_protobuf,
    split_allocator,
    split_shared_state,
    static_tls_exhausted,
    unique_symbol_differs,
)
from perennial.finding import Rule
from perennial.lean_typing import Final

PAIR_RULES: Final[tuple[PairRule, ...]] = (
    split_shared_state,
    split_allocator,
    unique_symbol_differs,
    library_replaced,
    global_namespace,
    mixed_cxx11_abi,
    shared_protobuf,
    shared_openssl,
    static_tls_exhausted,
    leaked_unwinder,
    captured_shared_library,
    several_libstdcxx,
    several_openmp_runtimes,
)

ALONE_RULES: Final[tuple[AloneRule, ...]] = (
    static_tls_exhausted,
    executable_stack,
    leaked_unwinder,
    interpreter_shadows,
)

# In the order of the documentation
RULES: Final[dict[str, Rule]] = {rule.RULE.id: rule.RULE for rule in PAIR_RULES} | {
    rule.RULE.id: rule.RULE for rule in ALONE_RULES
}
