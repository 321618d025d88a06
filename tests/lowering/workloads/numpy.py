"""Arithmetic of every kind, linear algebra by LAPACK's Fortran, transforms, random numbers, text, files."""

import io

import numpy as np

rng = np.random.default_rng(1)
assert rng.integers(1 << 30, size=3).tolist() == np.random.default_rng(1).integers(1 << 30, size=3).tolist()
a = rng.normal(size=(120, 120))
assert np.allclose(a @ np.linalg.inv(a), np.eye(120), atol=1e-8)
u, s, v = np.linalg.svd(a)
assert np.allclose(u * s @ v, a)
w, vectors = np.linalg.eigh(a + a.T)
assert np.allclose(vectors @ np.diag(w) @ vectors.T, a + a.T)
assert np.isclose(np.prod(s), abs(np.linalg.det(a)))
complex_values = np.linalg.eigvals(a)
assert np.isclose(complex_values.sum(), np.trace(a))
assert np.allclose(np.fft.ifft(np.fft.fft(a)), a)
assert np.allclose(np.linalg.lstsq(a, a @ np.arange(120.0), rcond=None)[0], np.arange(120))
x = np.linspace(0.1, 3, 1000)
for f, g in (
    (np.exp, np.log),
    (np.sinh, np.arcsinh),
    (np.cbrt, lambda y: y**3),
    (np.sqrt, np.square),
    (np.expm1, np.log1p),
):
    for kind in (np.float32, np.float64, np.longdouble):
        assert np.allclose(g(f(x.astype(kind))), x, rtol=1e-5), (f, kind)
assert np.allclose(np.hypot(3 * x, 4 * x), 5 * x)
assert np.float32("1e-45") > 0
assert np.longdouble("0.1") * 10 == 1 and np.longdouble("0.1") != 0.1
assert np.fmod(-7, 3) == -1 and np.remainder(-7, 3) == 2
assert np.lexsort((a[0], a[1].round())).shape == (120,)
assert np.char.upper(np.array(["ä", "bc"])).tolist() == ["Ä", "BC"]
with io.BytesIO() as file:
    np.savez_compressed(file, a=a, t=np.array(["2020-01-02"], "M8[D]"))
    file.seek(0)
    loaded = np.load(file)
    assert (loaded["a"] == a).all() and str(loaded["t"][0]) == "2020-01-02"
with np.errstate(all="raise"):
    try:
        np.float64(1) / np.float64(0)
    except FloatingPointError:
        print("works")
