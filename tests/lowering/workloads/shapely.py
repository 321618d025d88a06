"""Buffers, overlays, predicates and both text forms of geometries; exceptions out of GEOS."""

import math

import numpy as np
import shapely
from shapely import Point, Polygon, STRtree, box, wkb, wkt

disk = Point(0, 0).buffer(1, quad_segs=64)
assert math.isclose(disk.area, math.pi, rel_tol=1e-3)
square = box(0, 0, 2, 2)
assert math.isclose(disk.intersection(square).area, math.pi / 4, rel_tol=1e-3)
assert math.isclose(disk.union(square).area, disk.area + 4 - disk.area / 4, rel_tol=1e-9)
assert wkt.loads(square.wkt).equals(square) and wkb.loads(square.wkb).equals(square)
assert wkt.dumps(Point(1 / 3, -1e-5), rounding_precision=6) == "POINT (0.333333 -0.000010)"
grid = shapely.points(*np.meshgrid(np.arange(50.0), np.arange(50.0)))
assert shapely.contains(Point(25, 25).buffer(10.5), grid).sum() == sum(
    (x - 25) ** 2 + (y - 25) ** 2 <= 110 for x in range(50) for y in range(50)
)
tree = STRtree(grid.ravel())
assert len(tree.query(box(9.5, 9.5, 19.5, 14.5))) == 50
assert shapely.is_valid_reason(Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])).startswith("Self-intersection")
assert len(shapely.voronoi_polygons(shapely.MultiPoint([(0, 0), (1, 0), (0, 1), (1, 1)])).geoms) == 4
try:
    wkt.loads("POINT (1")
except shapely.errors.ShapelyError:
    print("works")
