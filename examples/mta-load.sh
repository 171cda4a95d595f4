#!/bin/sh
# How much mail this host wants: one word for mxsteer, by the active queue and the free disk.
#
#   mta-load.sh                 prints a HAProxy agent line: "75%", "drain#disk 97% full" …
#   mta-load.sh --push URL      tells it to an admin server: PUT URL, e.g.
#                               http://192.0.2.53:8053/targets/mx1/load
#
# As an agent it runs under a socket unit (mta-load.socket, mta-load@.service) or inetd:
#   9777 stream tcp nowait nobody /usr/local/bin/mta-load.sh mta-load.sh
# As a pusher it runs from cron or a timer each minute; the token is read from a file, never given as an argument.
#
# Deferred mail is not counted: it waits for others, and says nothing of what this host can take.
#
# Settings, from the environment:
#   MTA           postfix or exim; found out if absent
#   QUEUE_LIMIT   messages in the active queue that mean a load of 1 (default 1000)
#   SPOOL         the file system that mail is taken in on (default /var/spool)
#   DISK_DRAIN    per cent full from which no mail is wanted (default 95)
#   DRAIN_FILE    while this file exists no mail is wanted (default /etc/mxsteer-drain)
#   TOKEN_FILE    of the load token, for --push (default /etc/mxsteer-load.token)
#   KEEP          for how long what is pushed counts (default 3m)

set -eu

QUEUE_LIMIT=${QUEUE_LIMIT:-1000}
SPOOL=${SPOOL:-/var/spool}
DISK_DRAIN=${DISK_DRAIN:-95}
DRAIN_FILE=${DRAIN_FILE:-/etc/mxsteer-drain}
TOKEN_FILE=${TOKEN_FILE:-/etc/mxsteer-load.token}
KEEP=${KEEP:-3m}

find_mta() {
  if command -v postqueue >/dev/null 2>&1; then
    echo postfix
  elif command -v exim4 >/dev/null 2>&1 || command -v exim >/dev/null 2>&1; then
    echo exim
  else
    echo none
  fi
}

# Messages that this host works on now. postqueue marks them with a star behind the queue id. Exim has no such
# queue: there it is the deliveries that run, one process each.
count_active() {
  case ${MTA:-$(find_mta)} in
  postfix) postqueue -p | grep -c '^[0-9A-Za-z]*\*' || true ;;
  exim) (exiwhat 2>/dev/null || true) | grep -c 'delivering' || true ;;
  *) echo 0 ;;
  esac
}

disk_percent() {
  df -P "$SPOOL" | awk 'NR == 2 { sub("%", "", $5); print $5 }'
}

active=$(count_active)
disk=$(disk_percent)

if [ -e "$DRAIN_FILE" ]; then
  reason="$DRAIN_FILE exists"
elif [ "$disk" -ge "$DISK_DRAIN" ]; then
  reason="disk $disk% full"
else
  reason=
fi

# In per cent of the limit, and what is left of it: never 0, which would be a drain.
load=$((active * 100 / QUEUE_LIMIT))
left=$((100 - load))
[ "$left" -ge 10 ] || left=10

push() {
  if [ -n "$reason" ]; then
    word='"share": 0'
  else
    word="\"load\": $((load / 100)).$(printf '%02d' $((load % 100)))"
  fi
  # From a file descriptor, so that no list of processes shows the token.
  printf 'header = "authorization: Bearer %s"\n' "$(head -n 1 "$TOKEN_FILE")" |
    curl --config - --silent --show-error --fail --max-time 10 --output /dev/null \
      --request PUT --header 'content-type: application/json' \
      --data "{$word, \"for\": \"$KEEP\"}" "$1"
}

case ${1:-} in
--push) push "${2:?the URL is missing}" ;;
'')
  if [ -n "$reason" ]; then
    echo "drain#$reason"
  else
    echo "ready up $left%"
  fi
  ;;
*)
  echo "usage: $0 [--push URL]" >&2
  exit 2
  ;;
esac
