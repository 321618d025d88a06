"""How C++ code that protoc has generated registers its messages, as far as symbols show it.

Each `.pb.cc` has a table, and an initializer that hands it to the library when the file is loaded
(protobuf, `src/google/protobuf/compiler/cpp/file.cc`, GenerateReflectionInitializationCode).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from perennial.lean_typing import Final

# What the initializers call, up to protobuf 3.8 and since then
REGISTERING: Final = frozenset(
    {
        "_ZN6google8protobuf14DescriptorPool24InternalAddGeneratedFileEPKvi",
        "_ZN6google8protobuf8internal14AddDescriptorsEPKNS1_15DescriptorTableE",
        "_ZN6google8protobuf8internal20AddDescriptorsRunnerC1EPKNS1_15DescriptorTableE",
        "_ZN6google8protobuf8internal20AddDescriptorsRunnerC2EPKNS1_15DescriptorTableE",
    }
)
_TABLE: Final = "descriptor_table_"


def is_library(soname: str) -> bool:
    """Whether generated code may be linked with it: libprotobuf.so.32, not libprotobuf-lite.so.32."""
    return soname.startswith("libprotobuf.so")


def tables(symbols: Iterable[str]) -> frozenset[str]:
    """Those that are tables of a file of messages."""
    return frozenset(symbol for symbol in symbols if symbol.startswith(_TABLE))


def file_of(table: str) -> str:
    """The .proto file: `descriptor_table_a_2fb_2eproto` is that of a/b.proto (FilenameIdentifier in helpers.cc)."""
    return re.sub(r"_([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), table.removeprefix(_TABLE))
