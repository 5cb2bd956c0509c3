"""Demo certificates in real handshakes in memory, and the merchants a certificate speaks for."""

import ssl
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from switch.config import TLSConfig
from switch.demo.certificates import DemoCertificates, KeyPair, write_demo_certificates
from switch.tls import TLSError, merchant_uri, merchants_of, server_context

MERCHANTS = ["MERCHANT0000001", "A B/ü*"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoCertificates:
    return write_demo_certificates(tmp_path_factory.mktemp("tls"), [*MERCHANTS, "*"])


def tls_config(demo: DemoCertificates) -> TLSConfig:
    server = demo["server"]
    return TLSConfig(certificate=Path(server["cert"]), key=Path(server["key"]), client_ca=Path(demo["ca"]))


def client_context(demo: DemoCertificates, pair: KeyPair | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=demo["ca"])
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # what Python 3.13 and others demand by default
    if pair:
        context.load_cert_chain(pair["cert"], pair["key"])
    return context


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, hostname: str = "localhost") -> Any:
    """Carry bytes between both sides until they agree; what the server then knows of its peer.

    Raises:
        ssl.SSLError: one of them refused.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=hostname)
    waiting = [theirs, ours]
    while waiting:
        for side in waiting[:]:
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
    return ours.getpeercert()


# -- handshakes --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("merchant", MERCHANTS)
@pytest.mark.parametrize("hostname", ["localhost", "127.0.0.1"])
def test_a_merchants_certificate_speaks_for_that_merchant(demo: DemoCertificates, merchant: str, hostname: str) -> None:
    tls = tls_config(demo)
    peer = handshake(server_context(tls), client_context(demo, demo["merchants"][merchant]), hostname)
    assert merchants_of(peer, tls) == frozenset({merchant})


def test_a_star_counts_only_where_the_configuration_says_so(demo: DemoCertificates) -> None:
    tls = tls_config(demo)
    peer = handshake(server_context(tls), client_context(demo, demo["merchants"]["*"]))
    assert merchants_of(peer, tls) == frozenset()
    assert merchants_of(peer, replace(tls, any_merchant_allowed=True)) is None


def test_without_a_certificate_nobody_comes_in(demo: DemoCertificates) -> None:
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        handshake(server_context(tls_config(demo)), client_context(demo, None))


def test_a_listener_may_do_without_client_certificates(demo: DemoCertificates) -> None:
    tls = replace(tls_config(demo), client_certificate_required=False)
    assert merchants_of(handshake(server_context(tls), client_context(demo, None)), tls) is None
    shown = handshake(server_context(tls), client_context(demo, demo["merchants"][MERCHANTS[0]]))
    assert merchants_of(shown, tls) == frozenset({MERCHANTS[0]})
    without_ca = replace(tls, client_ca=None)
    assert merchants_of(handshake(server_context(without_ca), client_context(demo, None)), without_ca) is None


def test_a_certificate_of_another_authority_is_refused(demo: DemoCertificates, tmp_path: Path) -> None:
    stranger = write_demo_certificates(tmp_path, MERCHANTS)["merchants"][MERCHANTS[0]]
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server_context(tls_config(demo)), client_context(demo, stranger))


def test_a_server_certificate_is_none_for_a_client(demo: DemoCertificates) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="unsuitable certificate purpose"):
        handshake(server_context(tls_config(demo)), client_context(demo, demo["server"]))


def test_a_server_of_another_name_is_refused_by_its_client(demo: DemoCertificates) -> None:
    client = client_context(demo, demo["merchants"][MERCHANTS[0]])
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(server_context(tls_config(demo)), client, "example.org")


def test_nothing_older_than_tls_1_2(demo: DemoCertificates) -> None:
    context = server_context(tls_config(demo))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    client = client_context(demo, demo["merchants"][MERCHANTS[0]])
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(context, client)


# -- names in certificates ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("names", "merchants"),
    [
        ([("URI", "tillswitch:merchant:M1"), ("URI", "tillswitch:merchant:M2")], {"M1", "M2"}),  # a concentrator
        ([("DNS", "tillswitch:merchant:M1")], set()),
        ([("URI", "https://example.org/M1")], set()),
        ([("URI", "tillswitch:merchant:%2A")], {"*"}),  # a merchant of that name, not every merchant
        ([("URI", "tillswitch:merchant:*"), ("URI", "tillswitch:merchant:M1")], {"M1"}),
        ([], set()),
    ],
)
def test_only_merchant_uris_name_merchants(
    demo: DemoCertificates, names: list[tuple[str, str]], merchants: set[str]
) -> None:
    assert merchants_of({"subjectAltName": tuple(names)}, tls_config(demo)) == frozenset(merchants)


@pytest.mark.parametrize("peer", [None, {}])
def test_where_a_certificate_is_required_none_speaks_for_nobody(demo: DemoCertificates, peer: Any) -> None:
    assert merchants_of(peer, tls_config(demo)) == frozenset()


def test_a_merchant_is_written_percent_encoded() -> None:
    assert merchant_uri("A B/1") == "tillswitch:merchant:A%20B%2F1"


# -- files -------------------------------------------------------------------------------------------------------------
def test_keys_are_for_their_owner_only(demo: DemoCertificates) -> None:
    keys = list(Path(demo["ca"]).parent.glob("*.key"))
    assert len(keys) == 2 + len(demo["merchants"])
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def with_passphrase(file: Path) -> bytes:
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    form, locked = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"passphrase")
    return key.private_bytes(serialization.Encoding.PEM, form, locked)


def test_unusable_files_are_refused_in_one_line(demo: DemoCertificates, tmp_path: Path) -> None:
    tls = tls_config(demo)
    junk, gone = tmp_path / "junk.pem", tmp_path / "gone.pem"
    junk.write_text("no PEM")
    locked = tmp_path / "locked.key"
    locked.write_bytes(with_passphrase(tls.key))
    other = Path(demo["merchants"][MERCHANTS[0]]["key"])
    cases = [
        (replace(tls, key=other), f"{tls.certificate} with {other}: the key is not the certificate's"),
        (replace(tls, certificate=junk), f"{junk} with {tls.key}: not PEM, or a key with a passphrase"),
        (replace(tls, key=locked), f"{tls.certificate} with {locked}: not PEM, or a key with a passphrase"),
        (replace(tls, key=gone), f"{tls.certificate} with {gone}: No such file or directory"),
        (replace(tls, client_ca=junk), f"{junk}: not PEM, or a key with a passphrase"),
        (replace(tls, client_ca=gone), f"{gone}: No such file or directory"),
    ]
    for wrong, message in cases:
        with pytest.raises(TLSError) as refusal:
            server_context(wrong)
        assert str(refusal.value) == message
