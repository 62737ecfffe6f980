#!/bin/sh
# The Core Rule Set here and in libmodsecurity, in one run: agreement, differences, processor time. `make bench-crs`
# calls it. It needs a C compiler, libmodsecurity-dev and the conformance data (HANGU_SHARED_DATA).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
data=${HANGU_SHARED_DATA:-$root/../shared/data}
count=${1:-4000}
if [ ! -d "$data/crs" ]; then
	echo 'skipped: no Core Rule Set; set HANGU_SHARED_DATA to the folder of conformance data'
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! ${CC:-cc} -O2 -o "$work/modsecurity" "$here/modsecurity.c" -lmodsecurity 2>"$work/log"; then
	echo 'skipped: no libmodsecurity-dev, or no C compiler:'
	head -n 3 "$work/log"
	exit 0
fi
cargo build --release --quiet --locked --manifest-path "$root/Cargo.toml" -p hangu-inspect --example devset --example rules
built=${CARGO_TARGET_DIR:-$root/target}/release/examples
"$built/devset" write "$data" "$work/requests" --ordinary "$count" >/dev/null
"$built/rules" "$work/modsecurity" "$here/reasons.txt" "$work/requests" \
	"$here/rules.conf" "$data/crs/crs-setup.conf.example" "$data"/crs/rules/*.conf
