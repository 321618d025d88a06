"""Switches between stacks, many at once and in threads, and lets exceptions cross them."""

import threading

from greenlet import GreenletExit, getcurrent, greenlet

seen = []


def ping(value):
    for _ in range(3):
        seen.append(value)
        value = other.switch(value + 1)


def pong(value):
    while True:
        seen.append(-value)
        value = first.switch(value + 1)


first, other = greenlet(ping), greenlet(pong)
first.switch(1)
assert seen == [1, -2, 3, -4, 5, -6]


def deep(n):
    return getcurrent().parent.switch(n) if n == 0 else deep(n - 1)


stacks = [greenlet(deep) for _ in range(200)]
assert [each.switch(n) for n, each in enumerate(stacks)] == [0] * 200
assert [each.switch(n) for n, each in enumerate(stacks)] == list(range(200))
assert all(each.dead for each in stacks)


def fails():
    raise KeyError("across")


try:
    greenlet(fails).switch()
except KeyError as error:
    assert error.args == ("across",)

results = []


def in_thread():
    child = greenlet(lambda x: getcurrent().parent.switch(x * 2))
    results.append(child.switch(21))
    child.throw(GreenletExit)


threads = [threading.Thread(target=in_thread) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert results == [42] * 8
print("works")
