#!/bin/sh
# Installs the programs that chat-bench compares with, as Debian and Ubuntu package them. None is needed: chat-bench
# leaves out what is not there and says so. chat-bench starts its own copies on free ports; the services that the
# packages would start are not left running.
set -eu

packages="redis-server nats-server mosquitto ngircd inspircd netcat-openbsd ripgrep moreutils python3"

as_root=""
[ "$(id -u)" -eq 0 ] || as_root=sudo

$as_root apt-get update
for package in $packages; do
  # What was here before is somebody's, and so is its service.
  dpkg -s "$package" >/dev/null 2>&1 && continue
  if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package"; then
    # One that this release does not have must not keep the others away.
    echo "install-peers: $package is not to be had here; chat-bench will leave it out" >&2
    continue
  fi
  $as_root systemctl disable --now "$package" 2>/dev/null || true
done
