#!/bin/sh
# The sign-in page and the console in a real browser, against the real gateway with the sample portals behind it.
#   HANGU_BIN          the gateway; default: target/debug/hangu
#   HANGU_PORTALS_BIN  the sample portals; default: beside the gateway
#   CHROMIUM           the browser; default: the one that is installed
#   OUT                a folder for pictures of what was seen; default: none are taken
# Exit status 0 also when something to test with is missing: it says so then.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)

skip() {
    printf 'skipped: %s\n' "$*"
    exit 0
}

target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$root/$target ;; esac
HANGU_BIN=${HANGU_BIN:-$target/debug/hangu}
HANGU_PORTALS_BIN=${HANGU_PORTALS_BIN:-$(dirname "$HANGU_BIN")/hangu-portals}
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
export HANGU_BIN HANGU_PORTALS_BIN CHROMIUM

command -v node >/dev/null || skip 'no Node.js, so the console was not driven'
[ -n "$CHROMIUM" ] && [ -x "$CHROMIUM" ] || skip 'no Chromium, so the console was not driven'
for binary in "$HANGU_BIN" "$HANGU_PORTALS_BIN"; do
    [ -x "$binary" ] || skip "no $binary, so the console was not driven"
done

if [ ! -e node_modules/.installed ] || [ package-lock.json -nt node_modules/.installed ]; then
    npm ci --no-progress --silent
    touch node_modules/.installed
fi
exec node --test --test-concurrency=1
