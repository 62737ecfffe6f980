#!/usr/bin/env python3
"""Where the time of a request goes: samples of the gateway under load, sorted by stage.

Needs `perf` (Debian: linux-perf) and `addr2line` (binutils); the release binary carries line tables.
"""

import argparse
import bisect
import collections
import json
import re
import subprocess
import time
from pathlib import Path

import material
from peers import Work
from running import Ground

# The first pattern that fits a frame names the stage; frames are read from the innermost outwards.
STAGES = [
    ("system: network and files", r"^\[kernel\]"),
    ("allocator", r"mimalloc|^mi_|^_mi_|__rust_alloc|__rdl_|__rust_dealloc"),
    ("TLS: ciphers and hashes", r"aws_lc|aws-lc|^aes|^gcm|^vaes|chacha|sha256_block|sha512_block|_ossl|p256|ecp_"),
    ("TLS: rustls", r"rustls"),
    ("policy", r"hangu_policy|/policy/src"),
    ("inspect", r"hangu_inspect|gateway/inspect"),
    ("redact (masking in events)", r"hangu_redact|gateway/redact"),
    ("identify: tokens, assertions", r"hangu_identity|gateway/identity"),
    ("limit", r"hangu_limit|gateway/limit"),
    ("record: audit log", r"hangu_audit|/audit/src"),
    ("situational", r"hangu_situational|/situational/src|gateway/src/watch"),
    ("record: event", r"stage::record|stage/record|journal"),
    ("route", r"stage::route|stage/route|canon"),
    ("identify: stage", r"stage::identify|stage/identify"),
    ("decide: stage", r"stage::decide|stage/decide"),
    ("inspect: stage", r"stage::inspect|stage/inspect"),
    ("limit: stage", r"stage::limit|stage/limit"),
    ("redact: stage", r"stage::redact|stage/redact"),
    ("forward: stage and pool", r"stage::forward|stage/forward|hangu::upstream|src/upstream"),
    ("bodies", r"hangu::body|src/body"),
    ("connection, guard, exchange", r"hangu::|gateway/src"),
    ("HTTP: hyper", r"hyper|httparse|h2::|/http-"),
    ("runtime: tokio", r"tokio|mio|parking_lot|pingora"),
]


def samples(file):
    """Lists of (address, symbol, object), innermost first, of every sample."""
    command = ["perf", "script", "-i", str(file), "--no-inline", "-F", "tid,comm,ip,sym,dso"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    frame = re.compile(r"^\s+([0-9a-f]+) (.*) \((.*)\)$")
    for block in text.split("\n\n"):
        lines = block.splitlines()
        frames = [frame.match(line) for line in lines[1:]]
        frames = [(int(f[1], 16), f[2], f[3]) for f in frames if f]
        if frames:
            yield lines[0].rsplit(None, 1)[0].strip(), frames


def mappings(pid, binary):
    """Where the binary's text stands in memory: (start, end, offset in the file)."""
    found = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        fields = line.split()
        if fields[-1] == str(binary):
            start, end = (int(part, 16) for part in fields[0].split("-"))
            found.append((start, end, int(fields[2], 16)))
    return sorted(found)


def segments(binary):
    """Loaded segments: (offset in the file, its length, virtual address)."""
    text = subprocess.run(["readelf", "-lW", str(binary)], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"LOAD\s+0x(\w+) 0x(\w+) 0x\w+ 0x(\w+)", text)
    return [(int(offset, 16), int(size, 16), int(address, 16)) for offset, address, size in rows]


class Inlined:
    """The functions that were inlined at an address, innermost first."""

    def __init__(self, binary, maps):
        self.binary, self.maps, self.loads = binary, maps, segments(binary)
        self.known = {}

    def virtual(self, address):
        at = bisect.bisect_right(self.maps, (address, float("inf"), 0)) - 1
        if at < 0 or address >= self.maps[at][1]:
            return None
        start, _end, offset = self.maps[at]
        place = address - start + offset
        for begin, size, virtual in self.loads:
            if begin <= place < begin + size:
                return place - begin + virtual
        return None

    def learn(self, addresses):
        wanted = {a: v for a in addresses if (v := self.virtual(a)) is not None}
        question = "\n".join(f"0x{v:x}" for v in wanted.values())
        command = ["addr2line", "-a", "-i", "-f", "-C", "-e", str(self.binary)]
        text = subprocess.run(command, input=question, capture_output=True, text=True, check=True).stdout
        frames = {}
        current = []
        lines = iter(text.splitlines())
        for line in lines:
            if line.startswith("0x"):
                current = frames.setdefault(int(line, 16), [])
            else:
                current.append(f"{line} {next(lines, '')}")
        self.known = {a: frames.get(v, []) for a, v in wanted.items()}


def stage_of(frames, inlined):
    innermost, symbol, where = frames[0]
    if where == "[kernel.kallsyms]" or innermost >> 47:
        return STAGES[0][0]
    for place, (address, symbol, where) in enumerate(frames):
        # A return address stands behind the call; one byte before it is inside.
        for text in [*inlined.known.get(address - (place > 0), []), symbol]:
            for name, pattern in STAGES[1:]:
                if re.search(pattern, text):
                    return name
    return "other"


def kernel_of(frames):
    """The system call that a sample in the kernel belongs to."""
    for _address, symbol, _where in frames:
        if found := re.match(r"(?:__(?:x64|se)_sys_|__do_sys_|ksys_|do_sys_|do_)(\w+)", symbol):
            if found[1] not in ("syscall_64", "softirq_own_stack"):
                return found[1]
    return f"other: {frames[0][1]}"


def caller_of(frames, inlined):
    """Who asked the allocator: the first function outside it and outside the standard library."""
    for place, (address, symbol, _where) in enumerate(frames):
        for text in inlined.known.get(address - (place > 0)) or [symbol]:
            if not re.search(r"mimalloc|^_?mi_|__r(ust|dl)_|^(<?alloc|<?core|<?std|<?hashbrown|<?bytes)::|\?\?", text):
                return text.split(" /")[0]
    return "unknown"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cache", type=Path, required=True)
    arguments.add_argument("--tools", type=Path, required=True)
    arguments.add_argument("--hangu", type=Path, required=True)
    arguments.add_argument("--peer", default="hangu-inspecting")
    arguments.add_argument("--off", action="store_true", help="the path with everything off")
    arguments.add_argument("--seconds", type=float, default=5.0)
    arguments.add_argument("--functions", type=int, default=25, help="how many functions are named")
    given = arguments.parse_args()
    material.make(given.cache / "material")
    ground = Ground(given.cache, given.tools.resolve(), given.hangu.resolve())
    upstream = ground.upstream()
    work = Work() if given.off else Work(tls=True, token="es")
    peer = ground.start(given.peer, work, 0)
    try:
        peer.measure(1.0)
        binary = Path(f"/proc/{peer.process.child.pid}/exe").resolve()
        maps = mappings(peer.process.child.pid, binary)
        file = ground.run / "perf.data"
        perf = subprocess.Popen(
            ["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "--call-graph", "dwarf,8192",
             "-o", str(file), "-p", str(peer.process.child.pid)], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(0.5)
        seen = peer.measure(given.seconds)
        perf.send_signal(2)
        perf.wait()
    finally:
        peer.process.stop()
        upstream.stop()
    everything = list(samples(file))
    inlined = Inlined(binary, maps)
    inlined.learn({a - (i > 0) for _thread, frames in everything for i, (a, _s, _o) in enumerate(frames[:12])})
    stages, threads, calls, callers, functions = (collections.Counter() for _ in range(5))
    for thread, frames in everything:
        stage = stage_of(frames, inlined)
        stages[stage] += 1
        threads[re.sub(r"\s+\d+$", "", thread)] += 1
        if stage == STAGES[0][0]:
            calls[kernel_of(frames)] += 1
        elif stage == "allocator":
            callers[caller_of(frames, inlined)] += 1
        else:
            names = inlined.known.get(frames[0][0]) or [frames[0][1]]
            functions[f"{stage}: {names[0].split(' /')[0]}"] += 1
    total = sum(stages.values())
    print(f"{json.dumps(seen)}\n{total} samples; the µs below are shares of {seen['cpu_us']:.1f}, which sampling itself makes larger\n")
    for title, counter in (
        ("stage", stages), ("thread", threads), ("system call", calls), ("allocator, called by", callers),
        ("function", functions),
    ):  # fmt: skip
        print(f"| {title} | µs per request | share |\n|---|---|---|")
        for name, count in counter.most_common(given.functions):
            print(f"| {name} | {count / total * seen['cpu_us']:.2f} | {100 * count / total:.1f} % |")
        print()


if __name__ == "__main__":
    main()
