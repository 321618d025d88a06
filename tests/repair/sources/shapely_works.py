"""Areas, buffers, unions, an index of many rectangles, what GEOS says of a wrong geometry."""

import math

import numpy
import shapely
from shapely import STRtree
from shapely.geometry import LineString, Point, Polygon, box
from shapely.ops import polygonize, unary_union
from shapely.validation import explain_validity

assert shapely.geos_version >= (3, 8)
circle = Point(0, 0).buffer(1, quad_segs=64)
assert abs(circle.area - math.pi) < 0.001
half = circle.intersection(box(0, -2, 2, 2))
assert abs(half.area - circle.area / 2) < 1e-9
assert circle.contains(Point(0.5, 0.5))
assert not circle.contains(Point(1, 1))
assert abs(LineString([(0, 0), (3, 4)]).length - 5) < 1e-12
assert len(list(polygonize([[(0, 0), (1, 1)], [(1, 1), (1, 0)], [(1, 0), (0, 0)]]))) == 1
assert unary_union([box(0, 0, 1, 1), box(1, 0, 2, 1)]).equals(box(0, 0, 2, 1))
assert shapely.from_wkb(shapely.to_wkb(half)).equals(half)
assert shapely.from_wkt("POINT (1 2)").coords[0] == (1, 2)
assert "Self-intersection" in explain_validity(Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]))

boxes = shapely.box(*(numpy.arange(10000.0) + shift for shift in (0, 0, 0.5, 0.5)))
found = STRtree(boxes).query(box(100.25, 100.25, 104.75, 104.75))
assert sorted(found) == [100, 101, 102, 103, 104], found
assert abs(shapely.area(boxes).sum() - 2500) < 1e-6
# an error that GEOS throws, as a C++ exception, and shapely reports
try:
    shapely.from_wkt("POLYGON ((0 0")
except shapely.errors.GEOSException as error:
    assert "ParseException" in str(error), error
else:
    raise AssertionError("GEOS takes half a polygon")
print("works")
