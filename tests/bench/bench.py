#!/usr/bin/env python3
"""What a request costs, beside the peers. See README.md."""

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import material
import memory
from peers import Work
from running import Ground, NotStarted

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    work: Work
    peers: tuple
    targets: tuple  # (measured, compared with, at most)
    fresh: bool = False
    exchange: str = "classic"


SCENARIOS = [
    Scenario(
        "off", "Everything off: plain HTTP/1.1, keep-alive, 1 KB",
        Work(),
        ("bare-hyper", "hangu", "hangu-recording", "nginx", "haproxy", "bare-pingora"),
        (("hangu", "bare-hyper", 1.15),),
    ),
    Scenario(
        "rs256", "TLS 1.3, client certificate, RS256 token, role, limit, log",
        Work(tls=True, token="rs"),
        ("haproxy", "hangu", "hangu-inspecting", "envoy"),
        (("hangu", "haproxy", 0.5), ("hangu-inspecting", "haproxy", 0.65)),
    ),
    Scenario(
        "es256", "The same with an ES256 token; Envoy with its token cache",
        Work(tls=True, token="es"),
        ("envoy", "hangu", "hangu-inspecting", "haproxy"),
        (("hangu", "envoy", 0.4), ("hangu-inspecting", "envoy", 0.5)),
    ),
    Scenario(
        "durable", "The same with inspection, the event on disk before each response",
        Work(tls=True, token="es"),
        ("hangu-inspecting", "hangu-durable"),
        (),
    ),
    Scenario(
        "mtls", "TLS 1.3 with a client certificate, keep-alive, and nothing else asked of the peers",
        Work(tls=True),
        ("bare-hyper", "hangu", "nginx", "haproxy", "envoy"),
        (),
    ),
    Scenario(
        "connect", "A new connection with a client certificate for every request (X25519)",
        Work(tls=True),
        ("envoy", "hangu", "bare-hyper", "nginx", "haproxy"),
        (("hangu", "envoy", 0.8),),
        fresh=True,
    ),
    Scenario(
        "connect-hybrid", "The same from a client that offers X25519MLKEM768 first",
        Work(tls=True),
        ("hangu", "bare-hyper", "envoy"),
        (),
        fresh=True, exchange="hybrid",
    ),
]  # fmt: skip


def run(ground, scenario, rounds, seconds):
    """All peers of a scenario, taking turns; every other round backwards."""
    live = []
    try:
        for number, name in enumerate(scenario.peers):
            try:
                peer = ground.start(name, scenario.work, number)
            except (NotStarted, FileNotFoundError) as error:
                print(f"  {name} did not start: {error}", flush=True)
                continue
            if peer is None:
                continue
            live.append(peer)
            if faults := peer.faults():
                print(f"  {name} does not do the work: {'; '.join(faults)}\n{peer.process.said()}", flush=True)
                live.remove(peer)
                peer.process.stop()
        seen = {peer.name: [] for peer in live}
        for peer in live:
            peer.measure(0.5, scenario.fresh, scenario.exchange)
        for turn in range(rounds):
            for peer in live if turn % 2 == 0 else reversed(live):
                seen[peer.name].append(peer.measure(seconds, scenario.fresh, scenario.exchange))
        return seen
    finally:
        for peer in live:
            peer.process.stop()


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def ratio(seen, measured, against):
    """The median over rounds of the ratio within each round, so that a slow minute weighs on both."""
    pairs = zip(seen[measured], seen[against])
    return statistics.median(a["cpu_us"] / b["cpu_us"] for a, b in pairs)


def table(scenario, seen):
    lines = [f"\n### {scenario.title}\n"]
    lines += ["| | µs per request | least to most | requests/s | p99 ms | turned away | errors |", "|---|---|---|---|---|---|---|"]
    for name, rows in seen.items():
        costs = [row["cpu_us"] for row in rows]
        lines.append(
            f"| {name} | {statistics.median(costs):.1f} | {min(costs):.1f} to {max(costs):.1f} "
            f"| {median(rows, 'per_second'):.0f} | {median(rows, 'p99_us') / 1000:.1f} "
            f"| {sum(row['bad'] for row in rows)} | {sum(row['errors'] for row in rows)} |"
        )
    for measured, against, most in scenario.targets:
        if measured in seen and against in seen:
            value = ratio(seen, measured, against)
            word = "reached" if value <= most else "MISSED"
            lines.append(f"\n{measured} / {against} = **{value:.2f}**, at most {most}: {word}")
    return "\n".join(lines)


def revision():
    done = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip()


def main():
    names = [scenario.name for scenario in SCENARIOS] + ["memory"]
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(names)}; default: all")
    arguments.add_argument("--rounds", type=int, default=6)
    arguments.add_argument("--seconds", type=float, default=2.0)
    arguments.add_argument("--cache", type=Path, required=True, help="where peers and keys are kept")
    arguments.add_argument("--tools", type=Path, required=True, help="folder of the bare proxies and the generator")
    arguments.add_argument("--hangu", type=Path, required=True, help="the gateway's binary")
    given = arguments.parse_args()
    if unknown := set(given.scenarios) - set(names):
        arguments.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = given.scenarios or names
    material.make(given.cache / "material")
    ground = Ground(given.cache, given.tools.resolve(), given.hangu.resolve())
    began = datetime.datetime.now().astimezone()
    result = {"began": began.isoformat(), "revision": revision(), "load_before": os.getloadavg(), "scenarios": {}}
    print(f"revision {result['revision']}, load {os.getloadavg()[0]:.1f}, {given.rounds} rounds of {given.seconds} s")
    missed = False
    upstream = ground.upstream()
    try:
        for scenario in SCENARIOS:
            if scenario.name in chosen:
                seen = run(ground, scenario, given.rounds, given.seconds)
                text = table(scenario, seen)
                missed |= "MISSED" in text
                print(text, flush=True)
                result["scenarios"][scenario.name] = seen
        if "memory" in chosen:
            rows = memory.run(ground)
            text = memory.table(rows)
            missed |= "MISSED" in text
            print(text, flush=True)
            result["memory"] = rows
    finally:
        upstream.stop()
    result["load_after"] = os.getloadavg()
    folder = ROOT / "bench-results"
    folder.mkdir(exist_ok=True)
    file = folder / f"{began:%Y%m%d-%H%M%S}.json"
    file.write_text(json.dumps(result, indent=1))
    print(f"\n{file.relative_to(ROOT)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
