"""Declares, adapts and verifies, by the C extension."""

from zope.interface import Attribute, Interface, implementer, verify
from zope.interface import _zope_interface_coptimizations as compiled
from zope.interface.adapter import AdapterRegistry
from zope.interface.interface import SpecificationBase

assert SpecificationBase is compiled.SpecificationBase


class Shape(Interface):
    sides = Attribute("how many")

    def area(unit):
        """In squares of a unit."""


class Square(Shape):
    pass


@implementer(Square)
class Real:
    sides = 4

    def area(self, unit):
        return 1 / unit**2


assert Shape.providedBy(Real()) and Square.implementedBy(Real) and Shape.isOrExtends(Interface)
assert verify.verifyObject(Square, Real())
registry = AdapterRegistry()
registry.register([Shape], Interface, "name", len)
assert registry.lookup([Square], Interface, "name") is len
assert registry.lookup([Interface], Interface, "name") is None
assert registry.queryMultiAdapter([[1, 2]], Interface, "name") is None
try:
    Square(object())
except TypeError:
    print("works")
