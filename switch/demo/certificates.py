"""Certificates of the demo: an authority, a server and one client for each merchant. For trying out, not for a site."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypedDict
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from switch.tls import merchant_uri
from switch.vault import write_private

VALID_DAYS: Final = 3650  # a demo that stops working after a year is a riddle
CLOCK_SKEW: Final = timedelta(days=1)  # a terminal's clock may be behind


class KeyPair(TypedDict):
    cert: str
    key: str


class DemoCertificates(TypedDict):
    """File paths, as they stand in demo.json."""

    ca: str
    server: KeyPair
    merchants: dict[str, KeyPair]


def write_demo_certificates(
    directory: Path, merchant_ids: list[str], hostnames: tuple[str, ...] = ("localhost", "127.0.0.1")
) -> DemoCertificates:
    """Make new keys and certificates in `directory`, which must not hold any yet; keys are for their owner only."""
    authority = _Authority()
    _write(directory / "ca.key", authority.key)
    (directory / "ca.pem").write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    server = authority.issue(
        "tillswitch demo server", [_host(name) for name in hostnames], ExtendedKeyUsageOID.SERVER_AUTH
    )
    merchants = {}
    for merchant_id in merchant_ids:
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(merchant_uri(merchant_id))]
        client = authority.issue(f"demo merchant {merchant_id}", names, ExtendedKeyUsageOID.CLIENT_AUTH)
        merchants[merchant_id] = _write_pair(directory, f"merchant-{quote(merchant_id, safe='')}", *client)
    return {
        "ca": str(directory / "ca.pem"),
        "server": _write_pair(directory, "server", *server),
        "merchants": merchants,
    }


class _Authority:
    """Signs what `issue` makes; a path length of zero keeps its certificates from signing others."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name("tillswitch demo authority")
        self.certificate = (
            _certificate(self.name, self.name, self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def issue(
        self, common_name: str, names: list[x509.GeneralName], usage: x509.ObjectIdentifier
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _certificate(_name(common_name), self.name, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return certificate, key


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_pair(directory: Path, stem: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    (directory / f"{stem}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write(directory / f"{stem}.key", key)
    return {"cert": str(directory / f"{stem}.pem"), "key": str(directory / f"{stem}.key")}


def _write(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    write_private(file, key.private_bytes(serialization.Encoding.PEM, form, plain))
