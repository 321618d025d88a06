"""Asks for processes, memory, disks and limits, and compares with what /proc and os say."""

import os
import pathlib

import psutil

own = psutil.Process()
assert own.pid == os.getpid()
assert own.ppid() == os.getppid()
assert own.cmdline()[0].endswith("python3.13")
assert own.memory_info().rss > 1 << 20
assert len(own.cpu_affinity()) == len(os.sched_getaffinity(0))
assert own.nice() == os.nice(0)
with open("/dev/null") as file:
    assert own.num_fds() >= 4, file
assert own.rlimit(psutil.RLIMIT_NOFILE)[0] > 0
assert abs(own.create_time() - psutil.boot_time()) >= 0
total = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) * 1024
assert psutil.virtual_memory().total == total
assert psutil.swap_memory().used >= 0
assert psutil.disk_usage("/").total == os.statvfs("/").f_blocks * os.statvfs("/").f_frsize
assert psutil.cpu_count() == os.cpu_count()
assert sum(psutil.cpu_times()) > 0
assert own.ionice() is not None
assert isinstance(psutil.users(), list)
assert "lo" in psutil.net_if_addrs()
print("works")
