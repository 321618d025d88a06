"""One distribution release, as a value."""

from __future__ import annotations

from collections.abc import Mapping

from perennial.lean_typing import NamedTuple
from perennial.platform_tag import Libc

NOT_COUNTED = 0
LARGE = 1
OTHER = 2


class DistributionRelease(NamedTuple):
    """A release of a distribution and what is known of it.

    Dates are ISO 8601 strings, which compare as dates do; None where a date is not known or
    does not exist. `tops` maps a family of version nodes (`GLIBC`, `GLIBCXX`, …) to the highest
    node (`2.36`, `3.4.30`) that the release's libraries define on any of its architectures; a
    family is missing where they define none.
    """

    id: str  # debian:12
    name: str  # Debian 12
    family: str  # debian
    version: str  # 12
    libc: Libc
    libc_version: tuple[int, int]
    libc_release: str  # "2.36", "1.2.5"
    released: str | None
    end_of_life: str | None  # of the support that everybody gets
    extended_end_of_life: str | None  # of long-term or paid support
    rolling: bool
    architectures: frozenset[str]
    tops: Mapping[str, str]
    x86_64_level: int | None  # the micro-architecture level that its x86_64 packages need
    python: str | None  # of its own Python packages, oldest first: "3.6", "2.7/3.6"
    kernel: str | None
    measured_on: str | None  # when the tops were measured
    mainstream: int  # tier: 1 large and supported, 2 others that count, 0 not counted
    mainstream_reason: str

    @property
    def counts(self) -> bool:
        """Whether a policy has to be kept on this release."""
        return self.mainstream != NOT_COUNTED

    def supported_on(self, date: str) -> bool:
        """Whether the release was out and in support on an ISO date, long-term and paid support included.

        A rolling release always is; one whose end of life is not known is taken to be for five
        years.
        """
        if self.released is not None and date < self.released:
            return False
        end = max(self.end_of_life or "", self.extended_end_of_life or "")
        if end:
            return date <= end
        return self.rolling or (
            self.released is not None and date <= f"{int(self.released[:4]) + 5}{self.released[4:]}"
        )
