"""Seals a file with AES-256-GCM, in chunks, so that no part of it can be changed, dropped or put elsewhere.

    magic | salt (16) | nonce prefix (7) | chunks of 1 MiB, each with its tag
    magic of a wrapped key | its length (2) | the key, wrapped by RSA | the same as above

The nonce of a chunk is the prefix, its number and whether it is the last; the header is authenticated with
each. The key comes from the environment or a key file, never from a script: 32 bytes in hexadecimal or
base64, or a passphrase, of which scrypt makes one. An RSA key in PEM wraps a random key for whoever holds
its private half (OAEP with SHA-256).
"""

from __future__ import annotations

import base64
import binascii
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

MAGIC, WRAPPED = b"OKMSEAL1", b"OKMWRAP1"
KEY_VARIABLE = "OKTO_KEY"
_CHUNK = 1 << 20
_TAG, _SALT, _PREFIX = 16, 16, 7
_LEAST_PASSPHRASE = 12  # characters
_LEAST_RSA = 2048  # bits


class CantUnseal(Exception):
    """A sealed file that can't be opened: no key, another key, or a changed file."""


def is_sealed(path: Path) -> bool:
    """Whether a file begins as a sealed one does."""
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) in (MAGIC, WRAPPED)


def secret_of(key_file: Path | None, environment: Mapping[str, str] = os.environ) -> str:
    """The secret of a key file, or of the environment; CantUnseal where there is none."""
    if key_file is not None:
        try:
            secret = key_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CantUnseal(f"the key file {key_file} can't be read") from error
    else:
        secret = environment.get(KEY_VARIABLE, "").strip()
    if not secret:
        raise CantUnseal(f"a key is needed: set {KEY_VARIABLE}, or name a key file with --key-file")
    return secret


def is_wrapping(secret: str) -> bool:
    """Whether a secret is an RSA key in PEM."""
    return secret.startswith("-----BEGIN ")


def is_public(secret: str) -> bool:
    """Whether a secret is a public key, which seals and can't open."""
    return secret.startswith(("-----BEGIN PUBLIC KEY", "-----BEGIN RSA PUBLIC KEY"))


def check_secret(secret: str) -> None:
    """CantUnseal for a secret that can't be used to seal."""
    if is_wrapping(secret):
        _wrapped(secret, bytes(32))
    elif _raw_key(secret) is None and len(secret) < _LEAST_PASSPHRASE:
        raise CantUnseal(
            f"the key is neither 32 bytes in hexadecimal or base64 nor a passphrase of {_LEAST_PASSPHRASE} "
            "characters or more"
        )


def seal(source: BinaryIO, target: BinaryIO, secret: str) -> None:
    """Write a stream sealed."""
    if is_wrapping(secret):
        key = os.urandom(32)
        wrapped = _wrapped(secret, key)
        target.write(WRAPPED + struct.pack(">H", len(wrapped)) + wrapped)
        secret = key.hex()
    header = MAGIC + os.urandom(_SALT + _PREFIX)
    cipher, prefix = _cipher(secret, header)
    target.write(header)
    number = 0
    chunk = source.read(_CHUNK)
    while True:
        following = source.read(_CHUNK)
        target.write(cipher.encrypt(_nonce(prefix, number, not following), chunk, header))
        if not following:
            return
        chunk, number = following, number + 1


def unseal(source: BinaryIO, target: BinaryIO, secret: str) -> None:
    """Write a sealed stream open; nothing of a chunk is written before it is proven."""
    for chunk in opened_chunks(source, secret):
        target.write(chunk)


def opened_chunks(source: BinaryIO, secret: str) -> Iterator[bytes]:
    """The chunks of a sealed stream; CantUnseal at the first that is not what was sealed."""
    from cryptography.exceptions import InvalidTag

    begin = source.read(len(MAGIC))
    if begin == WRAPPED:
        (length,) = struct.unpack(">H", source.read(2).rjust(2, b"\0"))
        secret = _unwrapped(secret, source.read(length)).hex()
        begin = source.read(len(MAGIC))
    header = begin + source.read(_SALT + _PREFIX)
    if not header.startswith(MAGIC) or len(header) < len(MAGIC) + _SALT + _PREFIX:
        raise CantUnseal("the file is not sealed, or was cut short")
    cipher, prefix = _cipher(secret, header)
    number = 0
    chunk = source.read(_CHUNK + _TAG)
    while True:
        following = source.read(_CHUNK + _TAG)
        try:
            yield cipher.decrypt(_nonce(prefix, number, not following), chunk, header)
        except (InvalidTag, ValueError) as error:
            why = "the key is another one, or the file was changed" if number == 0 else "the file was changed"
            raise CantUnseal(f"it can't be opened: {why} or cut short") from error
        if not following:
            return
        chunk, number = following, number + 1


def _cipher(secret: str, header: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt = header[len(MAGIC) : len(MAGIC) + _SALT]
    return AESGCM(_key(secret, salt)), header[len(MAGIC) + _SALT :]


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + struct.pack(">IB", number, last)


def _key(secret: str, salt: bytes) -> bytes:
    raw = _raw_key(secret)
    if raw is not None:
        return raw
    if is_wrapping(secret):
        raise CantUnseal("it was sealed with a plain key or a passphrase, not for an RSA key")
    check_secret(secret)
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return bytes(Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(secret.encode("utf-8")))


def _raw_key(secret: str) -> bytes | None:
    try:
        if len(secret) == 64:
            return bytes.fromhex(secret)
        found = base64.b64decode(secret, validate=True)
    except (ValueError, binascii.Error):
        return None
    return found if len(found) == 32 else None


def _wrapped(secret: str, key: bytes) -> bytes:
    """A key that only the holder of the private half can read."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        found = load_pem_public_key(secret.encode()) if is_public(secret) else _private(secret).public_key()
    except ValueError as error:
        raise CantUnseal("the RSA key can't be read: it is no PEM file of a public key") from error
    if not isinstance(found, RSAPublicKey) or found.key_size < _LEAST_RSA:
        raise CantUnseal(f"the key is no RSA key of {_LEAST_RSA} bits or more")
    return found.encrypt(key, _padding())


def _unwrapped(secret: str, wrapped: bytes) -> bytes:
    if not is_wrapping(secret) or is_public(secret):
        raise CantUnseal("it was sealed for an RSA key: the private key in PEM opens it")
    try:
        return bytes(_private(secret).decrypt(wrapped, _padding()))
    except ValueError as error:
        raise CantUnseal("it can't be opened: it was sealed for another RSA key, or changed") from error


def _private(secret: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(secret.encode(), None)
    except (ValueError, TypeError) as error:
        raise CantUnseal("the private key can't be read: it is no PEM file, or has a password") from error
    if not isinstance(found, RSAPrivateKey):
        raise CantUnseal("the private key is no RSA key")
    return found


def _padding() -> Any:
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
    from cryptography.hazmat.primitives.hashes import SHA256

    return OAEP(MGF1(SHA256()), SHA256(), None)
