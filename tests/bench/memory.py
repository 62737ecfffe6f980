"""How much memory the gateway takes: idle, with many idle connections, and during long transfers."""

import json
import resource
import subprocess
import time

from material import POLICY_RULES
from peers import Work

CONNECTIONS = 10_000
LONG = 1 << 30

# Rows in MB: what is measured, the most it may be.
BOUNDS = {
    "idle": 64,
    f"{CONNECTIONS} idle TLS connections": 300,
    f"idle, {POLICY_RULES} rules": None,
    f"{CONNECTIONS} idle TLS connections with client certificates, {POLICY_RULES} rules": None,
    f"{CONNECTIONS} idle TLS connections with client certificates, bare hyper": None,
    "growth in a redacted download of 1 GB": 32,
    "growth in an upload of 1 GB": 32,
}


def run(ground):
    """TLS, tokens, inspection, audit and the console on, first with a small policy."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    large = Work(tls=True, token="es", console=True)
    small = Work(tls=True, token="es", console=True, anonymous=True)
    taken = [*idle(ground, "hangu-inspecting", small, 0), *idle(ground, "hangu-inspecting", large, 1)]
    taken += idle(ground, "bare-hyper", Work(tls=True), 2)[1:]
    return dict(zip(BOUNDS, [*taken, *transfers(ground, large, 3)]))


def idle(ground, name, work, number):
    """Memory after the start, and with many connections that have each asked once."""
    peer = ground.start(name, work, number)
    try:
        time.sleep(3)
        before = megabytes(peer)
        command = peer.load("idle", "--connections", str(CONNECTIONS))
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as generator:
            seen = json.loads(generator.stdout.readline())
            if seen["open"] < CONNECTIONS or seen["bad"]:
                print(f"  {name}: not all connections are as they should be: {seen}", flush=True)
            time.sleep(2)
            taken = megabytes(peer)
            generator.stdin.close()
        return [before, taken]
    finally:
        peer.process.stop()


def transfers(ground, work, number):
    """How much a long download and a long upload make the process grow."""
    peer = ground.start("hangu-inspecting", work, number)
    try:
        _status, body = peer.ask("/download/100000", token=peer.token())
        if "王" not in body or "110101199003070" in body:
            raise RuntimeError(f"the download is not redacted: {body[:300]}")
        answered(peer.load("download", path="/download/1000000"))
        answered(peer.load("upload", "--bytes", "1000000", path="/upload"))
        download = growth(peer, peer.load("download", path=f"/download/{LONG}"))
        upload = growth(peer, peer.load("upload", "--bytes", str(LONG), path="/upload"))
        return [download, upload]
    finally:
        peer.process.stop()


def megabytes(peer, what="VmRSS"):
    return peer.process.memory_kb(what) / 1024


def answered(command):
    seen = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    if seen["status"] != 200:
        raise RuntimeError(f"a transfer was answered with {seen['status']}")
    return seen


def growth(peer, command):
    """The highest memory during a transfer, less what was taken before it."""
    peer.process.forget_highest()
    before = megabytes(peer)
    spent = peer.process.processor_ns()
    seen = answered(command)
    spent = (peer.process.processor_ns() - spent) / 1e9
    print(f"  {seen['bytes'] / 1e9:.2f} GB in {seen['seconds']:.1f} s, {spent:.2f} s of processor time", flush=True)
    return megabytes(peer, "VmHWM") - before


def table(rows):
    lines = ["\n### Memory\n", "| | MB | at most | |", "|---|---|---|---|"]
    for what, most in BOUNDS.items():
        word = "" if most is None else "reached" if rows[what] < most else "MISSED"
        lines.append(f"| {what} | {rows[what]:.1f} | {most or ''} | {word} |")
    return "\n".join(lines)
