#!/bin/sh
# Installs the programs that chat-bench compares with, from the packages of Debian and Ubuntu. All are optional:
# chat-bench reports a missing one and leaves it out. It starts its own copies on free ports, so the services of newly
# installed packages are stopped.
set -eu

packages="redis-server nats-server mosquitto ngircd inspircd netcat-openbsd ripgrep moreutils python3"

as_root=""
[ "$(id -u)" -eq 0 ] || as_root=sudo

$as_root apt-get update
for package in $packages; do
  # A package that was installed before, and its service, belong to the owner of the machine.
  dpkg -s "$package" >/dev/null 2>&1 && continue
  if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package"; then
    # Continue without a package that this release does not have.
    echo "install-peers: could not install $package; chat-bench will leave it out" >&2
    continue
  fi
  $as_root systemctl disable --now "$package" 2>/dev/null || true
done
