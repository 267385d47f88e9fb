"""The key that signs checkpoints: Ed25519 (RFC 8032), one for a person and machine.

It is the PEM file (PKCS #8) that ``LEAFMESH_SIGNING_KEY`` names, else ``signing-key.pem`` in the
user's configuration folder for leafmesh_nb. Where there is none it is made, readable for its owner
only. A key is named by its fingerprint, which is the one that ``ssh-keygen -l`` prints.

What a signature says: whoever holds that key vouches for the journal up to a place. A key on the
laptop that also holds the journal shows a change by anybody else (a copy, a backup, a shared
folder), and none by the laptop's own user, who can sign again. Against that user, keep a note of a
checkpoint elsewhere (``leafmesh-nb verify --save``), or the key where that user cannot read it.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leafmesh_nb.errors import JournalError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = [
    "VARIABLE",
    "SigningKey",
    "as_fingerprint",
    "fingerprint",
    "holds",
    "own_key",
    "place_of_key",
]

VARIABLE = "LEAFMESH_SIGNING_KEY"

_SSH = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"  # RFC 8709, section 4
_FINGERPRINT = re.compile("SHA256:[A-Za-z0-9+/]{43}")
_LARGEST = 65_536  # bytes; a PEM file of an Ed25519 key has 119
_loaded: dict[Path, SigningKey] = {}


@dataclass(frozen=True)
class SigningKey:
    """A private key and the two names of its public half."""

    private: Ed25519PrivateKey
    public: str
    """32 bytes in hex."""
    fingerprint: str

    def sign(self, text: str) -> str:
        """The signature of a text's UTF-8 bytes: 64 bytes in hex."""
        return self.private.sign(text.encode()).hex()


def fingerprint(public: str) -> str:
    """``SHA256:…`` of a public key given in hex, as OpenSSH writes it. Raises ValueError."""
    raw = bytes.fromhex(public)
    if len(raw) != 32:
        raise ValueError("an Ed25519 public key has 32 bytes")
    digest = hashlib.sha256(_SSH + raw).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def as_fingerprint(text: str) -> str:
    """A fingerprint as somebody wrote it, with or without base64's padding. Raises ValueError."""
    found = text.strip().rstrip("=")
    if not _FINGERPRINT.fullmatch(found):
        raise ValueError(
            f"{text!r} is no fingerprint: SHA256: and 43 characters, as verify prints it"
        )
    return found


def holds(public: str, signature: str, text: str) -> bool:
    """Whether a signature of a text is that of a public key; both in hex."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), text.encode("utf-8", "surrogateescape"))
    except (InvalidSignature, ValueError):
        return False
    return True


def place_of_key() -> Path:
    """The file of this user's key, whether it is there or not.

    Raises JournalError for a relative path: it would name, and make, a key in every folder.
    """
    named = os.environ.get(VARIABLE)
    if named:
        place = Path(os.path.expanduser(named))
        if not place.is_absolute():
            raise JournalError(
                f"{VARIABLE} is {named!r}, which names another file in every folder: write the "
                "whole path of the key"
            )
        return place
    from platformdirs import user_config_path

    return user_config_path("leafmesh_nb", appauthor=False) / "signing-key.pem"


def own_key(*, create: bool = False) -> SigningKey | None:
    """This user's key; None where there is none and none is to be, or can be, made.

    Raises JournalError for a file that holds no Ed25519 key, for one that cannot be read, and for
    one that ``LEAFMESH_SIGNING_KEY`` names and that cannot be made: who names a key wants it used.
    """
    place = place_of_key()
    key = _loaded.get(place)
    if key is None:
        # Threads and processes that come here at once get the same: the first file stays.
        key = _read(place) or (_make(place) if create else None)
        if key is not None:
            _loaded[place] = key
    return key


def _read(place: Path) -> SigningKey | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(_content(place), password=None)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        if os.environ.get(VARIABLE):
            raise _unusable(place, "it may not be read") from None
        return None
    except OSError as error:
        raise _unusable(place, str(error.strerror)) from None
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(place, f"it holds no private key without a password ({error})") from None
    if not isinstance(found, Ed25519PrivateKey):
        raise _unusable(place, f"it holds a {type(found).__name__.removesuffix('PrivateKey')} key")
    return _key(found)


def _content(place: Path) -> bytes:
    """What is in a file that may be a pipe, which nobody writes into, or have no end."""
    with open(os.open(place, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no file but a folder, a pipe or a device")
        return file.read(_LARGEST)


def _make(place: Path) -> SigningKey | None:
    """Write a new key whole or not at all; the first of two processes wins."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    made = Ed25519PrivateKey.generate()
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, place)
        except FileExistsError:
            found = _read(place)
            if found is None:
                raise _unusable(place, "it is a link to a file that is not there") from None
            return found
        finally:
            draft.unlink()
    except OSError as error:
        if os.environ.get(VARIABLE):
            raise _unusable(place, f"it cannot be made: {error.strerror}") from None
        return None  # a home that cannot be written: the journal says that it is not signed
    return _key(made)


def _key(private: Ed25519PrivateKey) -> SigningKey:
    public = private.public_key().public_bytes_raw().hex()
    return SigningKey(private, public, fingerprint(public))


def _unusable(place: Path, why: str) -> JournalError:
    return JournalError(
        f"the signing key {place} cannot be used: {why}. Name an Ed25519 key in PEM format with "
        f"{VARIABLE}, or a file that is not there yet, and one is made"
    )
