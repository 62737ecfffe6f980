"""Runs every tool against the weak site and against the gateway before it, and prints what each achieved.

What an attack achieved is told by the site itself (see weak/): `exploited` counts requests that read, ran or redirected
what they should not, `found` says whether the tool reports a weakness. Without the gateway every tool has to achieve
something, or the run proves nothing; through the gateway, which inspects as it does by default, nothing may.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import tools
from site_and_gateway import Place

MARK = "hangu-request-id"
LINE = "{:<8} {:<34} {:>9} {:>9} {:>7} {:>9} {:>9} {:>7}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="a word in the name of a run, such as `sqlmap` or `tamper`")
    parser.add_argument("--short", action="store_true", help="one run of each tool: under two minutes")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for what tools and site said")
    asked = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="attack-tools-"))
    runs = [run for run in tools.all_runs(folder, os.environ.get("HANGU_SHARED_DATA", ""))
            if asked.only in f"{run.tool} {run.name}" and (run.short or not asked.short)]  # fmt: skip
    if not runs:
        print("skipped: none of the tools is here")
        return 0
    print("Without the gateway, and through it: injected and exploited requests, and whether the tool reports a weakness")
    print(LINE.format("tool", "run", "injected", "exploited", "found", "injected", "exploited", "found"))
    failed = False
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Place(folder, os.environ["HANGU_BIN"]) as place:
        for run in runs:
            direct = attempt(run, place, place.site)
            through = attempt(run, place, place.gateway)
            void = not (direct["exploited"] or direct["found"])
            passed = through["exploited"] or through["found"] and not run.beyond
            failed |= bool(void or passed)
            note = "  proves nothing" if void else "  GETS THROUGH" if passed else ""
            cells = [str(side[key]) if key != "found" else ("yes" if side[key] else "-")
                     for side in (direct, through) for key in ("injected", "exploited", "found")]  # fmt: skip
            print(LINE.format(run.tool, run.name, *cells) + note, flush=True)
            for effect in through["effects"][:5]:
                print(f"    {effect['fault']}: {effect['method']} {effect['target'][:300]} {effect['body'][:200]}")
    if asked.keep:
        shutil.copytree(folder, asked.keep, dirs_exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return int(failed)


def attempt(run, place, base):
    """One run against one address."""
    start = place.effects.stat().st_size
    report = place.folder / f"{run.tool}-{run.name.replace(' ', '-').replace('/', '')}-{base.rsplit(':', 1)[1]}"
    log = report.with_suffix(".log")
    with log.open("wb") as out:
        try:
            subprocess.run(
                run.command(base, report), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                timeout=run.seconds, check=False, cwd=place.folder,
                env={**os.environ, "HOME": str(place.folder)},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            out.write(b"\nstopped: out of time\n")
    # What a request did is written before it is answered, but a tool may leave before the answer.
    time.sleep(0.5)
    with place.effects.open(encoding="utf-8") as told:
        told.seek(start)
        effects = [json.loads(line) for line in told]
    # A slow statement may tell of itself when its tool is long gone: what came through the gateway bears its mark.
    through = base == place.gateway
    effects = [effect for effect in effects if (MARK in map(str.lower, effect["headers"])) == through]
    injected = [effect for effect in effects if effect["effect"] == "injected"]
    exploited = [effect for effect in effects if effect["effect"] == "exploited" and effect["fault"] not in run.beyond]
    return {
        "injected": len(injected),
        "exploited": len(exploited),
        "found": run.found(report, log.read_text(encoding="utf-8", errors="replace")),
        "effects": exploited,
    }


if __name__ == "__main__":
    sys.exit(main())
