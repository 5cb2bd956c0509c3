"""A terminal over TLS: it shows its merchant's certificate and trusts only the demo's authority."""

import datetime
import ipaddress
import json
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.simulators.conftest import write_demo
from tests.simulators.test_cli import tillsim
from tests.simulators.toy_switch import ToySwitch, in_thread

MERCHANT = "M00000000000001"


class Authority:
    """Writes a certificate authority and what it signs into a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.ca = self._write(name, self._key, self._builder(self._name, self._key, [], is_ca=True))

    def sign(self, name: str, names: list[x509.GeneralName]) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        cert = self._write(name, key, self._builder(subject, key, names, is_ca=False))
        return cert, cert.with_suffix(".key")

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, names: list[x509.GeneralName], is_ca: bool
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
        builder = builder.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        return builder.add_extension(x509.SubjectAlternativeName(names), critical=False) if names else builder

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, builder: x509.CertificateBuilder) -> Path:
        path = self._folder / f"{name}.pem"
        path.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        pem, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        path.with_suffix(".key").write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, plain))
        return path


@pytest.mark.parametrize("trusted", [True, False])
def test_a_sale_over_tls(tmp_path: Path, trusted: bool) -> None:
    authority = Authority(tmp_path, "ca")
    server = authority.sign("server", [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    client = (authority if trusted else Authority(tmp_path, "other")).sign("client", [])
    switch = ToySwitch(write_demo(tmp_path, {}))
    switch.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.ca))
    switch.tls.verify_mode = ssl.CERT_REQUIRED
    switch.tls.load_cert_chain(*server)
    with in_thread(switch) as ports:
        switch.demo = write_demo(tmp_path, ports)
        content = json.loads(switch.demo.path.read_text())
        files = {"cert": client[0].name, "key": client[1].name}  # relative to demo.json
        content["tls"] = {"ca": "ca.pem", "merchants": {MERCHANT: files}}
        switch.demo.path.write_text(json.dumps(content))
        result = tillsim(switch, "gift", "redeem", "--amount", "10", "--listener", "nac-tls")
        assert result.exit_code == (0 if trusted else 3), result.output


def test_a_merchant_without_a_certificate_is_told_so(switch: ToySwitch) -> None:
    content = json.loads(switch.demo.path.read_text())
    content["listeners"]["nac-tls"] = content["listeners"]["nac"]
    switch.demo.path.write_text(json.dumps(content))
    result = tillsim(switch, "echo", "--listener", "nac-tls")
    assert result.exit_code == 2
    assert f"no client certificate for the merchant {MERCHANT}" in result.output
