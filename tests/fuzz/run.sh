#!/bin/sh
# Fuzzes a target, or keeps what fuzzing it has found. `make fuzz` calls it.
#
#   tests/fuzz/run.sh TARGET [SECONDS] [OPTION...]   fuzzes for so long (default: 60), with further options of libFuzzer
#   tests/fuzz/run.sh keep TARGET                    puts the smallest set of inputs that reaches as much into corpus/TARGET
#   tests/fuzz/run.sh list                           the targets
#
# What the fuzzer makes up stays in the user's cache folder; an input that breaks a target stands in artifacts/TARGET.
# Once the fault is mended, give the input a name and put it into corpus/TARGET, where `make test` replays it.
# Needs cargo-fuzz and a nightly toolchain. FUZZ_SANITIZER=address also looks for faults of memory, at half the speed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${XDG_CACHE_HOME:-$HOME/.cache}/hangu/fuzz
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$here/target}/fuzz"
# Targets that write files write them into memory.
[ ! -d /dev/shm ] || export TMPDIR=/dev/shm

say() { printf '%s\n' "$*" >&2; }

targets() { (cd "$here/src/bin" && ls) | sed 's/\.rs$//'; }

known() {
    [ -n "$1" ] && [ -f "$here/src/bin/$1.rs" ] && return
    say "没有目标 $1；可用的有： · no target \`$1\`; there are:"
    targets >&2
    exit 2
}

fuzz() {
    sub=$1 target=$2
    shift 2
    if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
        say '需要 cargo-fuzz 与 nightly 工具链 · needed: `cargo install --locked cargo-fuzz` and `rustup toolchain install nightly`'
        exit 2
    fi
    cargo +nightly fuzz "$sub" --fuzz-dir "$here" --sanitizer "${FUZZ_SANITIZER:-none}" \
        --features "${target%%_*}" "$target" "$@"
}

case "${1-list}" in
list) targets ;;
keep)
    target=${2-}
    known "$target"
    kept=$work/$target.kept
    rm -rf "$kept"
    mkdir -p "$kept" "$work/$target"
    fuzz run "$target" "$kept" "$here/corpus/$target" "$work/$target" -- -set_cover_merge=1
    # Inputs with names of their own were chosen by somebody, and stay.
    find "$here/corpus/$target" -type f | grep -E '/[0-9a-f]{40}$' | xargs -r rm --
    for input in "$kept"/*; do
        cmp -s "$input" "$here/corpus/$target/${input##*/}" || cp "$input" "$here/corpus/$target/"
    done
    du -sh "$here/corpus/$target"
    ;;
*)
    target=$1
    known "$target"
    seconds=${2-60}
    [ $# -lt 2 ] || shift
    shift
    mkdir -p "$work/$target" "$here/artifacts/$target"
    words=$here/dictionaries/${target%%_*}
    [ ! -f "$words" ] || set -- "-dict=$words" "$@"
    cd "$here"
    fuzz run "$target" "$work/$target" "$here/corpus/$target" -- -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 -artifact_prefix="$here/artifacts/$target/" "$@"
    ;;
esac
