#!/bin/sh
# Installs nats-server: through apt (as root) or Homebrew, else the official release into the directory given.
#   sh deploy/nats/install.sh [directory, default $HOME/.synth-swarm/bin]
# Promises: nothing that was downloaded is run before its sha256 was found equal to the one below; on failure
# nothing is left in the directory. Debian's package also starts a service on port 4222, which the swarm ignores.
# SWARM_NATS_INSTALL=release skips the package managers.
set -eu

directory=${1:-"$HOME/.synth-swarm/bin"}
how=${SWARM_NATS_INSTALL:-any}

# sha256 of the release tarballs of this version, as in its SHA256SUMS and in the Dockerfiles of nats-io/nats-docker.
version=2.11.8
sha256_of() {
  case "$1" in
    linux-amd64) echo 397a6deffb5533e160de0cca322bc3dcaec7fb7282d66a3dfa87a9c183152ad1 ;;
    linux-arm64) echo b08936cb1dc0ae7086137bda14c352df64397c4af45ed2b392705c19585aeb84 ;;
    darwin-amd64) echo 002c943c1ed39c55cc5e024debfc02685111fcb2b1cbd887aad39ac977037477 ;;
    darwin-arm64) echo 23e0c5354c2da385708946a21900c944fcb9a3bbfd02aae27a4ae750dea0b682 ;;
    *) fail "there is no pinned nats-server release for $1; install nats-server 2.9 or newer and put it on PATH" ;;
  esac
}

fail() {
  echo "nats install: $*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

if [ "$how" = any ]; then
  if [ "$(id -u)" = 0 ] && has apt-get; then
    # An outdated package list is the usual reason for a failure: tried again after an update.
    export DEBIAN_FRONTEND=noninteractive
    if apt-get install -y --no-install-recommends nats-server >&2 ||
      { apt-get update >&2 && apt-get install -y --no-install-recommends nats-server >&2; }; then
      exit 0
    fi
    echo "nats install: apt has no nats-server for this system; fetching the official release" >&2
  elif has brew && [ "$(id -u)" != 0 ]; then
    brew install nats-server >&2 && exit 0
    echo "nats install: brew could not install nats-server; fetching the official release" >&2
  fi
fi

case "$(uname -s)" in
  Linux) os=linux ;;
  Darwin) os=darwin ;;
  *) fail "unknown system $(uname -s); install nats-server 2.9 or newer and put it on PATH" ;;
esac
case "$(uname -m)" in
  x86_64 | amd64) cpu=amd64 ;;
  aarch64 | arm64) cpu=arm64 ;;
  *) fail "unknown processor $(uname -m); install nats-server 2.9 or newer and put it on PATH" ;;
esac

name="nats-server-v$version-$os-$cpu"
wanted=$(sha256_of "$os-$cpu")
# SWARM_NATS_MIRROR: where the same tarballs lie, for networks without GitHub. The checksum is the same.
from="${SWARM_NATS_MIRROR:-https://github.com/nats-io/nats-server/releases/download}/v$version/$name.tar.gz"

draft=$(mktemp -d)
trap 'rm -rf "$draft"' EXIT
trap 'exit 1' HUP INT TERM

if has curl; then
  curl --fail --silent --show-error --location --proto '=https,file' --retry 3 --max-time 240 -o "$draft/nats.tar.gz" "$from" ||
    fail "$from could not be fetched; install nats-server 2.9 or newer by hand and put it on PATH"
elif has wget; then
  wget -q -O "$draft/nats.tar.gz" "$from" ||
    fail "$from could not be fetched; install nats-server 2.9 or newer by hand and put it on PATH"
else
  fail "neither curl nor wget is here to fetch $from"
fi

if has sha256sum; then
  got=$(sha256sum "$draft/nats.tar.gz" | cut -d ' ' -f 1)
else
  got=$(shasum -a 256 "$draft/nats.tar.gz" | cut -d ' ' -f 1)
fi
[ "$got" = "$wanted" ] || fail "$from has sha256 $got and should have $wanted; it was not used"

tar -xzf "$draft/nats.tar.gz" -C "$draft"
mkdir -p "$directory"
chmod 755 "$draft/$name/nats-server"
# Into the same directory first: a rename there is atomic, and a running old server is not disturbed.
cp "$draft/$name/nats-server" "$directory/.nats-server.$$"
mv "$directory/.nats-server.$$" "$directory/nats-server"
echo "nats install: $directory/nats-server $version" >&2
