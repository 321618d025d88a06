"""Files with compressed, chunked, structured and variable-length data, read back from memory and from a disk."""

import io
import tempfile

import h5py
import numpy as np

data = np.random.default_rng(1).normal(size=(200, 300))
buffer = io.BytesIO()
with h5py.File(buffer, "w") as file:
    for name, options in {
        "plain": {},
        "gzip": {"compression": "gzip", "shuffle": True},
        "lzf": {"compression": "lzf"},
    }.items():
        file.create_dataset(name, data=data, chunks=(50, 60), fletcher32=True, **options)
    group = file.create_group("some/where")
    group.attrs["note"] = "ä€"
    group["text"] = np.array(["one", "zwei"], dtype=h5py.string_dtype())
    group["records"] = np.array([(1, 2.5), (3, -1.0)], dtype=[("n", "i4"), ("x", "f8")])
    group["grows"] = h5py.SoftLink("/gzip")
with h5py.File(io.BytesIO(buffer.getvalue()), "r") as file:
    for name in ("plain", "gzip", "lzf", "some/where/grows"):
        assert (file[name][10:20, ::7] == data[10:20, ::7]).all()
    assert file["some/where"].attrs["note"] == "ä€"
    assert file["some/where/text"].asstr()[1] == "zwei"
    assert file["some/where/records"]["x"].tolist() == [2.5, -1.0]
with tempfile.NamedTemporaryFile(suffix=".h5") as disk, h5py.File(disk.name, "w") as file:
    file["a"] = np.arange(10)
    assert file["a"][-1] == 9
try:
    h5py.File(io.BytesIO(b"nothing of the kind"), "r")
except OSError:
    print("works")
