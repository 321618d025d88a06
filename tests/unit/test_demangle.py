"""C++ names for people."""

from __future__ import annotations

import pytest

from perennial.report.demangle import demangle, demangle_words


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("memcpy", "memcpy"),
        ("_ZdlPvm", "operator delete(void*, unsigned long)"),
        ("_Z1f1AIiiES_IS0_S0_E", "f(A<int, int>, A<A<int, int>, A<int, int>>)"),
        ("_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int>>::push_back(int&&)"),
        ("_Zx", "_Zx"),
        ("_Z", "_Z"),
    ],
)
def test_names(symbol: str, name: str) -> None:
    assert demangle(symbol) == name
    assert demangle_words(f"needs {symbol}@V from x") == f"needs {name}@V from x"


@pytest.mark.parametrize("count", [20, 36])
def test_a_short_name_cannot_stand_for_millions(count: int) -> None:
    """Each argument holds two of the one before: 20 of them took half a minute, and each further one twice that."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    arguments = ["1AIiiE", *(f"S_I{f'S{digit}_' * 2}E" for digit in digits[: count - 1])]
    symbol = f"_Z1f{''.join(arguments)}"
    assert demangle(symbol) == symbol
