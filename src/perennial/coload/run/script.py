"""What runs in a process under test: imports and snippets, one after the other.

It is the text of a Python program of any version from 3.4 on, so that old wheels run with the Python
they were made for. The plan comes as a JSON file; at each step the program writes a line to a second
file, by which it is known where a process was that has crashed.

For wheels the interpreter is started with -I -S: no environment, no folder of the user, and nothing that is
installed beside it. Only the folder that perennial has unpacked wheels into is added, with its .pth
files. For what an interpreter has itself it is started with -I, and finds that by itself; in a copy of it, the
copy's folders take the places of its own.
"""

from __future__ import annotations

from perennial.lean_typing import Final

SCRIPT: Final = r"""
import sys
plan_path, status_path = sys.argv[1], sys.argv[2]
del sys.argv[1:]

import faulthandler
faulthandler.enable()

import os
status = os.open(status_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

def tell(what, text):
    os.write(status, (what + "\t" + " ".join(text.split()) + "\n").encode("utf-8", "backslashreplace"))

import json
with open(plan_path, "rb") as file:
    plan = json.loads(file.read().decode("utf-8"))
if plan["traceback_after"]:
    faulthandler.dump_traceback_later(plan["traceback_after"])

import resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

if plan["own"]:
    copies = dict(zip(map(os.path.realpath, plan["own"]), plan["sites"]))
    sys.path[:] = [copies.get(os.path.realpath(path), path) for path in sys.path]
else:
    import site
    for path in plan["sites"]:
        site.addsitedir(path)
        sys.path.remove(path)
        sys.path.insert(0, path)

failed = 0
try:
    for kind, name, text in plan["steps"]:
        tell("step", kind + " " + name)
        if kind == "load":
            import ctypes
            ctypes.CDLL(name)  # RTLD_LOCAL
        elif kind == "import":
            __import__(name)
        else:
            exec(compile(text, "<smoke " + name + ">", "exec"), {"__name__": "__main__"})
    tell("step", "end of the process")
    tell("done", "")
except BaseException as error:
    import traceback
    frames = traceback.extract_tb(sys.exc_info()[2])
    tell("error", type(error).__name__ + ": " + str(error))
    for frame in reversed(frames[1:]):
        tell("frame", "%s:%d in %s" % tuple(frame[:3]))
    traceback.print_exc()
    failed = 1
sys.exit(failed)
"""
