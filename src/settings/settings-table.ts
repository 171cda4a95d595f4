// The settings: one row each with its key in mxsteer.yaml, its type, default, flag and description.
// From these rows come the schema of mxsteer.yaml, the flags of `mxsteer serve` with their part of
// --help, the environment variables, the masking of secrets, and the table of docs/settings.md
// (`npm run docs:settings`).

import type { z } from 'zod'
import type { UdpSetting } from '../transport/udp/udp-transport.ts'
import { defaultFilesMax } from '../zonefile/read-folder.ts'
import { closedMap, oneOf, oneOrMany, path, seconds } from '../zonefile/leaf.ts'
import {
  adminHosts,
  adminPrefix,
  adminRead,
  adminToken,
  announce,
  consoleUrl,
} from './admin-settings.ts'
import { chaosText, cookieSecrets, nsid, rateLimit } from './answer-settings.ts'
import { canaries, probeLimits, probeSource } from './probing-settings.ts'
import {
  adminEndpoint,
  count,
  endpoint,
  label,
  resolverEndpoint,
  zoneName,
} from './setting-leaves.ts'
import {
  type GivenSettings,
  logFormats,
  logLevels,
  type SettingKey,
  type SettingRow,
  type SettingsTable,
  switches,
} from './setting-values.ts'
import { storeRows } from './store-rows.ts'
import { proxy, tls, transfer } from './stream-settings.ts'

const transports: readonly UdpSetting[] = ['auto', 'mmsg', 'dgram']

export const settingsTable: SettingsTable = {
  zones: {
    schema: path,
    flag: { value: 'DIR', help: 'folder of zone files (default: zones)' },
    default: 'zones',
    accepts: 'path',
    about: 'folder of zone files, one zone a file',
  },
  listen: {
    schema: oneOrMany(endpoint),
    flag: {
      value: 'ADDR:PORT',
      help: 'UDP and TCP; may be repeated (default: 127.0.0.1:5300)',
    },
    isList: true,
    default: '127.0.0.1:5300',
    accepts: '`ADDRESS:PORT` or `[ADDRESS]:PORT`, or a list',
    about:
      'UDP and TCP; `0.0.0.0` and `[::]` for every address of the host: [answers leave from the address that was asked](operations.md#anycast-and-wildcards)',
  },
  admin: {
    schema: adminEndpoint,
    flag: {
      value: 'ADDR:PORT',
      help: 'HTTP: /livez /readyz /status /metrics /targets /overrides /explain (default: 127.0.0.1:8053); "off" for none',
    },
    default: '127.0.0.1:8053',
    accepts: '`ADDRESS:PORT`, or `off`',
    about: 'the [admin server](operations.md#admin-http)',
  },
  admin_hosts: {
    schema: adminHosts,
    isList: true,
    otherwise: 'none',
    accepts: 'host name, or a list of up to 64',
    about:
      'names by which [the admin server may be asked](operations.md#names-of-the-admin-server), beside `localhost` and addresses',
  },
  console_url: {
    schema: consoleUrl,
    otherwise: 'none: consoles of other instances do not link to it',
    accepts: 'URL of http or https',
    about: 'where a browser finds the console of this instance, for those of the others',
  },
  history_addresses: {
    schema: count('a count', 0, 65_536),
    default: '10000',
    accepts: '0 – 65536; 0: none is kept',
    about:
      'with more probed addresses than this no [history](operations.md#history) of probes is kept: it takes 1.6 kB an address',
  },
  admin_read: {
    schema: adminRead,
    default: 'open',
    accepts: '`open`, or `token`',
    about:
      'who may read from the admin server: everybody who reaches it, or those alone who are signed in or give the admin token; `/livez` and `/readyz` are open to all',
  },
  admin_prefix: {
    schema: adminPrefix,
    default: '',
    accepts: 'nothing, or a path such as `/mxsteer`',
    about:
      'what a proxy puts before every path of the admin server, [where it does not take it away](operations/console.md#behind-a-proxy)',
  },
  console: {
    schema: oneOf(switches),
    default: 'on',
    accepts: '`on`, `off`',
    about: 'whether the admin server serves the [console](operations/console.md)',
  },
  admin_token: {
    schema: adminToken,
    isSecret: true,
    otherwise: 'none',
    accepts: '16 – 256 printable ASCII characters without spaces',
    about:
      'token that requests must carry to write through the admin server; without one only a loopback address takes writes',
  },
  admin_token_file: {
    schema: path,
    otherwise: 'none',
    accepts: 'path',
    about: 'file with that token in its first line',
  },
  load_token: {
    schema: adminToken,
    isSecret: true,
    otherwise: 'none',
    accepts: 'as `admin_token`',
    about:
      'token of MTAs that report their [load](operations.md#feedback-from-the-mta); it permits nothing else',
  },
  load_token_file: {
    schema: path,
    otherwise: 'none',
    accepts: 'path',
    about: 'file with that token in its first line',
  },
  state_dir: {
    schema: path,
    otherwise: 'none: nothing is kept',
    accepts: 'path',
    about: 'folder of [what a restart keeps](operations.md#what-a-restart-keeps), made if missing',
  },
  ...storeRows,
  workers: {
    schema: count('a count', 1, 256),
    flag: { value: 'N', help: 'answering threads (default: one a core)' },
    otherwise: 'one a core',
    accepts: '1 – 256',
    about: 'threads that answer UDP; with `mmsg` there is one more for every four, for TCP',
  },
  transport: {
    schema: oneOf(transports),
    flag: {
      value: 'KIND',
      help: 'UDP by mmsg (Linux), dgram, or auto (default): mmsg where it works',
    },
    default: 'auto',
    accepts: '`auto`, `mmsg`, `dgram`',
    about:
      'how UDP is sent and received: `mmsg` (Linux: many queries a system call), `dgram` (anywhere), or `auto`: `mmsg` where it works',
  },
  resolver: {
    schema: resolverEndpoint,
    otherwise: 'none',
    accepts: '`ADDRESS:PORT`',
    about:
      'a resolver of your own, for the PTR and DNS list queries of [identity](operations.md#identity-and-reputation), and to find the parents of signed zones, whose [DS](operations/dnssec.md#the-ds-at-the-parent) are watched',
  },
  instance: {
    schema: label,
    flag: { value: 'NAME', help: "name of this instance (default: the host's name)" },
    otherwise: "the host's name",
    accepts: '1 – 63 of letters, digits, `_`, `.`, `-`',
    about: 'name of this instance: in every log line, and different on every instance of a fleet',
  },
  site: {
    schema: label,
    flag: { value: 'NAME', help: 'name of its site' },
    default: 'default',
    accepts: 'as `instance`',
    about: 'name of its site: instances that fail together have one',
  },
  lameduck: {
    schema: seconds('a time', 0, 3600),
    flag: { value: 'TIME', help: 'how long to go on answering after SIGTERM (default: 5s)' },
    default: '5s',
    accepts: '0 – 1 h',
    about: 'how long answers go on after SIGTERM',
  },
  ready_within: {
    schema: seconds('a time', 0, 3600),
    default: '30s',
    accepts: '0 – 1 h',
    about: 'how long `/readyz` waits at most for the first round of probes',
  },
  max_udp: {
    schema: count('a size in octets', 512, 4096),
    default: '1232',
    accepts: '512 – 4096 octets',
    about: 'upper bound of an answer over UDP',
  },
  max_zone_files: {
    schema: count('a count', 1, 100_000),
    default: String(defaultFilesMax),
    accepts: '1 – 100,000',
    about:
      'most zone files of one folder, and most master files that these name; with more than this the folder is refused (`too-many-files`), and [looking for changes costs time](operations.md#limits)',
  },
  log_level: {
    schema: oneOf(logLevels),
    flag: { value: 'LEVEL', help: 'fatal, error, warn, info (default), debug' },
    default: 'info',
    accepts: '`trace`, `debug`, `info`, `warn`, `error`, `fatal`, `silent`',
    about: 'the least severe lines of the [log](operations.md#log) that are written',
  },
  log_format: {
    schema: oneOf(logFormats),
    flag: { value: 'FORMAT', help: 'text, json, or auto (default): text on a terminal' },
    default: 'auto',
    accepts: '`auto`, `text`, `json`',
    about:
      'form of the [log](operations.md#log); `auto`: one readable line an event on a terminal, JSON elsewhere, with priorities in the journal of systemd',
  },
  nsid: {
    schema: nsid,
    otherwise: 'the instance',
    accepts: '1 – 64 printable ASCII characters, or `off`',
    about: 'text of EDNS NSID (RFC 5001), which shows which server answered',
  },
  chaos_identity: {
    schema: chaosText,
    otherwise: 'the instance',
    accepts: '1 – 255 printable ASCII characters, or `off`',
    about: 'answer of class CHAOS to `id.server` and `hostname.bind` TXT; `off`: REFUSED',
  },
  chaos_version: {
    schema: chaosText,
    // Without a number, so that a scan for servers of a certain version does not find this one.
    default: 'mxsteer',
    accepts: 'as `chaos_identity`',
    about: 'the same for `version.server` and `version.bind`; the default names no version',
  },
  cookie_secret: {
    schema: cookieSecrets,
    isList: true,
    isSecret: true,
    otherwise: 'a random one',
    accepts: '32 hexadecimal digits, or a list',
    about: 'secrets of [DNS cookies](operations.md#cookies): the first signs, all verify',
  },
  cookie_secret_file: {
    schema: path,
    otherwise: 'none',
    accepts: 'path',
    about: 'file with one more secret a line, after those of `cookie_secret`; `#` starts a comment',
  },
  canaries: {
    schema: canaries,
    isList: true,
    otherwise: 'none',
    accepts: '`ADDRESS:PORT`, or a list of up to 16',
    about:
      'endpoints whose reachability shows [whether the server is cut off itself](operations.md#when-the-server-doubts-itself), as a whole or in one address family: name some of each',
  },
  probe_source: {
    schema: probeSource,
    isList: true,
    otherwise: "the kernel's choice",
    accepts: 'address, or one of each family',
    about:
      'addresses of this host that probes, those of canaries too, [come from](operations.md#permission-to-probe); `source` of a probe goes before it',
  },
  geoip: {
    schema: closedMap(
      { country: path.optional(), asn: path.optional() },
      '{ country: GeoLite2-Country.mmdb }',
    ),
    isFileOnly: true,
    otherwise: 'the country database that comes with mxsteer, no ASN',
    accepts: 'map: `country` and `asn`, paths',
    about:
      '[MaxMind DB files](operations.md#geoip-databases); read only if a rule has a condition on places',
  },
  dnssec: {
    schema: closedMap({ keys: path }, '{ keys: /etc/mxsteer/keys }'),
    isFileOnly: true,
    otherwise: 'none: no zone can be signed',
    accepts: 'map: `keys`, path of a folder',
    about: '[keys](operations/dnssec.md) that zones are signed with',
  },
  force_unsigned: {
    schema: oneOrMany(zoneName),
    flag: {
      value: 'ZONE',
      help: 'start although the zone was signed and is not any more; may be repeated',
    },
    isList: true,
    otherwise: 'none',
    accepts: 'name of a zone, or a list',
    about:
      'zones that a start serves unsigned although [they were signed before](operations/dnssec.md#the-way-back)',
  },
  announce: {
    schema: announce,
    isFileOnly: true,
    otherwise: 'off',
    accepts: 'map: `file`, path; `command`, absolute path of a program',
    about:
      'hook that tells a routing daemon [whether to announce](operations/anycast.md#the-announce-hook)',
  },
  rate_limit: {
    schema: rateLimit,
    isFileOnly: true,
    otherwise: 'on, 100 a second',
    accepts: '[map](#rate_limit)',
    about: 'the [rate limit](operations.md#rate-limit) of answers over UDP',
  },
  probe_limits: {
    schema: probeLimits,
    isFileOnly: true,
    otherwise: '4000, 4, 20',
    accepts: '[map](#probe_limits)',
    about: 'SMTP dialogues at once: in all, to a host, to a network',
  },
  tls: {
    schema: tls,
    isFileOnly: true,
    otherwise: 'off',
    accepts:
      'map: `certificate` and `key`, paths of PEM files; `listen`, addresses with or without a port, by default those of `listen` on port 853',
    about: '[DNS over TLS](operations.md#dns-over-tls)',
  },
  proxy: {
    schema: proxy,
    isFileOnly: true,
    otherwise: 'off',
    accepts:
      'map: `listen`, `ADDRESS:PORT` or a list; `from`, network or list that PROXY headers are accepted from',
    about: 'listeners [behind dnsdist](operations.md#behind-dnsdist), UDP and TCP',
  },
  transfer: {
    schema: transfer,
    isFileOnly: true,
    otherwise: 'none',
    accepts: 'map: `allow`, network or list',
    about: 'networks that may take whole zones: [zone transfer](operations.md#zone-transfer)',
  },
}

export const settingKeys: readonly SettingKey[] = Object.keys(settingsTable) as SettingKey[]

/** The schema of mxsteer.yaml: a map in which every setting is optional. */
export const settingsFileSchema: z.ZodType<GivenSettings> = closedMap(
  Object.fromEntries(settingKeys.map((key) => [key, settingsTable[key].schema.optional()])),
)

export const variableOf = (key: SettingKey): string => `MXSTEER_${key.toUpperCase()}`

/** A flag of `mxsteer serve`, without `--`. */
export interface SettingFlag {
  readonly name: string
  /** Placeholder of its value in --help. */
  readonly value: string
  /** Text of the setting in --help. */
  readonly help: string
  readonly isRepeatable: boolean
}

/** The flags of `mxsteer serve`: `--config`, then those of settings, in the order of --help. */
export const settingFlags: readonly SettingFlag[] = [
  {
    name: 'config',
    value: 'FILE',
    help: 'settings (default: mxsteer.yaml if there is one)',
    isRepeatable: false,
  },
  ...settingKeys.flatMap((key) => {
    const { flag, isList }: SettingRow<unknown> = settingsTable[key]
    return flag ? [{ name: key.replaceAll('_', '-'), ...flag, isRepeatable: isList === true }] : []
  }),
]
