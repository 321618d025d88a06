"""Known hashes of bcrypt and of its key derivation."""

import bcrypt

known = b"$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm"
hashed = bcrypt.hashpw(b"U*U", b"$2a$05$CCCCCCCCCCCCCCCCCCCCC.")
assert hashed == b"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
assert len(known) == 60 and not bcrypt.checkpw(b"not this", known)
fresh = [bcrypt.hashpw(b"secret", bcrypt.gensalt(4)) for _ in range(4)]
assert len(set(fresh)) == 4
assert all(bcrypt.checkpw(b"secret", each) for each in fresh)
key = bcrypt.kdf(password=b"password", salt=b"salt", desired_key_bytes=32, rounds=4, ignore_few_rounds=True)
assert key.hex() == "5bbf0cc293587f1c3635555c27796598d47e579071bf427e9d8fbe842aba34d9"
print("works")
