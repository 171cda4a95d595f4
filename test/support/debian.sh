#!/bin/sh
# Installs what the tests run beside npm's packages: dig, kdig, drill, delv, BIND and its dnssec-* tools, ldns-verify-zone,
# NSD, Knot's keymgr, Unbound, Postfix, Exim, HAProxy, fail2ban, Redis with Sentinel, promtool, isoquery, faketime, curl, ip, openssl, perl,
# MaxMind's writer of databases, debootstrap, kubectl, dnsviz, Python with pyspf, a reader of MTA-STS policies (postfix-mta-sts-resolver), mandoc, zsh, fish, and for the console Chromium, nginx and w3m.
# Silent where nothing is missing. On Debian and its like it asks apt-get (as root, or through sudo);
# elsewhere it names what is missing and exits 1. Leaves no service running.
set -eu

PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export PATH

# command, or `py-` and a module of Debian's Python, or `pl-` and a file of Perl's → Debian package
needed='dig:bind9-dnsutils named-compilezone:bind9-utils postfix:postfix named:bind9 nsd:nsd kdig:knot-dnsutils
delv:bind9-dnsutils dnssec-signzone:bind9-utils dnssec-verify:bind9-utils ldns-verify-zone:ldnsutils
redis-server:redis-server drill:ldnsutils
faketime:faketime unbound:unbound ip:iproute2 openssl:openssl haproxy:haproxy fail2ban-regex:fail2ban
keymgr:knot exim4:exim4-daemon-light curl:curl perl:perl-base promtool:prometheus systemd-socket-activate:systemd isoquery:isoquery
pl-MaxMind/DB/Writer.pm:libmaxmind-db-writer-perl debootstrap:debootstrap kubectl:kubernetes-client
/usr/bin/python3:python3 py-DNS:python3-dns py-spf:python3-spf dnsviz:dnsviz
mta-sts-query:postfix-mta-sts-resolver chromium:chromium nginx:nginx-light w3m:w3m mandoc:mandoc zsh:zsh fish:fish'

fail() {
  printf 'pretest: %s\n' "$*" >&2
  exit 1
}

check_node() {
  version=$(node --version 2>/dev/null) || fail 'no node found: run npm ci'
  major=${version#v}
  minor=${major#*.}
  major=${major%%.*}
  minor=${minor%%.*}
  if [ "$major" -gt 22 ] || { [ "$major" -eq 22 ] && [ "$minor" -ge 18 ]; }; then return; fi
  fail "node $version is too old, 22.18 is needed: run npm ci, which brings its own, and then npm test"
}

has() {
  case $1 in
  py-*) /usr/bin/python3 -c "import ${1#py-}" ;;
  pl-*) perl -e 'require shift' "${1#pl-}" ;;
  *) command -v "$1" ;;
  esac >/dev/null 2>&1
}

missing_packages() {
  for pair in $needed; do
    has "${pair%%:*}" || printf '%s\n' "${pair##*:}"
  done | sort -u | tr '\n' ' ' | sed 's/ $//'
}

missing_commands() {
  for pair in $needed; do
    has "${pair%%:*}" || printf '%s ' "${pair%%:*}"
  done
}

# A package's service must not start: the policy stands only while apt-get runs, and only if there is none yet.
policy=/usr/sbin/policy-rc.d
forbid_services() {
  [ -e "$policy" ] && return
  trap '$sudo rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
  $sudo chmod 755 "$policy"
}

apt() {
  $sudo env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq -y \
    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}

install() {
  case " $* " in
  *' postfix '*)
    printf 'postfix postfix/main_mailer_type select No configuration\n' |
      $sudo debconf-set-selections
    ;;
  esac
  # Lists that are there and fresh need no update; the second try tells what is wrong.
  apt install --no-install-recommends "$@" >/dev/null 2>&1 && return
  apt update >/dev/null && apt install --no-install-recommends "$@" >/dev/null
}

# Exim and Postfix exclude each other as packages: so Exim's program alone, beside the libraries that it needs.
install_exim() {
  apt install --no-install-recommends libdb5.3 libgnutls-dane0 libidn12 libnsl2 libpcre2-8-0 >/dev/null
  getent passwd Debian-exim >/dev/null ||
    $sudo useradd --system --user-group --no-create-home --shell /usr/sbin/nologin Debian-exim
  folder=$(mktemp -d)
  chmod 755 "$folder"
  (cd "$folder" && apt-get -qq -o APT::Sandbox::User=root download exim4-daemon-light && dpkg -x ./*.deb .)
  $sudo cp "$folder/usr/sbin/exim4" /usr/local/sbin/exim4
  rm -rf "$folder"
}

check_node
packages=$(missing_packages)
[ -z "$packages" ] && exit 0

command -v apt-get >/dev/null 2>&1 ||
  fail "the tests need these commands, please install them: $(missing_commands)"
sudo=''
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 ||
    fail "neither root nor sudo: as root, run apt-get install $packages"
  sudo=sudo
fi
printf 'pretest: installing for the tests through %sapt-get: %s\n' "${sudo:+sudo }" "$packages"
forbid_services
others=$(printf '%s' " $packages " | sed 's/ exim4-daemon-light / /')
# shellcheck disable=SC2086 -- a list of words
[ -z "${others# }" ] || install $others || fail "apt-get could not install $others"
case " $packages " in
*' exim4-daemon-light '*) install_exim || fail "could not fetch exim4-daemon-light" ;;
esac
left=$(missing_commands)
[ -z "$left" ] || fail "still missing after installing $packages: $left"
