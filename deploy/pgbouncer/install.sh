#!/bin/sh
# Installs PgBouncer: through apt (as root) or Homebrew. A pooler is optional: nothing of the swarm needs one, its tests look for one.
#   sh deploy/pgbouncer/install.sh
# Debian's package may also start a service on port 6432, which the swarm ignores.
set -eu

has() { command -v "$1" >/dev/null 2>&1; }

if [ "$(id -u)" = 0 ] && has apt-get; then
  # An outdated package list is the usual reason for a failure: tried again after an update.
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y --no-install-recommends pgbouncer >&2 ||
    { apt-get update >&2 && apt-get install -y --no-install-recommends pgbouncer >&2; }
elif has brew && [ "$(id -u)" != 0 ]; then
  brew install pgbouncer >&2
else
  echo "pgbouncer install: neither apt as root nor brew is here; install pgbouncer and put it on PATH" >&2
  exit 1
fi
