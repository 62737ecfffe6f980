#!/bin/sh
# Attack tools against a site that is weak on purpose, without the gateway and through it. `make attack-tools` calls it.
# It needs root (the site gives up its rights to `nobody`) and Debian's packages, which it installs where they are
# missing. HANGU_BIN is the gateway, target/release/hangu if it is not set. Arguments choose: see attack.py --help.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
HANGU_BIN=${HANGU_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/hangu}
export HANGU_BIN HANGU_SHARED_DATA="${HANGU_SHARED_DATA:-$root/../shared/data}"

if [ "$(id -u)" != 0 ]; then
	echo 'skipped: the weak site gives up its rights to `nobody`, and only root can'
	exit 0
fi
if [ ! -x "$HANGU_BIN" ]; then
	echo "no gateway at $HANGU_BIN; build it with: cargo build --release --bin hangu" >&2
	exit 2
fi
# wfuzz and dirb are there for their lists. commix and xsser are asked for where a distribution has them.
for tool in sqlmap wapiti ffuf wfuzz dirb commix xsser; do
	command -v "$tool" >/dev/null && continue
	if [ -n "$(apt-cache show "$tool" 2>/dev/null)" ]; then
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$tool" >/dev/null 2>&1 || true
	fi
	command -v "$tool" >/dev/null || echo "skipped: no $tool here"
done
exec /usr/bin/python3 "$here/attack.py" "$@"
