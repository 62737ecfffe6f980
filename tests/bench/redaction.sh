#!/bin/sh
# What redaction finds, finds wrongly and leaves of every kind, beside the expressions that gateways usually ship and
# Presidio's recognisers; then how many rows of an export name its recipient. `make bench` calls it. Presidio is kept in the
# user's cache folder; where it cannot be installed, its columns stay empty.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hangu/bench
mkdir -p "$cache"

say() { printf '%s\n' "$*" >&2; }

measure() { (cd "$root" && cargo bench --quiet --locked -p hangu-redact --bench "$@"); }

presidio=${PRESIDIO_PYTHON:-$cache/presidio/bin/python}
if [ ! -x "$presidio" ]; then
    python3 -m venv "$cache/presidio" && "$presidio" -m pip install -q presidio-analyzer >&2 ||
        say 'Presidio 无法安装，其结果留空 · Presidio cannot be installed: its columns stay empty'
fi
measure accuracy -- --dump "$cache/documents"
: >"$cache/presidio.found"
if "$presidio" -c 'import presidio_analyzer' 2>/dev/null; then
    "$presidio" "$root/gateway/redact/benches/accuracy/presidio.py" "$cache/documents" >"$cache/presidio.found" ||
        say 'Presidio 未能运行，其结果留空 · Presidio did not run: its columns stay empty'
fi
status=0
measure accuracy -- --beside "$cache/presidio.found" || status=$?
measure watermark || status=$?
exit "$status"
