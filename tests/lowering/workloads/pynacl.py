"""Boxes, signatures, password hashes and known answers of libsodium."""

import nacl.bindings
import nacl.exceptions
import nacl.hash
import nacl.public
import nacl.pwhash
import nacl.secret
import nacl.signing
import nacl.utils
from nacl.encoding import HexEncoder, RawEncoder

assert nacl.hash.sha256(b"abc").startswith(b"ba7816bf8f01cfea414140de5dae2223")
assert nacl.hash.blake2b(b"", digest_size=64).startswith(b"786a02f742015903c6c6fd852552d272")
seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
signer = nacl.signing.SigningKey(seed)
assert signer.sign(b"", encoder=HexEncoder).signature.startswith(b"e5564300c360ac729086e2cc806e828a")
box = nacl.secret.SecretBox(nacl.utils.random(32))
assert box.decrypt(box.encrypt(b"text" * 1000)) == b"text" * 1000
alice, bob = nacl.public.PrivateKey.generate(), nacl.public.PrivateKey.generate()
sealed = nacl.public.Box(alice, bob.public_key).encrypt(b"for bob")
assert nacl.public.Box(bob, alice.public_key).decrypt(sealed) == b"for bob"
hashed = nacl.pwhash.argon2id.str(b"secret", opslimit=1, memlimit=8192)
assert nacl.pwhash.verify(hashed, b"secret")
key = nacl.pwhash.argon2i.kdf(32, b"password", b"saltsaltsaltsalt", opslimit=3, memlimit=8192, encoder=RawEncoder)
assert len(set(key)) > 10
try:
    signer.verify_key.verify(signer.sign(b"message")[:-1] + b"?")
except nacl.exceptions.BadSignatureError:
    print("works")
