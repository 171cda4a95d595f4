#!/bin/sh
# Installs what bench/side-by-side.ts compares with, where apt-get can: gdnsd, Knot, PowerDNS and dnsperf.
# What cannot be installed is told and left out; no service is left running.
set -u

PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export PATH
needed='gdnsd:gdnsd knotd:knot pdns_server:pdns-server dnsperf:dnsperf dig:bind9-dnsutils dnssec-keygen:bind9utils taskset:util-linux'

missing=''
for pair in $needed; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
[ -z "$missing" ] && exit 0
command -v apt-get >/dev/null 2>&1 || {
  printf 'bench: not installed, and no apt-get:%s\n' "$missing" >&2
  exit 0
}
sudo=''
[ "$(id -u)" -eq 0 ] || sudo=sudo

# A package's service must not start: the policy stands only while apt-get runs, and only if there is none yet.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '$sudo rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
  $sudo chmod 755 "$policy"
fi
apt() {
  $sudo env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq -y \
    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" >/dev/null 2>&1
}
for package in $missing; do
  [ "$package" = pdns-server ] && package='pdns-server pdns-backend-bind'
  # shellcheck disable=SC2086 -- one package or two
  apt install --no-install-recommends $package || { apt update && apt install --no-install-recommends $package; } ||
    printf 'bench: %s could not be installed and is left out\n' "$package" >&2
done
exit 0
