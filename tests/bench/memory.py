"""How much memory the gateway takes: idle, with many idle connections, and during long transfers."""

import json
import resource
import subprocess
import time

from peers import Work

CONNECTIONS = 10_000
LONG = 1 << 30

# Rows in MB: what is measured, the most it may be.
BOUNDS = {
    "idle": 64,
    f"{CONNECTIONS} idle TLS connections": 300,
    "growth in a redacted download of 1 GB": 32,
    "growth in an upload of 1 GB": 32,
}


def run(ground):
    """Everything on: TLS, client certificates, tokens, ten thousand rules, inspection, audit, the console."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rows = {}
    peer = ground.start("hangu-inspecting", Work(tls=True, token="es", console=True), 0)
    try:
        time.sleep(3)
        rows["idle"] = megabytes(peer)
        rows[f"{CONNECTIONS} idle TLS connections"] = idle(peer)
    finally:
        peer.process.stop()
    peer = ground.start("hangu-inspecting", Work(tls=True, token="es", console=True), 1)
    try:
        _status, body = peer.ask("/download/100000", token=peer.token())
        if "王小明" not in body or "110101199003070" in body:
            raise RuntimeError(f"the download is not redacted: {body[:300]}")
        warm = peer.load("download", path="/download/1000000")
        upload = peer.load("upload", "--bytes", "1000000", path="/upload")
        for command in (warm, upload):
            answered(command)
        download = peer.load("download", path=f"/download/{LONG}")
        rows["growth in a redacted download of 1 GB"] = growth(peer, download)
        upload = peer.load("upload", "--bytes", str(LONG), path="/upload")
        rows["growth in an upload of 1 GB"] = growth(peer, upload)
    finally:
        peer.process.stop()
    return rows


def megabytes(peer, what="VmRSS"):
    return peer.process.memory_kb(what) / 1024


def idle(peer):
    command = peer.load("idle", "--connections", str(CONNECTIONS))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as generator:
        seen = json.loads(generator.stdout.readline())
        if seen["open"] < CONNECTIONS:
            print(f"  only {seen['open']} connections are open: {seen}", flush=True)
        time.sleep(2)
        taken = megabytes(peer)
        generator.stdin.close()
    return taken


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
    lines = ["\n### Memory of the gateway, everything on\n", "| | MB | at most | |", "|---|---|---|---|"]
    for what, most in BOUNDS.items():
        word = "reached" if rows[what] < most else "MISSED"
        lines.append(f"| {what} | {rows[what]:.1f} | {most} | {word} |")
    return "\n".join(lines)
