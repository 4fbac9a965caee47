#!/usr/bin/env bash
# Runs the foreign WebRTC stacks against rejoin, with `lab` in the laboratory; installs what is missing when it may.
# Says SKIP and why, and succeeds, only where something cannot be installed.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"

skip() {
    printf '\n################ SKIP interop: %s\n\n' "$1" >&2
    exit 0
}

# Installs a Debian package if its command is missing; succeeds also where it cannot, the suite tells what is not there.
want() {
    local command=$1 package=$2
    if command -v "$command" >/dev/null || [ -x "/usr/sbin/$command" ]; then
        return
    fi
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get install -y --no-install-recommends "$package" ||
            { apt-get update && apt-get install -y --no-install-recommends "$package"; } ||
            echo "$package cannot be installed" >&2
    else
        echo "$package is missing and not installable here" >&2
    fi
}

command -v npm >/dev/null || skip "there is no Node with npm; install Node 20.14 or later"
node --test-force-exit -e 0 2>/dev/null || skip "Node $(node --version) is too old; install Node 20.14 or later"
[ -n "${CHROMIUM-}" ] || want chromium chromium
want nft nftables
want ip iproute2
want unshare util-linux

# npm writes this file last, so what is there is whole and as locked.
if [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --no-audit --no-fund || skip "npm ci failed; is the registry in reach?"
fi

if [ "${1-}" = lab ]; then
    cd ../..
    cargo build --release -p rejoin-cli
    exec cargo run --release -p rejoin-lab -- suite --foreign --seed 1
fi

# Always: a stale binary would be tested for the new one.
(cd ../.. && cargo build -p rejoin-cli)
REJOIN=${CARGO_TARGET_DIR:-$PWD/../../target}/debug/rejoin
export REJOIN

exec node run.mjs
