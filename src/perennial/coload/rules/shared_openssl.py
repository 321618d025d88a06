"""Two packages use one copy of OpenSSL, or one uses the other's BoringSSL for its OpenSSL."""

from __future__ import annotations

import re
from collections.abc import Iterator

from perennial.coload.conflict import Conflict, name_of
from perennial.coload.imports import Pair
from perennial.coload.rules.crossings import crossing_changes, links_of, severity_of
from perennial.finding import Rule
from perennial.lean_typing import Final

RULE: Final = Rule(
    "shared-openssl",
    "A package uses another package's OpenSSL",
    "OpenSSL, BoringSSL and their versions have functions of the same names and structures of different layout: "
    "handshakes fail or the process crashes, long after the import.",
)

_SYMBOL: Final = re.compile(
    r"^(?:SSL|EVP|CRYPTO|ERR|OPENSSL|BIO|RAND|X509|RSA|EC|ENGINE|PEM|ASN1|BN|HMAC|SHA\d*|AES)_[A-Za-z0-9_]+$"
)


def find(pair: Pair) -> Iterator[Conflict]:
    changes = crossing_changes(pair, lambda symbol: _SYMBOL.match(symbol) is not None)
    if not changes:
        return
    worst = changes[0].together
    first, second = pair.first.package.name, pair.second.package.name
    provider = name_of(worst.provider or worst.asker)
    yield Conflict(
        rule=RULE.id,
        severity=severity_of(pair, changes),
        order=(first, second),
        symbol=worst.reference.name,
        bindings=tuple(links_of(pair, changes)),
        message=(
            f"{len(changes)} references of {second} to OpenSSL lead to {provider}, which is another build than its "
            f"own: {worst.reference.name} among them"
        ),
        remedy=(
            f"{first}: hide OpenSSL's symbols (-Wl,--exclude-libs,ALL), or give the bundled library a unique soname "
            "and do not load it with RTLD_GLOBAL"
        ),
    )
