/* oxlint-disable eslint/max-lines -- a table: a row a room */
// Who may import whom: the table that test/architecture.test.ts holds the sources to and docs/architecture.md shows.

export interface LawRow {
  /** A folder of src/ without its sub-folders, or `main.ts`. */
  readonly room: string
  /** The folder imports no `node:` module, starts no timer, reads no clock and no randomness, and never waits. */
  readonly pure?: true
  /** Rooms whose values and types may be imported, separated by spaces. */
  readonly imports: string
  /** Rooms of which types alone may be imported: the consumer owns the interface, or describes the other's data. */
  readonly typesOnly?: string
  /** Packages, and `node:*` for the modules of Node. */
  readonly packages?: string
}

export const law: readonly LawRow[] = [
  { room: 'lib', imports: '' },
  { room: 'files', imports: '', packages: 'node:*' },
  {
    room: 'steer',
    pure: true,
    imports: '',
    typesOnly: 'health lib wire wire/rdata',
  },
  { room: 'systemd', imports: '', packages: 'koffi node:*' },
  {
    room: 'transport',
    imports: '',
    typesOnly: 'lib',
    packages: 'node:*',
  },
  { room: 'wire', pure: true, imports: '' },
  { room: 'admission', pure: true, imports: 'lib' },
  {
    room: 'geo',
    imports: 'files lib',
    typesOnly: 'steer steer/scope zone',
    packages: 'maxmind node:*',
  },
  {
    room: 'handover',
    imports: 'lib systemd transport transport/udp',
    packages: 'node:*',
  },
  { room: 'health', pure: true, imports: 'lib' },
  { room: 'history', pure: true, imports: 'lib', typesOnly: 'health' },
  { room: 'probe/schedule', imports: 'lib' },
  { room: 'resolver', imports: 'lib wire', packages: 'dns2 node:*' },
  {
    room: 'transport/udp',
    imports: 'lib transport wire',
    typesOnly: 'answer',
    packages: 'koffi node:*',
  },
  { room: 'wire/rdata', pure: true, imports: 'lib wire' },
  { room: 'zone', pure: true, imports: 'wire', typesOnly: 'steer wire/rdata' },
  {
    room: 'coherence',
    pure: true,
    imports: 'lib wire wire/rdata zone zone/compile/check zone/mta-sts',
    typesOnly: 'health steer zone/compile zonefile',
  },
  {
    room: 'persistence',
    imports: 'coherence files health history',
    typesOnly: 'cluster departed lib',
    packages: 'node:* zod',
  },
  { room: 'probe/smtp', imports: 'health lib', packages: 'node:*' },
  {
    room: 'reputation',
    imports: 'lib probe/schedule',
    typesOnly: 'coherence health resolver zone/compile',
  },
  {
    room: 'transport/stream',
    imports: 'lib transport transport/udp wire',
    typesOnly: 'answer answer/transfer',
    packages: 'node:*',
  },
  {
    room: 'weights',
    imports: 'health lib probe/schedule',
    typesOnly: 'cluster probe/smtp',
    packages: 'node:*',
  },
  {
    room: 'dnssec',
    imports: 'dnssec/offline files lib wire wire/rdata',
    typesOnly: 'answer coherence persistence zone zone/compile zonefile',
    packages: 'node:*',
  },
  {
    room: 'dnssec/offline',
    imports: 'dnssec wire wire/rdata',
    typesOnly: 'zone zonefile',
    packages: 'node:*',
  },
  {
    room: 'dnssec/rollover',
    pure: true,
    imports: 'dnssec',
  },
  { room: 'spf', pure: true, imports: 'lib' },
  {
    room: 'departed',
    pure: true,
    imports: 'wire wire/rdata zone zone/compile',
    typesOnly: 'steer',
  },
  { room: 'zone/mta-sts', pure: true, imports: 'lib wire zone zone/compile', typesOnly: 'steer' },
  {
    room: 'zone/compile',
    pure: true,
    imports: 'lib wire wire/rdata zone zone/compile/check zone/compile/texts zone/mta-sts',
    typesOnly: 'health steer',
  },
  {
    room: 'zone/compile/check',
    pure: true,
    imports: 'lib spf wire wire/rdata zone zone/compile zone/compile/check zone/compile/texts',
    typesOnly: 'steer',
  },
  {
    room: 'zone/compile/texts',
    pure: true,
    imports: 'lib spf wire zone/compile',
    typesOnly: 'steer wire/rdata',
  },
  { room: 'masterfile', pure: true, imports: 'lib wire wire/rdata zone/compile' },
  { room: 'watch', imports: 'health lib probe/schedule probe/smtp', typesOnly: 'cluster weights' },
  {
    room: 'cluster/link',
    imports: '',
    packages: 'ioredis node:*',
  },
  {
    room: 'cluster/redis',
    imports: 'cluster cluster/link health lib persistence',
    packages: 'node:* zod',
  },
  {
    room: 'cluster',
    imports: 'cluster/link cluster/redis coherence departed health lib persistence wire',
    packages: 'zod',
  },
  { room: 'trust', imports: 'dnssec resolver wire', typesOnly: 'lib' },
  {
    room: 'doctor',
    imports:
      'cluster/link cluster/redis dnssec doctor/domain geo lib probe/smtp resolver trust wire wire/rdata',
    typesOnly: 'health settings zone zonefile',
    packages: 'node:*',
  },
  {
    room: 'doctor/domain',
    imports: 'delegation doctor lib spf wire zone/mta-sts',
    typesOnly: 'resolver zone zonefile',
    packages: 'node:*',
  },
  { room: 'steer/select', pure: true, imports: 'health lib steer steer/draw wire' },
  { room: 'steer/scope', pure: true, imports: 'lib steer/select', typesOnly: 'steer zone' },
  { room: 'steer/draw', pure: true, imports: 'lib', typesOnly: 'steer' },
  {
    room: 'answer/transfer',
    pure: true,
    imports: 'answer steer/select wire zone',
    typesOnly: 'steer wire/rdata',
  },
  {
    room: 'answer/cache',
    pure: true,
    imports: 'answer steer/draw steer/scope steer/select wire zone',
    typesOnly: 'health lib steer',
  },
  {
    room: 'answer',
    pure: true,
    imports: 'answer/cache answer/transfer steer/scope steer/select wire wire/rdata zone',
    typesOnly: 'admission health lib steer',
  },
  {
    room: 'explain',
    pure: true,
    imports: 'answer health lib steer steer/draw steer/scope steer/select wire wire/rdata zone',
  },
  {
    room: 'metrics',
    imports: 'answer health history lib reputation wire',
    typesOnly: 'probe/schedule watch weights',
    packages: '@prometheus-io/client node:*',
  },
  {
    room: 'transport/worker',
    imports:
      'admission answer answer/transfer dnssec geo health lib steer/scope transport transport/stream transport/udp zone',
    packages: 'node:*',
  },
  {
    room: 'zonefile',
    imports:
      'answer coherence departed files health lib masterfile probe/smtp reputation watch wire wire/rdata zone zone/compile zone/compile/check zone/compile/texts zone/mta-sts',
    typesOnly: 'steer weights',
    packages: 'node:* yaml zod',
  },
  { room: 'cases', imports: 'explain lib wire zonefile', packages: 'zod' },
  { room: 'migration', imports: 'lib masterfile wire wire/rdata zone/compile zonefile' },
  {
    room: 'announce',
    imports: 'lib metrics transport',
    typesOnly: 'wire',
    packages: 'node:* @prometheus-io/client',
  },
  { room: 'cli/text', imports: 'lib', typesOnly: 'departed explain', packages: 'node:*' },
  {
    room: 'settings',
    imports: 'admission answer lib probe/schedule zonefile',
    typesOnly: 'probe/smtp transport/udp zone/compile',
    packages: 'node:* zod',
  },
  {
    room: 'problems',
    pure: true,
    imports: 'lib steer/select wire',
    typesOnly: 'health steer zone',
  },
  {
    room: 'admin/views',
    imports: 'admin coherence explain health lib metrics reputation wire zonefile',
    typesOnly: 'announce departed problems steer watch weights zone',
  },
  { room: 'admin/console', imports: 'admin admin/session lib', packages: 'node:*' },
  {
    room: 'admin',
    imports: 'admin/console admin/live admin/session admin/views announce explain health lib wire',
    typesOnly: 'admin/explaining admin/listener metrics weights',
    packages: 'node:* zod',
  },
  {
    room: 'admin/live',
    imports: 'admin admin/views health history lib metrics',
    typesOnly: 'admin/listener announce problems watch weights',
  },
  { room: 'admin/session', imports: 'admin lib', packages: 'node:* zod' },
  {
    room: 'admin/listener',
    imports: 'admin admin/console admin/session lib',
    packages: 'node:*',
  },
  {
    room: 'admin/explaining',
    imports: 'admin explain geo health lib steer/scope wire zone',
    packages: 'node:*',
  },
  {
    room: 'app/live',
    imports: 'admin/live announce app health history lib metrics watch weights',
    typesOnly:
      'admin/views answer cluster probe/smtp problems reputation settings transport/worker zone zonefile',
    packages: 'node:*',
  },
  {
    room: 'app/lifecycle',
    imports: 'app handover lib transport transport/udp',
    typesOnly: 'geo reputation settings systemd transport/worker watch',
    packages: 'node:*',
  },
  {
    room: 'app',
    imports:
      'admin admin/explaining admission announce app/lifecycle app/live cluster cluster/link cluster/redis coherence departed dnssec explain files geo handover health history lib metrics persistence probe/smtp problems reputation resolver settings systemd transport transport/udp transport/worker trust watch weights zonefile',
    typesOnly: 'admin/views answer transport/stream zone',
    packages: 'koffi node:* pino',
  },
  {
    room: 'cli/commands',
    imports: 'cli/text lib settings',
    packages: 'node:*',
  },
  {
    room: 'cli/live',
    imports:
      'cli cli/commands cli/text coherence doctor/domain health lib probe/smtp reputation resolver zonefile',
    typesOnly: 'spf zone/mta-sts',
  },
  {
    room: 'cli',
    imports:
      'app cli/commands cli/live cli/names cli/text departed dnssec doctor explain files geo health lib probe/smtp resolver settings steer/scope weights wire zonefile',
    typesOnly: 'coherence zone',
    packages: 'node:*',
  },
  {
    room: 'delegation',
    pure: true,
    imports: 'lib spf wire wire/rdata zone zone/compile/texts zone/mta-sts',
    typesOnly: 'steer',
  },
  {
    room: 'cli/names',
    imports: 'cli cli/commands cli/text coherence lib persistence probe/smtp zone/mta-sts zonefile',
    typesOnly: 'health',
  },
  {
    room: 'cli/keys',
    imports:
      'cli cli/commands cli/text dnssec dnssec/offline dnssec/rollover files lib resolver trust wire wire/rdata zone zonefile',
    typesOnly: 'settings',
    packages: 'node:*',
  },
  {
    room: 'cli/zones',
    imports:
      'cases cli cli/commands cli/text delegation dnssec explain files geo lib migration resolver steer/scope wire wire/rdata zonefile',
    typesOnly: 'masterfile zone zone/compile',
    packages: 'node:*',
  },
  {
    room: 'main.ts',
    imports: 'app cli cli/commands cli/keys cli/names cli/text cli/zones',
  },
]

/** Files that may read the clock and randomness; every other file is given them as arguments. */
export const readersOfClockAndRandomness: RegExp =
  /^(lib\/clock|app\/app|cli\/.*|transport\/worker\/worker)\.ts$/

export const words = (text = ''): string[] => text.split(' ').filter((word) => word !== '')

/** The table as rows of Markdown. */
export function lawTable(): string[] {
  const cell = (text = ''): string => text.replaceAll(/\S+/g, '`$&`') || '–'
  return law.map(({ room, pure, imports, typesOnly, packages }) => {
    const imported = room === 'app' ? 'every room but `cli`' : cell(imports)
    return `| \`${room}\`${pure ? ' pure' : ''} | ${imported} | ${cell(typesOnly)} | ${cell(packages)} |`
  })
}
