// The text of `mxsteer --help`. docs/operations.md describes each flag; test/docs.test.ts compares
// them.

import { settingFlags } from '../settings/settings-table.ts'

const flagColumns = 22

/** One line for each flag of `serve`, from the table of settings. */
const flagLines = settingFlags
  .map(({ name, value, help }) => `  ${`--${name} ${value}`.padEnd(flagColumns)}${help}`)
  .join('\n')

export const helpText: string = `mxsteer: an authoritative DNS server that steers mail

  mxsteer serve [options]            answer queries, probe the targets
  mxsteer check [PATH...] [--live]  read zone files, or folders of them, name every mistake, serve nothing
  mxsteer check [DIR] --diff DIR     which names the other folder answers differently, and for whom
  mxsteer import FILE... [options]   zone files out of master files, or of a zone that a server transfers
  mxsteer test CASES [--zones DIR]   what zones are to answer, as assertions: shares, first places, TTLs
  mxsteer schema [zone|settings]     JSON Schema of zone files, or of the settings, for editors
  mxsteer simulate NAME [TYPE]       who would be chosen how often, in all and at each place
  mxsteer probe HOST[:PORT] [options]  one probe, its dialogue printed as it goes
  mxsteer doctor [options]           delegation, glue, name servers, store, port 25, databases: what to mend
  mxsteer delegation [ZONE]          what the parent, and the domain whose mail it is, have to publish
  mxsteer mta-sts [ZONE|DOMAIN]      the policy of MTA-STS to be hosted, and the TXT record that tells of it
  mxsteer tlsa TARGET                what a target presents by STARTTLS, its TLSA records, and what may be replaced when
  mxsteer keys generate ZONE         a new key to sign a zone with, and the DS for its parent
  mxsteer keys ds ZONE               DS records for the parent
  mxsteer keys import FILE...        keys of BIND, Knot and PowerDNS
  mxsteer keys status [ZONE]         what each key does, what comes next and what it waits for
  mxsteer keys rollover ZONE         another key in place of one, step by step: run again until it exits with 0
  mxsteer keys request ZONE          what a key that is kept offline is to sign, for keys sign
  mxsteer keys sign FILE             offline, with that key: DNSKEY signed for months, for the folder of keys
  mxsteer keys retire ZONE           the way to an unsigned zone, step by step

  of a running server:
  mxsteer health                     exits with 0 if it is alive, ready or not: for what restarts it
  mxsteer explain NAME [TYPE]        why a client is answered what it is, stage by stage
  mxsteer status [--watch]           how it stands: ready or not, other instances, pools, targets, overrides
  mxsteer targets [--zone ZONE]      every target: its weight and the parts of it, why it is out, its state
  mxsteer coherence [ZONE]           every target and the names around it: certificate, TLSA, MTA-STS, greeting, PTR, SPF
  mxsteer drain TARGET --for 2h      no new mail for a target, while anyone else is left
  mxsteer undrain TARGET             the end of that, and of disable
  mxsteer weight TARGET 50% --for 1d a part of its weight; 3: another weight; --share 10%: of its pool
  mxsteer disable TARGET             as drain, and behind the drained ones; without --for until undone
  mxsteer up TARGET --for 1h         taken as up, whatever its probes say
  mxsteer extend TARGET|ID --for 2h  another end, or reason (--why), for an override
  mxsteer undo TARGET|ID             the end of every override of a target, or of one

serve
${flagLines}
  --take-over           with the sockets of the server of this instance that runs; that one leaves

check
  --strict              exit 1 for warnings too
  --json                mistakes and warnings as JSON; with --diff what differs
  --keys DIR            look at the keys of signed zones too, in this folder
  --names               every target and the names around it, as far as the files say
  --state FILE          judge the files by what a server had handed out: its state file, INSTANCE.state
  --live                probe every target once, look at names, PTR and DNS lists where pools have identity:,
                        and with DOMAIN... whether their SPF allows every target that sends
  --resolver ADDR:PORT  whom to ask (default: the setting resolver, else this host's first)
  --policy-port PORT    where policies of MTA-STS are hosted (default: 443)

mta-sts, tlsa
  --zones DIR           folder of zone files (default: as serve has it)
  --zone ZONE           tlsa: where several zones have the target
  --usage NUMBER        tlsa: 3, of its certificate (default), or 2, of the last one of its chain
  --selector NUMBER     tlsa: 1, the public key (default), or 0, the whole certificate
  --matching NUMBER     tlsa: 1, SHA-256 (default), or 2, SHA-512
  --admin ADDR:PORT     tlsa: the running server, which knows what caches hold (default: as serve has it)
  --json                the same as JSON

import
  --zone NAME           of which zone the file is (default: as its SOA, $ORIGIN or name say)
  --axfr SERVER[#PORT]  ask this server for the zone, in place of a file; without TSIG
  --steer               write what looks like a pool of MTAs as targets, pools and steering
  --directory DIR       what $INCLUDE is relative to (default: the folder of the file)
  --output PATH         or -o PATH: the file, or a folder for several (default: standard output)
  --force               overwrite it

delegation
  --format FORMAT       text (default), bind, octodns or terraform
  --domain NAME         a mail domain elsewhere whose MX is to lead here
  --mx NAMES            exchanges of the zone that it lists, with commas, where there are several
  --parent NAME         the zone above (default: the name above)
  --ttl SECONDS         of the records (default: 3600)
  --zones DIR           folder of zone files (default: as serve has it)
  --keys DIR            folder of keys (default: as the setting dnssec names it)

doctor
  --zones DIR           folder of zone files (default: as serve has it)
  --zone ZONE           of one zone alone
  --domain NAME         a mail domain too: whether its MX lead here, and its SPF record and MTA-STS policy fit
  --elsewhere NAME      an exchange of others that it is meant to have; may be repeated
  --resolver ADDR:PORT  whom to ask (default: the setting resolver, else this host's first)
  --port PORT           where name servers listen (default: 53)
  --policy-port PORT    where policies of MTA-STS are hosted (default: 443)
  --egress HOST[:PORT]  an MTA to reach (default: some of the targets)
  --peer ADDR:PORT      admin server of another instance, to compare clocks with; may be repeated
  --json                the same as JSON

keys
  --keys DIR            folder of keys (default: as the setting dnssec names it)
  --algorithm NUMBER    generate, rollover: 13 (ECDSA P-256, default of generate) or 15 (Ed25519)
  --split               generate: one key for DNSKEY (flags 257), one for all else (256)
  --zsk                 generate, import: a key with flags 256, in place of 257; rollover: of that key
  --ksk                 rollover: of the key with flags 257, where there are both
  --now                 rollover: the shortest waits that are safe, for a key that others may have
  --abort               rollover: the old key stays
  --hook CMD            rollover, retire: a program that changes the DS at the parent, once that is due
  --dry-run             rollover, retire: write nothing, run nothing
  --parents             status: ask the name servers of each parent for its DS
  --watch               status: again every two seconds, until a signal
  --zones DIR           rollover, retire: folder of zone files (default: as serve has it)
  --resolver ADDR:PORT  rollover, retire, status: whom to ask for the parent's name servers
  --port PORT           rollover, retire, status: where name servers listen (default: 53)
  --digest NUMBER       ds: 2 (SHA-256, default) or 4 (SHA-384)
  --days NUMBER         sign: for how long the response lasts (default: 180)
  --unsign              sign: the response asks the parent to drop the DS
  --zone ZONE           import: whose key it is, where the file does not say
  --json                ds, status, rollover, retire: as JSON

probe
  --level LEVEL         connect, banner, ehlo (default), mail, tls or rcpt
  --name EXCHANGE       exchange name that greeting and certificate should have (default: HOST, if it is a name)
  --tls MODE            starttls, or implicit (default at port 465)
  --proxy VERSION       sends a PROXY protocol header first: v1 or v2
  --source ADDRESS      address to connect from
  --recipient MAILBOX   of level rcpt: whom to ask for; nothing is sent
  --sender MAILBOX      of level rcpt: who asks (default: the null sender)
  --ehlo NAME           name given in EHLO (default: this host's name)

explain
  --client ADDRESS      who asks (default: somebody of whom nothing is known)
  --ecs NETWORK         the client's network, as a resolver tells of it (EDNS Client Subnet)

test
  --zones DIR           folder of zone files (default: as serve has it)
  --json                the same as JSON

simulate, check --diff
  --zones DIR           zones to simulate, or those that are served (default: zones)
  --at TIME             on that day of a warm-up, for example 2026-12-03 (default: now)
  --clients FILE|N      addresses and networks, one a line; or N random ones (default: 10000)
  --down TARGETS        targets or addresses that are down, with commas
  --drain TARGETS       targets that are drained
  --weight TARGET=3     another weight; mx1=50% half of it; may be repeated
  --by GROUPING         continent (default), country, asn, rule
  --seed N              another number, other clients and draws (default: 1)
  --rounds N            answers for each client (default: 20000 answers in all)

status
  --watch               again every two seconds, until a signal

explain, status, targets, coherence, drain, undrain, weight, disable, up, extend, undo
  --admin ADDR:PORT     the server's admin address (default: as serve has it)
  --zone ZONE           where several zones have the target; or give its whole name
  --pool POOL           in one pool alone
  --for TIME            how long, for example 30m, 2h, 1d
  --until TIME          or until when, for example 2026-12-01T08:00:00Z
  --why TEXT            for the log, and for who asks later
  --share PERCENT       weight: its part of its pool
  --force               even where nobody eligible is left in a pool
  --yes                 even where a pool is left below its min_healthy; asked for at a terminal
  --dry-run             drain, disable, up, weight: say what it would come to, and set nothing
  --json                what the server answers, as it is

Each option of serve may come from the environment too: MXSTEER_LISTEN (comma-separated), MXSTEER_ADMIN, …

Exit codes
  0  done; probe: the target is healthy
  1  status: not ready; import: a zone is not written; test: a case fails; check found mistakes, or with --live a target that is not healthy;
     check --diff: something differs; probe: the target is not healthy; a failure while serving;
     the running server refuses, or does not answer
  2  bad usage, settings or zone files
  3  an address to listen on is taken or not ours
  4  keys rollover, keys retire: it waits for something, and is to be run again
`
