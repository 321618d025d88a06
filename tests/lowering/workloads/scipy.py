"""Fortran, C and C++ of many sources: integrals, equations, sparse systems, special functions, optimisation, trees."""

import numpy as np
from scipy import fft, integrate, interpolate, linalg, ndimage, optimize, signal, sparse, spatial, special, stats
from scipy.sparse import linalg as sparse_linalg

assert np.isclose(integrate.quad(lambda x: np.exp(-x * x), -np.inf, np.inf)[0], np.sqrt(np.pi))  # QUADPACK
path = integrate.solve_ivp(lambda _, y: [y[1], -y[0]], (0, 10), [0, 1], method="LSODA", rtol=1e-9, atol=1e-9)  # ODEPACK
assert np.isclose(path.y[0, -1], np.sin(10), atol=1e-6)
assert np.allclose(optimize.fmin_l_bfgs_b(optimize.rosen, [3.0, -1.0], optimize.rosen_der)[0], 1, atol=1e-3)
assert np.isclose(optimize.leastsq(lambda p: p**2 - 2, 1.0)[0], np.sqrt(2))  # MINPACK
assert np.isclose(optimize.linprog([-1, -2], [[1, 1], [1, 0]], [4, 3]).fun, -8)  # HiGHS, C++
rng = np.random.default_rng(5)
a = rng.normal(size=(60, 60))
assert np.allclose(linalg.expm(linalg.logm(a @ a.T + np.eye(60))), a @ a.T + np.eye(60))
schur, z = linalg.schur(a)
assert np.allclose(z @ schur @ z.T, a)
laplace = sparse.diags([-1, 2, -1], [-1, 0, 1], (500, 500), format="csc")
assert np.allclose(laplace @ sparse_linalg.spsolve(laplace, np.ones(500)), 1)  # SuperLU
smallest = sparse_linalg.eigsh(laplace, k=2, sigma=0)[0]  # ARPACK
assert np.allclose(smallest, 2 - 2 * np.cos(np.pi * np.array([1, 2]) / 501))
for f, at, value in (
    (special.gamma, 5.5, 52.34277778455352),
    (special.jv, (2.5, 3.0), 0.41271003219503),
    (special.erfinv, 0.5, 0.4769362762044699),
    (special.zeta, 3.0, 1.2020569031595942),
    (special.hyp2f1, (1, 2, 3, 0.5), 1.5451774444795623),
    (special.lambertw, 1.0, 0.5671432904097838),
):
    assert np.isclose(f(*np.atleast_1d(at)), value, rtol=1e-6), f
assert np.isclose(
    interpolate.splev(1.3, interpolate.splrep(np.linspace(0, 6, 60), np.sin(np.linspace(0, 6, 60)))),
    np.sin(1.3),
    atol=1e-5,
)
assert np.allclose(fft.irfft(fft.rfft(a[0])), a[0])
assert signal.convolve(a, a[:5, :5], method="direct").shape == (64, 64)
assert ndimage.label(a > 10)[1] == 0
tree = spatial.cKDTree(a)
assert (tree.query(a)[1] == np.arange(60)).all()
assert spatial.ConvexHull(rng.normal(size=(200, 2))).volume > 1  # Qhull
assert np.isclose(stats.norm.cdf(1.96), 0.9750021048517795)
print("works")
