"""Quoting, adaptation, a failed connection: all of it goes through libpq. No server is needed."""

import decimal
import hashlib
import os

import psycopg2
import psycopg2.extensions
from psycopg2 import _psycopg

assert psycopg2.extensions.libpq_version() >= 90000, psycopg2.extensions.libpq_version()
assert psycopg2.__libpq_version__ >= 90000

# libpq's own parser of connection strings, and its defaults
parsed = psycopg2.extensions.parse_dsn("host=demo port=5433 user='two words' options='-c a=b'")
assert parsed == {"host": "demo", "port": "5433", "user": "two words", "options": "-c a=b"}, parsed
assert psycopg2.extensions.parse_dsn("postgresql://me@[::1]:99/db?sslmode=require")["sslmode"] == "require"
try:
    psycopg2.extensions.parse_dsn("nonsense=1")
except psycopg2.ProgrammingError as error:
    assert 'invalid connection option "nonsense"' in str(error), error
else:
    raise AssertionError("libpq takes a nonsensical option")

# a hash that libpq computes
encrypted = psycopg2.extensions.encrypt_password("secret", "me", None, "md5")
assert encrypted == "md5" + hashlib.md5(b"secretme").hexdigest(), encrypted

adapted = psycopg2.extensions.adapt
assert adapted("it's").getquoted() == b"'it''s'"
assert adapted(decimal.Decimal("1.50")).getquoted() == b"1.50"
assert adapted([1, None, "x"]).getquoted() == b"ARRAY[1,NULL,'x']"
assert psycopg2.Binary(bytes(range(4))).getquoted().startswith(b"'\\")
assert _psycopg.INTEGER("42", None) == 42

# a socket that nobody listens on: libpq says so, in its words
try:
    psycopg2.connect(host="/nowhere", user="me", connect_timeout=2)
except psycopg2.OperationalError as error:
    assert "/nowhere/.s.PGSQL.5432" in str(error), error
else:
    raise AssertionError("there is a server in /nowhere")

# with TLS, libssl starts; nobody listens there either
try:
    psycopg2.connect(host="127.0.0.1", port=1, user="me", sslmode="require", sslrootcert=os.devnull, connect_timeout=2)
except psycopg2.OperationalError as error:
    assert "Connection refused" in str(error), error
else:
    raise AssertionError("there is a server on port 1")
print("works")
