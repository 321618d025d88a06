"""Three C++ packages in one process, each lowered in another way: exceptions, threads and their libstdc++.

The order of imports is the argument. Each works as it does alone while the others do, and the libstdc++ of each is the
one that it came with, or the system's.
"""

import importlib
import pathlib
import re
import sys
import threading

ORDER = sys.argv[1].split(",")
for name in ORDER:
    importlib.import_module(name)

import contourpy
import greenlet
import kiwisolver
import numpy as np

failures = []


def of_kiwisolver(n):
    x = kiwisolver.Variable("x")
    solver = kiwisolver.Solver()
    solver.addConstraint(x == n)
    try:
        solver.addConstraint(x == n + 1)
    except kiwisolver.UnsatisfiableConstraint:
        solver.updateVariables()
        return x.value() == n
    return False


def of_contourpy(n):
    try:
        contourpy.contour_generator(z=np.eye(3), name="serial", chunk_size=-1)
    except ValueError:
        z = np.add.outer(np.arange(10.0), np.zeros(10))
        line = contourpy.contour_generator(z=z, name="serial").lines(n % 8 + 0.5)[0]
        return (line[:, 1] == n % 8 + 0.5).all()
    return False


def of_greenlet(n):
    def fails():
        raise KeyError(n)

    try:
        greenlet.greenlet(fails).switch()
    except KeyError as error:
        (caught,) = error.args
        return greenlet.greenlet(lambda: caught).switch() == n
    return False


def work(tasks):
    for n in range(200):
        for task in tasks:
            if not task(n):
                failures.append((task.__name__, n))


tasks = [of_kiwisolver, of_contourpy, of_greenlet]
threads = [threading.Thread(target=work, args=(tasks[at:] + tasks[:at],)) for at in (0, 1, 2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failures, failures[:5]
maps = pathlib.Path("/proc/self/maps").read_text()
print(*sorted(set(re.findall(r"/(\S*libstdc\+\+\S*)", maps))))
print("works")
