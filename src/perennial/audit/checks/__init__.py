"""The rules. Adding one takes a module here, its line below, a test and a page.

A module has `RULE` and one or both of

- `check(content)`, which looks at the wheel's bytes and never at what is asked of it; its
  findings may defeat every tag;
- `check_claims(judgement)`, which holds the honest tag against the promised ones.

The order here is that of the documentation; reports sort by severity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from perennial.audit.checks import (
    captures_shared_library,
    dead_tag,
    elf_in_purelib,
    executable_stack,
    host_library_may_be_missing,
    isa_level_above_baseline,
    library_loaded_by_name,
    library_not_provided,
    links_libpython,
    malformed_elf,
    pyfpe_symbols,
    record_extra_entry,
    record_mismatch,
    record_missing_member,
    relr_undeclared,
    rpath_outside_wheel,
    soname_not_unique,
    stale_version_need,
    symbol_not_provided,
    symlink_member,
    text_relocations,
    too_new_symbol_version,
    ucs2_symbols,
    unresolvable_bundled_library,
    unresolved_symbol,
    wheel_tags_differ,
    wrong_architecture,
    wrong_libc,
)
from perennial.audit.context import Content, Judgement
from perennial.finding import Finding, Rule
from perennial.lean_typing import Final

_MODULES: Final = (
    too_new_symbol_version,
    symbol_not_provided,
    library_not_provided,
    host_library_may_be_missing,
    unresolvable_bundled_library,
    unresolved_symbol,
    stale_version_need,
    links_libpython,
    wrong_architecture,
    wrong_libc,
    executable_stack,
    relr_undeclared,
    text_relocations,
    isa_level_above_baseline,
    pyfpe_symbols,
    ucs2_symbols,
    malformed_elf,
    rpath_outside_wheel,
    soname_not_unique,
    library_loaded_by_name,
    captures_shared_library,
    elf_in_purelib,
    dead_tag,
    wheel_tags_differ,
    record_missing_member,
    record_extra_entry,
    record_mismatch,
    symlink_member,
)

RULES: Final[dict[str, Rule]] = {module.RULE.id: module.RULE for module in _MODULES}

CONTENT_CHECKS: Final[tuple[Callable[[Content], Iterator[Finding]], ...]] = (
    library_not_provided.check,
    unresolvable_bundled_library.check,
    unresolved_symbol.check,
    stale_version_need.check,
    links_libpython.check,
    wrong_architecture.check,
    wrong_libc.check,
    executable_stack.check,
    relr_undeclared.check,
    text_relocations.check,
    isa_level_above_baseline.check,
    pyfpe_symbols.check,
    ucs2_symbols.check,
    malformed_elf.check,
    rpath_outside_wheel.check,
    soname_not_unique.check,
    library_loaded_by_name.check,
    captures_shared_library.check,
    elf_in_purelib.check,
    wheel_tags_differ.check,
    record_missing_member.check,
    record_extra_entry.check,
    record_mismatch.check,
    symlink_member.check,
)

CLAIM_CHECKS: Final[tuple[Callable[[Judgement], Iterator[Finding]], ...]] = (
    too_new_symbol_version.check_claims,
    symbol_not_provided.check_claims,
    library_not_provided.check_claims,
    host_library_may_be_missing.check_claims,
    wrong_architecture.check_claims,
    wrong_libc.check_claims,
    dead_tag.check_claims,
)
