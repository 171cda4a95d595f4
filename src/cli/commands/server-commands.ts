// The server, and the commands that ask one that runs.

import { settingFlags } from '../../settings/settings-table.ts'
import {
  badFiles,
  badUsage,
  type Command,
  type CommandFlag,
  configFlag,
  type ExitCode,
  flag,
  jsonFlag,
} from './command.ts'

const serveFlags: readonly CommandFlag[] = settingFlags.map(({ name, value, help, isRepeatable }) =>
  flag(name, value, help, { isRepeatable, ...offersOf(value) }),
)

function offersOf(value: string): Pick<CommandFlag, 'offers'> {
  if (value === 'DIR') return { offers: 'folders' }
  return value === 'FILE' ? { offers: 'files' } : {}
}

const listenFlag: CommandFlag = flag('listen', 'ADDR:PORT', 'its addresses for DNS', {
  isRepeatable: true,
})

const adminFlag: CommandFlag = flag(
  'admin',
  'ADDR:PORT',
  "the server's admin address (default: as serve has it)",
)

/** Of every command that asks a running server. */
const askingFlags: readonly CommandFlag[] = [adminFlag, configFlag]

const noAnswer: ExitCode = [1, 'the running server refuses, or does not answer']

const forTime: readonly CommandFlag[] = [
  flag('for', 'TIME', 'how long, such as 30m, 2h, 1d'),
  flag('until', 'TIME', 'or until when, such as 2026-12-01T08:00:00Z'),
]

const overrideFlags: readonly CommandFlag[] = [
  ...askingFlags,
  flag('zone', 'ZONE', 'where several zones have the target; or give its whole name'),
  flag('pool', 'POOL', 'in one pool alone'),
  ...forTime,
  flag('why', 'TEXT', 'for the log, and for who asks later'),
  flag('force', null, 'even where nobody eligible is left in a pool'),
  flag('yes', null, 'even where a pool is left below its min_healthy; asked for at a terminal'),
  flag('json', null, 'what the server answers, as it is'),
]

const overrideExits: readonly ExitCode[] = [
  [0, 'it is in force'],
  [1, 'the running server refuses, does not answer, or cannot keep it over a restart'],
  badUsage,
]

/** Of those that set one. */
const dryRunFlag = flag('dry-run', null, 'say what it would come to, and set nothing')

const override = (
  command: Omit<Command, 'flags' | 'exits'>,
  ...own: readonly CommandFlag[]
): Command => ({
  ...command,
  flags: [...own, ...overrideFlags],
  exits: overrideExits,
})

export const serverCommands: readonly Command[] = [
  {
    name: 'serve',
    words: '',
    summary: 'answer queries and probe the targets, until a signal',
    about: [
      'SIGHUP reads zone files, keys, databases and certificates again; SIGUSR2 starts a new process that takes over from this one; SIGTERM answers on for the lameduck time and ends.',
      'Each option may come from the settings file or the environment too: MXSTEER_LISTEN (with commas), MXSTEER_ADMIN and so on.',
    ],
    flags: [
      ...serveFlags,
      flag(
        'take-over',
        null,
        'with the sockets of the server of this instance that runs; that one leaves',
      ),
    ],
    examples: [
      {
        line: 'mxsteer serve --zones /etc/mxsteer/zones --listen 192.0.2.53:53',
        what: 'on one address',
      },
      {
        line: 'mxsteer serve --config /etc/mxsteer/mxsteer.yaml',
        what: 'as the settings file says',
      },
    ],
    exits: [
      [0, 'stopped by a signal, or taken over'],
      [1, 'a failure while serving'],
      badFiles,
      [3, 'an address to listen on is taken or not ours'],
    ],
  },
  {
    name: 'health',
    words: '',
    summary: 'exit with 0 if the server is alive, ready or not: for what restarts it',
    about: [
      'Asks the admin HTTP, or, where that is off, a question over DNS at each address of listen.',
    ],
    flags: [adminFlag, configFlag, listenFlag, jsonFlag],
    examples: [{ line: 'mxsteer health', what: 'of the server of these settings' }],
    exits: [[0, 'it is alive'], [1, 'it does not answer'], badFiles],
  },
  {
    name: 'status',
    words: '',
    summary: 'how it stands: problems, other instances, pools, targets, overrides',
    flags: [
      ...askingFlags,
      flag('watch', null, 'again every two seconds, until a signal'),
      jsonFlag,
    ],
    examples: [
      { line: 'mxsteer status', what: 'what is wrong comes first' },
      { line: 'mxsteer status --json | jq .problems', what: 'for a script' },
    ],
    exits: [[0, 'ready'], [1, 'not ready, refused, or no answer'], badUsage],
  },
  {
    name: 'targets',
    words: '',
    summary: 'every target: its weight and the parts of it, why it is out, its state',
    flags: [...askingFlags, flag('zone', 'ZONE', 'of one zone alone'), jsonFlag],
    examples: [{ line: 'mxsteer targets --zone smtp.example.com', what: 'of one zone' }],
    exits: [[0, 'done'], noAnswer, badUsage],
  },
  {
    name: 'coherence',
    words: '[ZONE]',
    summary: 'every target and the names around it: certificate, TLSA, MTA-STS, SPF',
    flags: [...askingFlags, jsonFlag],
    examples: [{ line: 'mxsteer coherence smtp.example.com', what: 'of one zone' }],
    exits: [[0, 'nothing excludes'], [1, 'something excludes; refused, or no answer'], badUsage],
  },
  {
    name: 'explain',
    words: 'NAME [TYPE]',
    summary: 'why a client is answered what it is, stage by stage',
    flags: [
      ...askingFlags,
      flag('client', 'ADDRESS', 'who asks (default: somebody of whom nothing is known)'),
      flag(
        'ecs',
        'NETWORK',
        "the client's network, as a resolver tells of it (EDNS Client Subnet)",
      ),
      jsonFlag,
    ],
    examples: [
      {
        line: 'mxsteer explain smtp.example.com MX --client 203.0.113.7',
        what: 'as that resolver asks',
      },
    ],
    exits: [[0, 'done'], noAnswer, badUsage],
  },
  override(
    {
      name: 'drain',
      words: 'TARGET',
      summary: 'no new mail for a target, while anyone else is left',
      examples: [
        { line: 'mxsteer drain mx1 --for 2h --why "new disks"', what: 'for two hours' },
        {
          line: 'mxsteer drain mx1.smtp.example.com --pool eu --until 2026-12-01T08:00:00Z',
          what: 'in one pool',
        },
      ],
    },
    dryRunFlag,
  ),
  override({
    name: 'undrain',
    words: 'TARGET',
    summary: 'the end of that, and of disable',
    examples: [{ line: 'mxsteer undrain mx1', what: 'it gets mail again' }],
  }),
  override(
    {
      name: 'weight',
      words: 'TARGET [50%|3]',
      summary: 'a part of its weight; or another weight; or its part of its pool',
      examples: [
        { line: 'mxsteer weight mx1 50% --for 1d', what: 'half of its weight for a day' },
        { line: 'mxsteer weight mx1 --share 10% --for 1d', what: 'a tenth of its pool' },
      ],
    },
    flag('share', 'PERCENT', 'its part of its pool'),
    dryRunFlag,
  ),
  override(
    {
      name: 'disable',
      words: 'TARGET',
      summary: 'as drain, and behind the drained ones; without --for until undone',
      examples: [{ line: 'mxsteer disable mx1 --why "to be removed"', what: 'until it is undone' }],
    },
    dryRunFlag,
  ),
  override(
    {
      name: 'up',
      words: 'TARGET',
      summary: 'taken as up, whatever its probes say',
      examples: [{ line: 'mxsteer up mx1 --for 1h', what: 'for an hour' }],
    },
    dryRunFlag,
  ),
  override({
    name: 'extend',
    words: 'TARGET|ID',
    summary: 'another end, or reason, for an override',
    examples: [{ line: 'mxsteer extend mx1 --for 2h', what: 'two hours from now' }],
  }),
  override({
    name: 'undo',
    words: 'TARGET|ID',
    summary: 'the end of every override of a target, or of one',
    examples: [{ line: 'mxsteer undo mx1', what: 'it is as its file and its probes say' }],
  }),
]
