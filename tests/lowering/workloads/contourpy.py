"""Contours of a cone by each algorithm, in threads too, against the circle that they are."""

import contourpy
import numpy as np

x, y = np.meshgrid(np.linspace(-2, 2, 201), np.linspace(-2, 2, 201))
z = np.hypot(x, y)
for name in ("mpl2005", "mpl2014", "serial", "threaded"):
    options = {"thread_count": 3, "chunk_count": 4} if name == "threaded" else {}
    contours = contourpy.contour_generator(x, y, z, name=name, **options)
    lines = contours.lines(1.0)
    points = np.concatenate(lines if isinstance(lines, list) and lines[0] is not None else lines[0])
    points = points if points.ndim == 2 else np.concatenate([np.asarray(p) for p in lines[0]])
    assert len(points) > 300
    assert abs(np.hypot(*points.T) - 1).max() < 1e-3, name
    filled = contourpy.convert_filled(contours.filled(0.5, 1.5), contours.fill_type, "OuterCode")
    assert filled[0], name
try:
    contourpy.contour_generator(z=z, name="serial", chunk_size=-1)
except ValueError:
    print("works")
