#!/bin/sh
# Installs what building and testing need and the machine has not got. Say what for:
#   configs/prepare.sh build     a C compiler and cmake, for the cryptography and the compression
#   configs/prepare.sh browser   Chromium, for the tests of the console
# Needs apt (Debian, Ubuntu); elsewhere it names what is missing. The Rust toolchain and Node.js are yours to choose.
set -eu

say() { printf '%s\n' "$*" >&2; }

has() { command -v "$1" >/dev/null 2>&1; }

# Installs Debian packages as root, or through sudo where that asks no password.
fetch() {
    if ! has apt-get; then
        say "缺少软件，请安装： $* · missing, please install: $*"
        return 1
    fi
    as_root=
    if [ "$(id -u)" != 0 ]; then
        if ! has sudo; then
            say "需要管理员权限安装： $* · root is needed to install: $*"
            return 1
        fi
        as_root=sudo
    fi
    say "安装 · installing: $*"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 || true
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

build() {
    # A toolchain that was installed for this user may not be on the path of this shell.
    if ! has cargo; then
        say '没有 Rust 工具链，请按 https://rustup.rs 安装 · no Rust toolchain; install one from https://rustup.rs'
        return 2
    fi
    if ! has node || ! has npm; then
        say '没有 Node.js，请安装 20.19 或更新的版本 · no Node.js; install 20.19 or newer from https://nodejs.org'
        return 2
    fi
    if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
        say "Node.js $(node --version) 太旧，需要 20.19 或更新 · Node.js $(node --version) is too old; 20.19 or newer is needed"
        return 2
    fi
    missing=
    has cc || missing="$missing gcc libc6-dev"
    has c++ || missing="$missing g++"
    has cmake || missing="$missing cmake"
    has make || missing="$missing make"
    has pkg-config || missing="$missing pkg-config"
    has curl || missing="$missing curl ca-certificates"
    # shellcheck disable=SC2086 # a list of words
    [ -z "$missing" ] || fetch $missing
}

browser() {
    has chromium || has chromium-browser || has google-chrome || fetch chromium
}

case "${1-}" in
build) build ;;
browser) browser ;;
*)
    say 'usage: configs/prepare.sh build|browser'
    exit 2
    ;;
esac
