"""Keyed pseudonyms: UIDs, offsets of dates, and names of output files. The same value always gets the same
pseudonym."""

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

from DeidentifyStudyCore.dicom.dictionary import is_well_known
from DeidentifyStudyCore.identity.keyfile import Secret

__all__ = ["Pseudonyms"]

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CACHE = 20000


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """What a secret makes of identifiers.

    Attributes
    ----------
    uid_key, date_key, name_key : bytes
        Derived keys; the secret itself never travels to workers.
    retain_uids : bool
        Leave UIDs as they are.
    """

    uid_key: bytes
    date_key: bytes
    name_key: bytes
    retain_uids: bool
    shift_days: tuple[int, int]

    @classmethod
    def of(cls, secret: Secret, shift_days: tuple[int, int], *, retain_uids: bool) -> "Pseudonyms":
        """Derive the keys of each purpose."""
        return cls(secret.derive("uid"), secret.derive("date"), secret.derive("name"), retain_uids, shift_days)

    def uid(self, uid: str) -> str:
        """Replace an instance UID by ``2.25.`` and a version 8 UUID (RFC 9562) made from its HMAC-SHA256."""
        if self.retain_uids or not uid or is_well_known(uid):
            return uid
        return _keyed_uid(self.uid_key, uid)

    def new_uid(self, text: str) -> str:
        """Make the UID of something that had none, also where UIDs are retained."""
        return _keyed_uid(self.uid_key, text)

    def date_offset(self, patient_key: str) -> int:
        """Whole days that all dates of a patient move; never 0."""
        low, high = self.shift_days
        number = int.from_bytes(
            hmac.digest(self.date_key, patient_key.encode("utf-8", "surrogateescape"), hashlib.sha256)[:8], "big"
        )
        offset = low + number % (high - low + 1)
        return offset or (high if high else low)

    def name(self, purpose: str, value: str, prefix: str) -> str:
        """Eight characters of A-Z and 2-7 that begin with `prefix`: valid in a DICOM File ID (PS3.10, 8.2)."""
        digest = hmac.digest(self.name_key, f"{purpose}\0{value}".encode("utf-8", "surrogateescape"), hashlib.sha256)
        return prefix + "".join(_BASE32[byte & 31] for byte in digest[: 8 - len(prefix)])


@lru_cache(maxsize=_CACHE)
def _keyed_uid(key: bytes, uid: str) -> str:
    digest = bytearray(hmac.digest(key, uid.encode(), hashlib.sha256)[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return f"2.25.{int.from_bytes(digest, 'big')}"
