"""Whether libraries load: dlopen with RTLD_NOW, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

# A child per library, forked from one interpreter: a library that crashes takes only its own process with it.
_LOADER: Final = """
import ctypes, os, sys
for path in sys.stdin.read().splitlines():
    reading, writing = os.pipe()
    if not os.fork():
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        try:
            ctypes.CDLL(path, mode=os.RTLD_NOW)
            os.write(writing, b"ok")
        except OSError as error:
            os.write(writing, str(error).encode()[:200].replace(b"\\n", b" "))
        finally:
            os._exit(0)
    os.close(writing)
    said = os.fdopen(reading).read()
    _, status = os.wait()
    print(path, said or f"died with {status}", sep="\\t", flush=True)
"""


def load_each(paths: Iterable[Path]) -> dict[Path, str]:
    """For each path "ok", or what ld.so said, or that the process died."""
    text = "".join(f"{path}\n" for path in paths)
    done = subprocess.run([sys.executable, "-c", _LOADER], input=text, capture_output=True, text=True, check=True)
    rows = (line.split("\t", 1) for line in done.stdout.splitlines())
    return {Path(path): said for path, said in rows}
