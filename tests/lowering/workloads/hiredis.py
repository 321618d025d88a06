"""Parses replies of every kind, also in pieces and broken ones."""

import hiredis

reader = hiredis.Reader(encoding="utf-8")
data = "*5\r\n:42\r\n$5\r\nhällo\r\n+OK\r\n$-1\r\n*2\r\n:-9223372036854775808\r\n-ERR no\r\n".replace(
    "$5", "$6"
).encode()
for byte in data[:-1]:
    reader.feed(bytes([byte]))
    assert reader.gets() is False
reader.feed(data[-1:])
*plain, (number, error) = reader.gets()
assert plain == [42, "hällo", "OK", None]
assert number == -(2**63)
assert isinstance(error, hiredis.ReplyError)
reader = hiredis.Reader()
reader.feed(b",3.25\r\n%1\r\n+a\r\n#t\r\n(3492890328409238509324850943850943825024385\r\n")
assert reader.gets() == 3.25
assert reader.gets() == {b"a": True}
assert reader.gets() == b"3492890328409238509324850943850943825024385"
assert hiredis.pack_command(("SET", "k", 1, 2.5)) == b"*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n1\r\n$3\r\n2.5\r\n"
reader.feed(b"?broken\r\n")
try:
    reader.gets()
except hiredis.ProtocolError:
    print("works")
