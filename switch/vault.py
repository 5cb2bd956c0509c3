"""The keys that protect card numbers and PINs at rest, and the few operations that need them.

Responsible for: creating and opening the vault, hashing and encrypting card numbers, hashing PINs. Not for keys of
terminals (terminals/mac.py, dukpt.py) and not for deciding when a PIN is checked.

Two files: a master key (32 bytes in hex, which may live elsewhere: a service manager's credential, another disk) and
`vault.json`, the working keys, each wrapped by AES-256-GCM (NIST SP 800-38D) under the master key with its name as
associated data, so that no key can be put in another's place. A copy of the books and of `vault.json` without the
master key tells no card number.
"""

import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from specs.sensitive import PAN, Secret

KEY_NAMES: Final = ("pan_encryption", "pan_lookup", "pin", "seal")
KEY_BYTES: Final = 32
# 96 random bits: SP 800-38D section 8.3 allows 2^32 encryptions under one key; there are fewer cards than that
NONCE_BYTES: Final = 12
CARD_HASH_BYTES: Final = 16  # 2^64 cards before two are likely to meet; half the index of a whole SHA-256
PAN_PURPOSE: Final = b"tillswitch v1 card number"
PHONE_PURPOSE: Final = b"tillswitch v1 phone number"


class VaultError(Exception):
    """The vault cannot be opened, or what it should read is not its own. The text never holds what was read."""


class Vault:
    """Opened keys. The master key is not kept; what is kept shows in no repr."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._pan = AESGCM(keys["pan_encryption"])
        self._lookup = keys["pan_lookup"]
        self._pin = keys["pin"]
        self._seal = keys["seal"]

    @classmethod
    def create(cls, directory: Path) -> Self:
        """Make `master.key` and `vault.json` with new keys.

        Raises:
            VaultError: one of them exists already; a vault is never overwritten, the cards would be lost with it.
        """
        master, keys = secrets.token_bytes(KEY_BYTES), new_keys()
        wrapped = {name: _encrypt(AESGCM(master), key, _wrap_purpose(name)).hex() for name, key in keys.items()}
        for file in (directory / "master.key", directory / "vault.json"):
            if file.exists():
                raise VaultError(f"{file}: exists already; a vault is never overwritten")
        write_private(directory / "master.key", master.hex().encode() + b"\n")
        write_private(directory / "vault.json", json.dumps({"version": 1, "keys": wrapped}, indent=2).encode() + b"\n")
        return cls(keys)

    @classmethod
    def open(cls, master_key: Path, keys: Path) -> Self:
        """Unwrap the working keys.

        Raises:
            VaultError: with one line that names the file and the reason.
        """
        master = AESGCM(_read_master(master_key))
        return cls({name: _unwrap(master, name, wrapped, keys) for name, wrapped in _read_wrapped(keys).items()})

    @classmethod
    def ephemeral(cls) -> Self:
        """New keys that are nowhere else: for simulations and tests."""
        return cls(new_keys())

    def card_hash(self, pan: PAN) -> bytes:
        """What a card is found by: the same for the same digits, and nothing to anyone without the key."""
        return hmac.digest(self._lookup, pan.reveal().encode(), "sha256")[:CARD_HASH_BYTES]

    def encrypt_pan(self, pan: PAN) -> bytes:
        return _encrypt(self._pan, pan.reveal().encode(), PAN_PURPOSE)

    def decrypt_pan(self, encrypted: bytes) -> PAN:
        """
        Raises:
            VaultError: it was encrypted under other keys, or changed since.
        """
        try:
            return PAN(_decrypt(self._pan, encrypted, PAN_PURPOSE).decode())
        except InvalidTag:
            raise VaultError("a card number was encrypted under another key, or changed since") from None

    def encrypt_phone(self, phone: Secret) -> bytes:
        return _encrypt(self._pan, phone.reveal().encode(), PHONE_PURPOSE)

    def decrypt_phone(self, encrypted: bytes) -> Secret:
        """
        Raises:
            VaultError: it was encrypted under other keys, or changed since.
        """
        try:
            return Secret(_decrypt(self._pan, encrypted, PHONE_PURPOSE).decode())
        except InvalidTag:
            raise VaultError("a phone number was encrypted under another key, or changed since") from None

    def pin_hash(self, card_hash: bytes, pin: Secret) -> bytes:
        """Bound to its card, so that equal PINs look different and no hash can be moved to another card.

        A PIN has few digits and no slow hash could hide it; the key does, and the tries are counted.
        """
        return hmac.digest(self._pin, card_hash + pin.reveal().encode(), "sha256")

    @property
    def seal_key(self) -> bytes:
        """The key of the seals over the journal (DESIGN: each daemon seals its commits)."""
        return self._seal


def new_keys() -> dict[str, bytes]:
    return {name: secrets.token_bytes(KEY_BYTES) for name in KEY_NAMES}


def write_private(file: Path, data: bytes) -> None:
    """Write a new file that only its owner can read, and that is on the disk when this returns."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# -- files ------------------------------------------------------------------------------------------------------------
def _read_master(file: Path) -> bytes:
    try:
        mode = file.stat().st_mode
        if mode & 0o077:
            raise VaultError(f"{file}: others than its owner may use it (mode {mode & 0o777:04o}); allowed: 0600")
        text = file.read_bytes().strip()
    except OSError as error:
        raise VaultError(f"{file}: cannot be read: {error.strerror}") from None
    try:
        master = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        master = b""
    if len(master) != KEY_BYTES:
        raise VaultError(f"{file}: is not a master key; allowed: {2 * KEY_BYTES} hexadecimal digits")
    return master


def _read_wrapped(file: Path) -> dict[str, bytes]:
    try:
        content = json.loads(file.read_bytes())
        if content["version"] != 1:
            raise VaultError(f"{file}: was written by a newer tillswitch; allowed: version 1")
        return {name: bytes.fromhex(content["keys"][name]) for name in KEY_NAMES}
    except OSError as error:
        raise VaultError(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, LookupError):
        raise VaultError(f"{file}: is not a vault; allowed: what `tillswitch init` wrote") from None


def _unwrap(master: AESGCM, name: str, wrapped: bytes, file: Path) -> bytes:
    try:
        key = _decrypt(master, wrapped, _wrap_purpose(name))
    except InvalidTag:
        raise VaultError(f"{file}: key {name} belongs to another master key, or was changed") from None
    if len(key) != KEY_BYTES:
        raise VaultError(f"{file}: key {name} has {len(key)} bytes; allowed: {KEY_BYTES}")
    return key


# -- AES-GCM: nonce, ciphertext and tag in one string -----------------------------------------------------------------
def _wrap_purpose(name: str) -> bytes:
    return b"tillswitch v1 vault key " + name.encode()


def _encrypt(cipher: AESGCM, plain: bytes, purpose: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, purpose)


def _decrypt(cipher: AESGCM, encrypted: bytes, purpose: bytes) -> bytes:
    if len(encrypted) < NONCE_BYTES + 16:  # shorter than nonce and tag
        raise InvalidTag
    return cipher.decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], purpose)
