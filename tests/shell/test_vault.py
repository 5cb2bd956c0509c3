"""The vault opens only with its own master key, and tells nothing to whoever has only one of the two files."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.sensitive import PAN, Secret
from switch.vault import CARD_HASH_BYTES, KEY_NAMES, Vault, VaultError

CARD = PAN("6035710000000000019")
OTHER = PAN("6035710000000000027")
VAULT = Vault.ephemeral()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    Vault.create(tmp_path)
    return tmp_path / "master.key", tmp_path / "vault.json"


# -- what it does ------------------------------------------------------------------------------------------------------
@given(digits=st.text("0123456789", min_size=6, max_size=19))
def test_a_card_number_comes_back_from_its_encryption(digits: str) -> None:
    assert VAULT.decrypt_pan(VAULT.encrypt_pan(PAN(digits))) == PAN(digits)


def test_a_vault_opened_again_finds_and_reads_the_same_cards(tmp_path: Path) -> None:
    made = Vault.create(tmp_path)
    opened = Vault.open(tmp_path / "master.key", tmp_path / "vault.json")
    assert opened.card_hash(CARD) == made.card_hash(CARD)
    assert opened.decrypt_pan(made.encrypt_pan(CARD)) == CARD
    assert opened.pin_hash(b"c", Secret("1234")) == made.pin_hash(b"c", Secret("1234"))
    assert opened.seal_key == made.seal_key


def test_a_hash_depends_on_card_and_vault() -> None:
    assert len(VAULT.card_hash(CARD)) == CARD_HASH_BYTES
    assert VAULT.card_hash(CARD) != VAULT.card_hash(OTHER)
    assert VAULT.card_hash(CARD) != Vault.ephemeral().card_hash(CARD)


def test_equal_numbers_encrypt_differently_each_time() -> None:
    assert VAULT.encrypt_pan(CARD) != VAULT.encrypt_pan(CARD)


def test_a_pin_hash_depends_on_pin_card_and_vault() -> None:
    one, two = VAULT.card_hash(CARD), VAULT.card_hash(OTHER)
    hashes = {
        VAULT.pin_hash(one, Secret("1234")),
        VAULT.pin_hash(one, Secret("1235")),
        VAULT.pin_hash(two, Secret("1234")),
        Vault.ephemeral().pin_hash(one, Secret("1234")),
    }
    assert len(hashes) == 4


def test_both_files_are_for_their_owner_only(files: tuple[Path, Path]) -> None:
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]


def test_no_key_shows_in_the_wrapped_file_or_in_a_repr(tmp_path: Path) -> None:
    vault = Vault.create(tmp_path)
    assert vault.seal_key.hex() not in (tmp_path / "vault.json").read_text()
    assert "seal" not in repr(vault)


# -- what it refuses ---------------------------------------------------------------------------------------------------
def test_every_changed_byte_of_an_encrypted_number_is_noticed() -> None:
    encrypted = VAULT.encrypt_pan(CARD)
    for i in range(len(encrypted)):
        changed = bytearray(encrypted)
        changed[i] ^= 1
        with pytest.raises(VaultError, match=r"^a card number was encrypted under another key, or changed since$"):
            VAULT.decrypt_pan(bytes(changed))


@pytest.mark.parametrize("length", [0, 11, 12, 27, 30])
def test_a_cut_encrypted_number_is_refused(length: int) -> None:
    with pytest.raises(VaultError):
        VAULT.decrypt_pan(VAULT.encrypt_pan(CARD)[:length])


def test_a_number_of_another_vault_is_refused() -> None:
    with pytest.raises(VaultError):
        VAULT.decrypt_pan(Vault.ephemeral().encrypt_pan(CARD))


def test_a_vault_is_never_overwritten(files: tuple[Path, Path]) -> None:
    master, keys = files
    for left in (master, keys):
        before = left.read_bytes()
        with pytest.raises(VaultError, match=r"exists already; a vault is never overwritten$"):
            Vault.create(left.parent)
        assert left.read_bytes() == before
        master.unlink(missing_ok=True)


def swap_two_keys(keys: Path) -> None:
    content = json.loads(keys.read_text())
    wrapped = content["keys"]
    wrapped["pin"], wrapped["seal"] = wrapped["seal"], wrapped["pin"]
    keys.write_text(json.dumps(content))


def change_a_key(keys: Path) -> None:
    content = json.loads(keys.read_text())
    first, rest = content["keys"]["pan_lookup"][0], content["keys"]["pan_lookup"][1:]
    content["keys"]["pan_lookup"] = f"{int(first, 16) ^ 1:x}{rest}"
    keys.write_text(json.dumps(content))


def drop_a_key(keys: Path) -> None:
    content = json.loads(keys.read_text())
    del content["keys"]["pin"]
    keys.write_text(json.dumps(content))


def raise_the_version(keys: Path) -> None:
    keys.write_text(keys.read_text().replace('"version": 1', '"version": 2'))


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (swap_two_keys, "key pin belongs to another master key, or was changed"),
        (change_a_key, "key pan_lookup belongs to another master key, or was changed"),
        (drop_a_key, "is not a vault; allowed: what `tillswitch init` wrote"),
        (raise_the_version, "was written by a newer tillswitch; allowed: version 1"),
        (lambda keys: keys.write_text("{"), "is not a vault; allowed: what `tillswitch init` wrote"),
        (lambda keys: keys.write_text("[]"), "is not a vault; allowed: what `tillswitch init` wrote"),
        (lambda keys: keys.write_bytes(b"\xff"), "is not a vault; allowed: what `tillswitch init` wrote"),
        (lambda keys: keys.unlink(), "cannot be read: No such file or directory"),
    ],
)
def test_a_harmed_vault_is_refused_in_one_line(
    files: tuple[Path, Path], harm: Callable[[Path], object], reason: str
) -> None:
    master, keys = files
    harm(keys)
    with pytest.raises(VaultError) as refusal:
        Vault.open(master, keys)
    assert str(refusal.value) == f"{keys}: {reason}"


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda key: key.chmod(0o640), "others than its owner may use it (mode 0640); allowed: 0600"),
        (lambda key: key.chmod(0o604), "others than its owner may use it (mode 0604); allowed: 0600"),
        (lambda key: key.write_text("00" * 31), "is not a master key; allowed: 64 hexadecimal digits"),
        (lambda key: key.write_text("zz" * 32), "is not a master key; allowed: 64 hexadecimal digits"),
        (lambda key: key.write_bytes(b"\xff" * 64), "is not a master key; allowed: 64 hexadecimal digits"),
        (lambda key: key.unlink(), "cannot be read: No such file or directory"),
    ],
)
def test_a_wrong_master_key_file_is_refused_in_one_line(
    files: tuple[Path, Path], harm: Callable[[Path], object], reason: str
) -> None:
    master, keys = files
    harm(master)
    with pytest.raises(VaultError) as refusal:
        Vault.open(master, keys)
    assert str(refusal.value) == f"{master}: {reason}"


def test_another_master_key_opens_nothing(files: tuple[Path, Path]) -> None:
    master, keys = files
    master.write_text(os.urandom(32).hex())
    with pytest.raises(VaultError, match=f"key {KEY_NAMES[0]} belongs to another master key, or was changed$"):
        Vault.open(master, keys)


def test_a_read_only_master_key_is_fine(files: tuple[Path, Path]) -> None:
    master, keys = files
    master.chmod(0o400)
    Vault.open(master, keys)


def test_a_phone_number_comes_back_and_is_no_card_number() -> None:
    phone = Secret("905551112233")
    sealed = VAULT.encrypt_phone(phone)
    assert VAULT.decrypt_phone(sealed) == phone
    assert phone.reveal().encode() not in sealed
    with pytest.raises(VaultError):
        VAULT.decrypt_pan(sealed)
    with pytest.raises(VaultError):
        VAULT.decrypt_phone(VAULT.encrypt_pan(CARD))
