// Commands that read zone files or look at the world, and need no running server.

import {
  badFiles,
  badUsage,
  type Command,
  type CommandFlag,
  configFlag,
  type ExitCode,
  flag,
  jsonFlag,
  zonesFlag,
} from './command.ts'

const resolverFlag: CommandFlag = flag(
  'resolver',
  'ADDR:PORT',
  "whom to ask (default: the setting resolver, else this host's first)",
)

const policyPortFlag: CommandFlag = flag(
  'policy-port',
  'PORT',
  'where policies of MTA-STS are hosted (default: 443)',
)

const keysFlag: CommandFlag = flag(
  'keys',
  'DIR',
  'folder of keys (default: as the setting dnssec names it)',
  { offers: 'folders' },
)

/** What changes a simulation. */
const simulationFlags: readonly CommandFlag[] = [
  flag('at', 'TIME', 'on that day of a warm-up, such as 2026-12-03 (default: now)'),
  flag(
    'clients',
    'FILE|N',
    'addresses and networks, one a line; or N random ones (default: 10000)',
    { offers: 'files' },
  ),
  flag(
    'down',
    'TARGETS',
    'targets, addresses, pool:NAME or region:NAME that are down, with commas',
    {
      isRepeatable: true,
    },
  ),
  flag('drain', 'TARGETS', 'targets, pool:NAME or region:NAME that are drained', {
    isRepeatable: true,
  }),
  flag('weight', 'TARGET=3', 'another weight; mx1=50% half of it', { isRepeatable: true }),
  flag('by', 'GROUPING', 'continent (default), country, asn, rule', {
    offers: ['continent', 'country', 'asn', 'rule'],
  }),
  flag('seed', 'N', 'another number, other clients and draws (default: 1)'),
  flag('rounds', 'N', 'answers for each client (default: 20000 answers in all)'),
]

const done: ExitCode = [0, 'done']

export const zoneCommands: readonly Command[] = [
  {
    name: 'check',
    words: '[PATH...]',
    summary: 'read zone files, or folders of them, and name every mistake',
    about: [
      'Serves nothing. With --diff it says which names the other folder answers differently, and for whom; with --live it also probes every target once and looks at the names around it, and with DOMAIN... at mail domains elsewhere.',
    ],
    offers: 'files',
    flags: [
      zonesFlag,
      flag('strict', null, 'exit with 1 for warnings too'),
      flag(
        'json',
        null,
        'mistakes and warnings as JSON; with --diff what differs, with --live what was seen',
      ),
      flag('keys', 'DIR', 'look at the keys of signed zones too, in this folder', {
        offers: 'folders',
      }),
      flag('names', null, 'every target and the names around it, as far as the files say'),
      flag(
        'state',
        'FILE',
        'judge the files by what a server had handed out: its state file, INSTANCE.state',
        { offers: 'files' },
      ),
      flag('diff', 'DIR', 'another folder of zone files', { offers: 'folders' }),
      flag(
        'at',
        'TIME',
        'with --diff: on that day of a warm-up, such as 2026-12-03 (default: now)',
      ),
      flag('live', null, 'probe every target once, look at names, PTR and DNS lists'),
      { ...resolverFlag, help: `with --live: ${resolverFlag.help}` },
      { ...policyPortFlag, help: `with --live: ${policyPortFlag.help}` },
      configFlag,
    ],
    examples: [
      { line: 'mxsteer check /etc/mxsteer/zones', what: 'before a reload' },
      { line: 'mxsteer check zones --strict --json', what: 'in continuous integration' },
      { line: 'mxsteer check zones --diff zones.new', what: 'what a change does' },
      { line: 'mxsteer check zones --live example.com', what: 'with SPF of a mail domain' },
    ],
    exits: [
      [0, 'no mistakes; --diff: nothing differs; --live: every target is healthy'],
      [1, 'some; --diff: something differs; --live: a target that is not'],
      [2, 'bad usage; --diff: mistakes in either folder'],
    ],
  },
  {
    name: 'import',
    words: 'FILE...',
    summary: 'zone files out of master files, or of a zone that a server transfers',
    about: ['What is left out, and why, goes to standard error.'],
    offers: 'files',
    flags: [
      flag('zone', 'NAME', 'of which zone the file is (default: as its SOA, $ORIGIN or name say)'),
      flag(
        'axfr',
        'SERVER[#PORT]',
        'ask this server for the zone, in place of a file; without TSIG',
      ),
      flag('steer', null, 'write what looks like a pool of MTAs as targets, pools and steering'),
      flag('directory', 'DIR', 'what $INCLUDE is relative to (default: the folder of the file)', {
        offers: 'folders',
      }),
      flag('output', 'PATH', 'the file, or a folder for several (default: standard output)', {
        short: 'o',
        offers: 'files',
      }),
      flag('force', null, 'overwrite it'),
      jsonFlag,
    ],
    examples: [
      { line: 'mxsteer import db.example.com --steer -o zones/', what: 'out of a master file' },
      { line: 'mxsteer import --axfr 192.0.2.53 --zone example.com', what: 'out of a server' },
    ],
    exits: [[0, 'written'], [1, 'a zone is not written'], badUsage],
  },
  {
    name: 'test',
    words: 'CASES',
    summary: 'what zones are to answer, as assertions: shares, first places, TTLs',
    offers: 'files',
    flags: [zonesFlag, configFlag, jsonFlag],
    examples: [
      { line: 'mxsteer test cases.yaml --zones zones', what: 'in continuous integration' },
    ],
    exits: [
      [0, 'all hold'],
      [1, 'a case fails'],
      [2, 'mistakes in the cases or zones, bad usage'],
    ],
  },
  {
    name: 'schema',
    words: '[zone|settings]',
    summary: 'the JSON Schema of zone files, or of the settings, for editors',
    offers: ['zone', 'settings'],
    flags: [],
    examples: [{ line: 'mxsteer schema > zone.schema.json', what: 'of zone files' }],
    exits: [done, badUsage],
  },
  {
    name: 'simulate',
    words: 'NAME [TYPE]',
    summary: 'who would be chosen how often, in all and at each place',
    flags: [zonesFlag, ...simulationFlags, configFlag, jsonFlag],
    examples: [
      { line: 'mxsteer simulate smtp.example.com MX', what: 'with every target up' },
      { line: 'mxsteer simulate smtp.example.com --down mx1 --by country', what: 'without one' },
    ],
    exits: [done, badFiles],
  },
  {
    name: 'probe',
    words: 'HOST[:PORT]',
    summary: 'one probe, its dialogue printed as it goes',
    flags: [
      flag('level', 'LEVEL', 'connect, banner, ehlo (default), mail, tls or rcpt', {
        offers: ['connect', 'banner', 'ehlo', 'mail', 'tls', 'rcpt'],
      }),
      flag(
        'name',
        'EXCHANGE',
        'exchange name that greeting and certificate should have (default: HOST, if it is a name)',
      ),
      flag('tls', 'MODE', 'starttls, or implicit (default at port 465)', {
        offers: ['starttls', 'implicit'],
      }),
      flag('proxy', 'VERSION', 'send a PROXY protocol header first: v1 or v2', {
        offers: ['v1', 'v2'],
      }),
      flag('source', 'ADDRESS', 'address to connect from'),
      flag('recipient', 'MAILBOX', 'of level rcpt: whom to ask for; nothing is sent'),
      flag('sender', 'MAILBOX', 'of level rcpt: who asks (default: the null sender)'),
      flag('ehlo', 'NAME', "name given in EHLO (default: this host's name)"),
      jsonFlag,
    ],
    examples: [
      { line: 'mxsteer probe mx1.example.com', what: 'as the server probes' },
      { line: 'mxsteer probe [2001:db8::25]:465 --level tls', what: 'with its certificate' },
    ],
    exits: [[0, 'healthy'], [1, 'not healthy'], badUsage],
  },
  {
    name: 'doctor',
    words: '',
    summary: 'delegation, name servers, store, port 25, databases: what to mend',
    flags: [
      zonesFlag,
      flag('zone', 'ZONE', 'of one zone alone'),
      flag(
        'domain',
        'NAME',
        'a mail domain too: whether its MX lead here, and SPF and MTA-STS fit',
      ),
      flag('elsewhere', 'NAME', 'an exchange of others that it is meant to have', {
        isRepeatable: true,
      }),
      resolverFlag,
      flag('port', 'PORT', 'where name servers listen (default: 53)'),
      policyPortFlag,
      flag('egress', 'HOST[:PORT]', 'an MTA to reach (default: some of the targets)'),
      flag('peer', 'ADDR:PORT', 'admin server of another instance, to compare clocks with', {
        isRepeatable: true,
      }),
      configFlag,
      jsonFlag,
    ],
    examples: [{ line: 'mxsteer doctor --domain example.com', what: 'and one mail domain' }],
    exits: [
      [0, 'nothing to mend'],
      [1, 'something to look at (WARN)'],
      [2, 'something is broken (FAIL), or bad usage'],
    ],
  },
  {
    name: 'geoip',
    words: '[FILE...]',
    summary: 'whether GeoIP databases can be used, for what, and how old they are',
    about: ['Without a file it looks at those of the settings.'],
    offers: 'files',
    flags: [
      flag('for', 'USE', 'country or asn: what each file is to be good for (default: either)', {
        isRepeatable: true,
        offers: ['country', 'asn'],
      }),
      configFlag,
    ],
    examples: [
      { line: 'mxsteer geoip', what: 'how old is what the server has' },
      { line: 'mxsteer geoip new.mmdb --for country', what: 'before it is put in place' },
    ],
    exits: [
      [0, 'all can be used'],
      [1, 'one cannot'],
      [2, 'bad usage or settings'],
    ],
  },
  {
    name: 'delegation',
    words: '[ZONE]',
    summary: 'what the parent, and the domain whose mail it is, have to publish',
    flags: [
      flag('format', 'FORMAT', 'text (default), bind, octodns or terraform', {
        offers: ['text', 'bind', 'octodns', 'terraform'],
      }),
      flag('domain', 'NAME', 'a mail domain elsewhere whose MX is to lead here'),
      flag(
        'mx',
        'NAMES',
        'exchanges of the zone that it lists, with commas, where there are several',
      ),
      flag('parent', 'NAME', 'the zone above (default: the name above)'),
      flag('ttl', 'SECONDS', 'of the records (default: 3600)'),
      zonesFlag,
      keysFlag,
      configFlag,
      jsonFlag,
    ],
    examples: [
      { line: 'mxsteer delegation smtp.example.com', what: 'to read' },
      { line: 'mxsteer delegation --domain example.com --format terraform', what: 'to apply' },
    ],
    exits: [
      done,
      [1, 'something is left open: DS without keys, an MX without exchanges'],
      [2, 'bad usage or files'],
    ],
  },
  {
    name: 'mta-sts',
    words: '[ZONE|DOMAIN]',
    summary: 'the policy of MTA-STS to be hosted, and the TXT record that tells of it',
    flags: [zonesFlag, configFlag, jsonFlag],
    examples: [{ line: 'mxsteer mta-sts example.com > mta-sts.txt', what: 'to be hosted' }],
    exits: [done, [2, 'bad usage or zones; several policies, or none']],
  },
  {
    name: 'tlsa',
    words: 'TARGET',
    summary: 'what a target presents by STARTTLS, its TLSA, and what may be replaced',
    flags: [
      zonesFlag,
      flag('zone', 'ZONE', 'where several zones have the target'),
      flag(
        'usage',
        'NUMBER',
        '3, of its certificate (default), or 2, of the last one of its chain',
        {
          offers: ['3', '2'],
        },
      ),
      flag('selector', 'NUMBER', '1, the public key (default), or 0, the whole certificate', {
        offers: ['1', '0'],
      }),
      flag('matching', 'NUMBER', '1, SHA-256 (default), or 2, SHA-512', { offers: ['1', '2'] }),
      flag(
        'admin',
        'ADDR:PORT',
        'the running server, which knows what caches hold (default: as serve has it)',
      ),
      configFlag,
      jsonFlag,
    ],
    examples: [{ line: 'mxsteer tlsa mx1.smtp.example.com', what: 'records for its zone file' }],
    exits: [done, [1, 'an address presented nothing'], [2, 'bad usage or zones']],
  },
]
