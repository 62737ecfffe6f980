#!/bin/sh
# What a decision costs here, in the casbin crate, in Cedar and in Regorus, in one run. `make bench-policy` calls it;
# arguments are the most rules and the names of engines (`tests/bench-policy/run.sh 10000 cedar`).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
built=${CARGO_TARGET_DIR:+$CARGO_TARGET_DIR/bench-policy}
built=${built:-$here/target}
cargo build --release --quiet --locked --manifest-path "$here/Cargo.toml" --target-dir "$built"
exec "$built/release/hangu-bench-policy" "$@"
