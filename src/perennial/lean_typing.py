"""What this package uses of `typing`, without importing it.

Type checkers read these names as typing's own. At run time annotations are never evaluated (each module has
`from __future__ import annotations`), so that all of them but `NamedTuple` and `cast` are placeholders.
It is start-up that gains: importing typing takes 3 ms and each of its named tuples 0.1, of which an audit
makes some seventy; altogether 10 of the 60 ms of auditing a small wheel.
"""

from __future__ import annotations

__all__ = [
    "IO",
    "TYPE_CHECKING",
    "Any",
    "BinaryIO",
    "Final",
    "NamedTuple",
    "NoReturn",
    "Protocol",
    "Self",
    "TypeAlias",
    "TypeVar",
    "cast",
]

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import IO, Any, BinaryIO, Final, NamedTuple, NoReturn, Protocol, Self, TypeAlias, TypeVar, cast
else:
    from collections import _tuplegetter, namedtuple
    from functools import cache
    from types import FunctionType

    class _Placeholder:
        """Stands for what only type checkers look at."""

    IO = Any = BinaryIO = Final = NoReturn = Self = TypeAlias = _Placeholder

    class Protocol:
        """A class like any other: nothing here asks for `isinstance` of a protocol."""

    def TypeVar(name):  # noqa: N802 - typing's name
        return name

    def cast(_kind, value):
        return value

    class _NamedTupleType(type):
        """Makes a class with annotated fields a tuple with names, as typing's does.

        The code of `__new__` is the standard library's, compiled once for each number of fields and given the
        names of this class's; what does not depend on them is inherited, not made again.
        """

        def __new__(cls, name, bases, namespace):
            if "_fields" in namespace or any(base._fields for base in bases):
                return super().__new__(cls, name, bases, namespace)  # the class below, or one with fields already
            if "__annotate_func__" in namespace:  # PEP 749; nothing here should have to evaluate it
                raise TypeError(f"{name}: its module needs `from __future__ import annotations`")
            fields = tuple(namespace.get("__annotations__", ()))
            defaults = {field: namespace[field] for field in fields if field in namespace}
            if tuple(defaults) != fields[len(fields) - len(defaults) :]:
                raise TypeError(f"{name}: a field without a default follows one that has a default")
            if any(field.startswith("_") for field in fields):
                raise ValueError(f"{name}: a field's name starts with an underscore")
            code = _code_of_new(len(fields)).replace(co_varnames=("_cls", *fields))
            new = FunctionType(code, _GLOBALS, "__new__", tuple(defaults.values()))
            new.__qualname__ = f"{name}.__new__"
            namespace |= {field: _getter(number) for number, field in enumerate(fields)}
            namespace |= {"__new__": new, "__slots__": (), "__match_args__": fields}
            namespace |= {"_fields": fields, "_field_defaults": defaults}
            namespace.setdefault("__doc__", f"{name}({', '.join(fields)})")
            return super().__new__(cls, name, bases, namespace)

    _GLOBALS = {"_tuple_new": tuple.__new__, "__builtins__": {}}

    @cache
    def _getter(number):
        return _tuplegetter(number, f"Alias for field number {number}")

    @cache
    def _code_of_new(count):
        fields = [f"field{number}" for number in range(count)]
        return namedtuple("NamedTuple", fields).__new__.__code__  # noqa: PYI024 - typing's stands here in its place

    class NamedTuple(tuple, metaclass=_NamedTupleType):
        """typing.NamedTuple: the same values, with the same methods. A class that is derived from one with fields
        adds none, as with typing's; bases other than these are not for it.
        """

        __slots__ = ()
        _fields = ()
        _field_defaults = {}  # noqa: RUF012 - typing's name and type

        @classmethod
        def _make(cls, iterable):
            values = tuple(iterable)
            if len(values) != len(cls._fields):
                raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(values)}")
            return tuple.__new__(cls, values)

        def _replace(self, /, **changes):
            replaced = self._make(map(changes.pop, self._fields, self))
            if changes:
                raise ValueError(f"Got unexpected field names: {list(changes)!r}")
            return replaced

        __replace__ = _replace  # copy.replace, from Python 3.13 on

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self):
            fields = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
            return f"{type(self).__name__}({fields})"

        def __getnewargs__(self):
            return tuple(self)
