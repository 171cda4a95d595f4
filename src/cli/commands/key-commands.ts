// `mxsteer keys`: the keys that zones are signed with.

import {
  type Command,
  type CommandFlag,
  configFlag,
  type ExitCode,
  flag,
  jsonFlag,
  zonesFlag,
} from './command.ts'

const folderFlags: readonly CommandFlag[] = [
  flag('keys', 'DIR', 'folder of keys (default: as the setting dnssec names it)', {
    offers: 'folders',
  }),
  configFlag,
]

const parentFlags: readonly CommandFlag[] = [
  flag('resolver', 'ADDR:PORT', "whom to ask for the parent's name servers"),
  flag('port', 'PORT', 'where name servers listen (default: 53)'),
]

const rolledFlags: readonly CommandFlag[] = [...folderFlags, zonesFlag, ...parentFlags]

const stepFlags: readonly CommandFlag[] = [
  flag('hook', 'CMD', 'a program that changes the DS at the parent, once that is due', {
    offers: 'files',
  }),
  flag('dry-run', null, 'write nothing, run nothing'),
  jsonFlag,
]

const algorithmFlag: CommandFlag = flag(
  'algorithm',
  'NUMBER',
  '13 (ECDSA P-256, default of a first key) or 15 (Ed25519)',
  { offers: ['13', '15'] },
)

const badKeys: ExitCode = [2, 'bad usage, zones or keys']
const unwritten: ExitCode = [1, 'it cannot be written']
const again: ExitCode = [4, 'it waits for something, and is to be run again']

export const keyCommands: readonly Command[] = [
  {
    name: 'keys generate',
    words: 'ZONE',
    summary: 'a new key to sign a zone with, and the DS for its parent',
    flags: [
      ...folderFlags,
      algorithmFlag,
      flag('split', null, 'one key for DNSKEY (flags 257), one for all else (256)'),
      flag('zsk', null, 'a key with flags 256, in place of 257'),
      jsonFlag,
    ],
    examples: [{ line: 'mxsteer keys generate smtp.example.com', what: 'its first key' }],
    exits: [[0, 'done'], unwritten, badKeys],
  },
  {
    name: 'keys ds',
    words: 'ZONE',
    summary: 'DS records for the parent',
    flags: [
      ...folderFlags,
      flag('digest', 'NUMBER', '2 (SHA-256, default) or 4 (SHA-384)', { offers: ['2', '4'] }),
      jsonFlag,
    ],
    examples: [{ line: 'mxsteer keys ds smtp.example.com', what: 'one line a key' }],
    exits: [[0, 'done'], [1, 'the zone has no key for one'], badKeys],
  },
  {
    name: 'keys import',
    words: 'FILE...',
    summary: 'keys of BIND, Knot and PowerDNS',
    offers: 'files',
    flags: [
      ...folderFlags,
      flag('zone', 'ZONE', 'whose key it is, where the file does not say'),
      flag('zsk', null, 'a key with flags 256, in place of 257'),
      jsonFlag,
    ],
    examples: [
      { line: 'mxsteer keys import Ksmtp.example.com.+013+12345.private', what: "BIND's" },
    ],
    exits: [[0, 'done'], unwritten, badKeys],
  },
  {
    name: 'keys status',
    words: '[ZONE]',
    summary: 'what each key does, what comes next and what it waits for',
    flags: [
      ...folderFlags,
      flag('parents', null, 'ask the name servers of each parent for its DS'),
      flag('watch', null, 'again every two seconds, until a signal'),
      ...parentFlags,
      jsonFlag,
    ],
    examples: [{ line: 'mxsteer keys status --parents', what: 'of every zone' }],
    exits: [[0, 'done'], [1, 'a zone cannot be signed now, or a file is wrong'], badKeys],
  },
  {
    name: 'keys rollover',
    words: 'ZONE',
    summary: 'another key in place of one, step by step: run again until it exits with 0',
    flags: [
      ...rolledFlags,
      flag('ksk', null, 'of the key with flags 257, where there are both'),
      flag('zsk', null, 'of the key with flags 256'),
      algorithmFlag,
      flag('now', null, 'the shortest waits that are safe, for a key that others may have'),
      flag('abort', null, 'the old key stays'),
      ...stepFlags,
    ],
    examples: [
      { line: 'mxsteer keys rollover smtp.example.com --dry-run', what: 'what it would do' },
      { line: 'mxsteer keys rollover smtp.example.com --hook ./set-ds', what: 'the next step' },
    ],
    exits: [[0, 'all times are set'], [1, 'failed or refused'], badKeys, again],
  },
  {
    name: 'keys retire',
    words: 'ZONE',
    summary: 'the way to an unsigned zone, step by step',
    flags: [...rolledFlags, ...stepFlags],
    examples: [{ line: 'mxsteer keys retire smtp.example.com', what: 'the next step' }],
    exits: [[0, 'it is unsigned'], [1, 'failed, refused or too early'], badKeys, again],
  },
  {
    name: 'keys request',
    words: 'ZONE',
    summary: 'what a key that is kept offline is to sign, for keys sign',
    flags: [...rolledFlags, jsonFlag],
    examples: [{ line: 'mxsteer keys request smtp.example.com > request', what: 'to be carried' }],
    exits: [[0, 'done'], [1, 'no key with flags 256 is in DNSKEY'], badKeys],
  },
  {
    name: 'keys sign',
    words: 'FILE',
    summary: 'offline, with that key: DNSKEY signed for months, for the folder of keys',
    offers: 'files',
    flags: [
      ...folderFlags,
      flag('days', 'NUMBER', 'for how long the response lasts (default: 180)'),
      flag('unsign', null, 'the response asks the parent to drop the DS'),
      jsonFlag,
    ],
    examples: [{ line: 'mxsteer keys sign request --keys /media/keys', what: 'where the key is' }],
    exits: [
      [0, 'done'],
      [1, 'the keys cannot sign that'],
      [2, 'bad usage or file'],
    ],
  },
]
