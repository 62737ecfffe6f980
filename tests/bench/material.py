"""Keys, certificates, tokens and policies for a run, made anew when they are missing or a day old."""

import base64
import datetime
import json
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "bench.example"
ISSUER = "https://idp.bench.example"
AUDIENCE = "https://gateway.bench.example"
SPIFFE = "spiffe://bench.example/client/alice"
NAMES = ["orders", "people", "permits", "reports", "payments", "notices", "archive", "forms", "audit", "queue"]
POLICY_RULES = 10_000
LIFETIME = 7 * 86_400


def make(folder):
    """Everything below `folder`, unless it is fresh."""
    stamp = folder / "made"
    if stamp.exists() and time.time() - stamp.stat().st_mtime < 86_400:
        return
    folder.mkdir(parents=True, exist_ok=True)
    certificates(folder)
    tokens(folder)
    policies(folder)
    stamp.write_text("")


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def named(common_name):
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Bench"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def certificates(folder):
    """An authority, a server and a client, all on P-256."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def begin(subject, issuer, key):
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(seconds=LIFETIME))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        )

    root_key = ec.generate_private_key(ec.SECP256R1())
    root_name = named("Bench Root")
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    root = (
        begin(root_name, root_name, root_key)
        .add_extension(x509.BasicConstraints(True, 0), True)
        .add_extension(usage, True)
        .sign(root_key, hashes.SHA256())
    )
    (folder / "root.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    leaves = [
        ("server", HOST, x509.DNSName(HOST), ExtendedKeyUsageOID.SERVER_AUTH),
        ("client", "alice", x509.UniformResourceIdentifier(SPIFFE), ExtendedKeyUsageOID.CLIENT_AUTH),
    ]
    for file, common_name, alternative, purpose in leaves:
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = (
            begin(named(common_name), root_name, key)
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(x509.SubjectAlternativeName([alternative]), False)
            .add_extension(x509.ExtendedKeyUsage([purpose]), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False)
            .sign(root_key, hashes.SHA256())
        )
        text = leaf.public_bytes(serialization.Encoding.PEM)
        (folder / f"{file}.pem").write_bytes(text)
        (folder / f"{file}.key").write_bytes(pem(key))
        (folder / f"{file}.both.pem").write_bytes(text + pem(key))


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length):
    return base64url(value.to_bytes(length, "big"))


def compact(value):
    return base64url(json.dumps(value, separators=(",", ":")).encode())


def tokens(folder):
    """One issuer with an RSA and a P-256 key; a token that may read and one that may not, for each."""
    rs = rsa.generate_private_key(65537, 2048)
    es = ec.generate_private_key(ec.SECP256R1())
    rs_public = rs.public_key().public_numbers()
    es_public = es.public_key().public_numbers()
    keys = [
        {"kty": "RSA", "kid": "rs", "use": "sig", "alg": "RS256", "n": number(rs_public.n, 256), "e": "AQAB"},
        {
            "kty": "EC", "kid": "es", "use": "sig", "alg": "ES256", "crv": "P-256",
            "x": number(es_public.x, 32), "y": number(es_public.y, 32),
        },
    ]  # fmt: skip
    (folder / "jwks.json").write_text(json.dumps({"keys": keys}))
    for kid, key in (("rs", rs), ("es", es)):
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (folder / f"token-{kid}.pub.pem").write_bytes(public)

    def sign(kid, text):
        if kid == "rs":
            return rs.sign(text, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(es.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    now = int(time.time())
    for kid, algorithm in (("rs", "RS256"), ("es", "ES256")):
        for who, subject, role in (("reader", "user-0", "reader"), ("guest", "mallory", "guest")):
            head = {"alg": algorithm, "typ": "at+jwt", "kid": kid}
            claims = {
                "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "role": role, "client_id": "bench",
                "iat": now, "exp": now + LIFETIME, "jti": f"{kid}-{who}", "scope": "orders.read reports.read",
                "department": "bench", "name": "Bench User",
            }  # fmt: skip
            text = f"{compact(head)}.{compact(claims)}"
            (folder / f"{who}-{kid}.token").write_text(f"{text}.{base64url(sign(kid, text.encode()))}")


def policies(folder):
    """Rules that let everything through, and ten thousand of which one lets the load through."""
    (folder / "open.csv").write_text("p, *, *, *, *, /*, *, true, allow,\n")
    rules = [
        "p, *, *, *, *, /*, *, r.ctx.risk >= 80, deny, log:full",
        "p, role:suspended, *, *, *, /*, *, true, deny, log:full",
        f"p, role:reader, bench, *, {HOST}, /api/orders/*, ^GET$, r.ctx.aal >= 1, allow, rate:gold",
        f"p, svc:alice, bench, *, {HOST}, /api/orders/*, ^GET$, r.ctx.cert, allow, rate:gold",
        f"p, role:reader, bench, *, {HOST}, /download/:bytes, ^GET$, r.ctx.aal >= 1, allow, rate:gold;redact:L2",
        f"p, role:reader, bench, *, {HOST}, /upload, ^POST$, r.ctx.aal >= 1, allow, rate:gold",
    ]
    for i in range(POLICY_RULES - len(rules)):
        name = NAMES[i % len(NAMES)]
        rules.append(
            f"p, role:team-{i % 997}, bench, *, {HOST}, /api/{name}/{i}/:item, ^(GET|PUT)$, "
            "r.ctx.aal >= 2 && r.ctx.risk < 50, allow, rate:silver;redact:L2"
        )
    roles = [f"g, u:user-{i}, role:reader, bench" for i in range(500)]
    roles += [f"g, u:clerk-{i}, role:team-{i}, bench" for i in range(997)]
    (folder / "rules.csv").write_text("\n".join(rules + roles) + "\n")
