"""Hashes, ciphers, keys and certificates with known answers; then TLS, both ends in this process."""

import contextlib
import datetime
import hashlib
import ipaddress
import os
import ssl

# OpenSSL as a library of its own looks for old algorithms in a folder of the system that it was built for.
os.environ["CRYPTOGRAPHY_OPENSSL_NO_LEGACY"] = "1"
from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto

data = bytes(range(256)) * 400
for algorithm in (hashes.SHA1(), hashes.SHA256(), hashes.SHA512(), hashes.SHA3_256(), hashes.BLAKE2b(64)):
    digest = hashes.Hash(algorithm)
    for start in range(0, len(data), 1000):
        digest.update(data[start : start + 1000])
    assert digest.finalize() == hashlib.new(algorithm.name.replace("-", "_"), data).digest(), algorithm.name
key = Scrypt(salt=b"NaCl", length=64, n=1024, r=8, p=16).derive(b"password")
assert key.hex().startswith("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162")
for cipher in (AESGCM(bytes(32)), ChaCha20Poly1305(bytes(32))):
    sealed = cipher.encrypt(bytes(12), data, b"with")
    assert cipher.decrypt(bytes(12), sealed, b"with") == data
    try:
        cipher.decrypt(bytes(12), sealed, b"without")
        raise AssertionError("forged")
    except InvalidTag:
        pass
assert AESGCM(bytes(16)).encrypt(bytes(12), bytes(16), None).hex().startswith("0388dace60b6a392f328c2b971b2fe78")
assert Fernet(Fernet.generate_key()).encrypt(data)

signer = ed25519.Ed25519PrivateKey.from_private_bytes(
    bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
)
assert signer.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")
alice, bob = x25519.X25519PrivateKey.generate(), x25519.X25519PrivateKey.generate()
assert alice.exchange(bob.public_key()) == bob.exchange(alice.public_key())
rsa_key = rsa.generate_private_key(65537, 2048)
pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
signature = rsa_key.sign(data, pss, hashes.SHA256())
rsa_key.public_key().verify(signature, data, pss, hashes.SHA256())
try:
    rsa_key.public_key().verify(signature, data[1:], pss, hashes.SHA256())
    raise AssertionError("forged")
except InvalidSignature:
    pass

ec_key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "perennial")])
now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
alternative = x509.SubjectAlternativeName(
    [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
)
builder = x509.CertificateBuilder(
    name, name, ec_key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(1)
)
certificate = (
    builder.add_extension(alternative, critical=False)
    .add_extension(x509.BasicConstraints(True, None), True)
    .sign(ec_key, hashes.SHA256())
)
pem = certificate.public_bytes(serialization.Encoding.PEM)
assert (
    x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    == alternative
)
private = ec_key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"pw")
)
assert serialization.load_pem_private_key(private, b"pw").private_numbers() == ec_key.private_numbers()


def server_context(method):
    context = SSL.Context(method)
    context.use_privatekey(crypto.PKey.from_cryptography_key(ec_key))
    context.use_certificate(crypto.X509.from_cryptography(certificate))
    return context


def pump(source, target):
    with contextlib.suppress(SSL.WantReadError):
        target.bio_write(source.bio_read(1 << 20))


def ready(attempt):
    try:
        attempt()
    except (SSL.WantReadError, ssl.SSLWantReadError):
        return False
    return True


# both ends by this OpenSSL
for method in (SSL.TLSv1_2_METHOD, SSL.TLS_METHOD):
    context = SSL.Context(method)
    context.get_cert_store().add_cert(crypto.X509.from_cryptography(certificate))
    context.set_verify(SSL.VERIFY_PEER)
    server, client = SSL.Connection(server_context(method), None), SSL.Connection(context, None)
    server.set_accept_state()
    client.set_connect_state()
    client.set_tlsext_host_name(b"localhost")
    done = set()
    for _ in range(10):
        for end, other in ((client, server), (server, client)):
            if ready(end.do_handshake):
                done.add(end)
            pump(end, other)
    assert done == {client, server}
    assert client.get_peer_certificate().to_cryptography() == certificate
    received = b""
    for start in range(0, len(data), 8000):
        client.sendall(data[start : start + 8000])
        pump(client, server)
        received += server.recv(1 << 16)
    assert received == data

# the other end by the interpreter's own OpenSSL, in the same process, which checks the certificate and the name
context = ssl.create_default_context(cadata=pem.decode())
to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
client = context.wrap_bio(to_client, to_server, server_hostname="localhost")
server = SSL.Connection(server_context(SSL.TLS_METHOD), None)
server.set_accept_state()
for _ in range(10):
    agreed = ready(client.do_handshake)
    if to_server.pending:
        server.bio_write(to_server.read())
    accepted = ready(server.do_handshake)
    if server.want_read() or accepted:
        with contextlib.suppress(SSL.WantReadError):
            to_client.write(server.bio_read(1 << 20))
    if agreed and accepted:
        break
assert client.version() == "TLSv1.3" == server.get_protocol_version_name()
server.sendall(b"from one OpenSSL to the other")
to_client.write(server.bio_read(1 << 20))
assert client.read() == b"from one OpenSSL to the other"
print("works")
