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
  {
    room: 'lib',
    imports: '',
  },
  {
    room: 'log-events.ts',
    imports: '',
    typesOnly: 'config geo health log.ts probe transport',
  },
  {
    room: 'log-kept.ts',
    imports: '',
    typesOnly: 'health log.ts probe share',
  },
  {
    room: 'log.ts',
    imports: '',
    packages: 'pino',
  },
  {
    room: 'supervisor',
    imports: '',
    packages: 'koffi node:*',
  },
  {
    room: 'version.ts',
    imports: '',
    packages: 'node:*',
  },
  {
    room: 'wire',
    pure: true,
    imports: '',
  },
  {
    room: 'geo',
    imports: 'lib',
    typesOnly: 'steer',
    packages: 'maxmind node:*',
  },
  {
    room: 'guard',
    pure: true,
    imports: 'lib',
  },
  {
    room: 'health',
    pure: true,
    imports: 'lib',
    typesOnly: 'probe',
  },
  {
    room: 'stub',
    imports: 'lib',
    packages: 'dns2 node:*',
  },
  {
    room: 'wire/rdata',
    pure: true,
    imports: 'lib wire',
  },
  {
    room: 'probe',
    imports: 'health lib',
    typesOnly: 'share',
    packages: 'node:*',
  },
  {
    room: 'share',
    imports: 'health lib',
    packages: 'ioredis node:*',
  },
  {
    room: 'steer',
    pure: true,
    imports: 'health lib wire',
    typesOnly: 'wire/rdata zone',
  },
  {
    room: 'zone',
    pure: true,
    imports: 'lib wire wire/rdata',
    typesOnly: 'health steer',
  },
  {
    room: 'answer',
    pure: true,
    imports: 'steer wire zone',
    typesOnly: 'guard health lib wire/rdata',
  },
  {
    room: 'doctor',
    imports: 'geo lib probe share steer stub wire wire/rdata',
    typesOnly: 'config zone',
    packages: 'node:*',
  },
  {
    room: 'identity',
    imports: 'lib probe stub',
  },
  {
    room: 'kept-state.ts',
    imports: 'lib log-kept.ts probe share',
    typesOnly: 'config health log.ts',
  },
  {
    room: 'probing.ts',
    imports: 'lib log-events.ts probe',
    typesOnly: 'admin config health identity kept-state.ts log.ts shared-state.ts',
  },
  {
    room: 'shared-state.ts',
    imports: 'lib share',
    typesOnly: 'config log.ts',
    packages: 'node:*',
  },
  {
    room: 'status-sources.ts',
    imports: 'lib probe version.ts',
    typesOnly: 'admin config shared-state.ts',
  },
  {
    room: 'config',
    imports: 'answer guard health lib probe wire wire/rdata zone',
    typesOnly: 'identity steer transport',
    packages: 'node:* yaml zod',
  },
  {
    room: 'explain',
    pure: true,
    imports: 'answer health lib steer wire wire/rdata zone',
  },
  {
    room: 'log-identity.ts',
    imports: 'identity',
    typesOnly: 'log.ts',
  },
  {
    room: 'transport',
    imports: 'answer geo guard health lib steer zone',
    packages: 'koffi node:*',
  },
  {
    room: 'admin',
    imports: 'answer health identity lib transport wire zone',
    typesOnly: 'explain probe',
    packages: 'node:* prom-client',
  },
  {
    room: 'explainer.ts',
    imports: 'explain geo steer',
    typesOnly: 'admin health lib probe zone',
  },
  {
    room: 'outside-view.ts',
    imports: 'identity lib log-identity.ts stub',
    typesOnly: 'config log.ts',
  },
  {
    room: 'served-files.ts',
    imports: 'config geo log-events.ts probe steer',
    typesOnly: 'identity lib log.ts operator.ts shared-state.ts transport',
  },
  {
    room: 'start-report.ts',
    imports: 'transport',
    typesOnly: 'config lib',
  },
  {
    room: 'announcing.ts',
    imports: 'admin',
    typesOnly: 'config log.ts',
  },
  {
    room: 'answering-workers.ts',
    imports: 'guard lib log-events.ts served-files.ts transport',
    typesOnly: 'config log.ts',
    packages: 'node:*',
  },
  {
    room: 'metric-sources.ts',
    imports: 'lib start-report.ts transport version.ts',
    typesOnly:
      'admin answering-workers.ts config identity kept-state.ts operator.ts probe shared-state.ts',
  },
  {
    room: 'operator.ts',
    imports: 'admin lib log-events.ts log-kept.ts probe',
    typesOnly: 'config health identity kept-state.ts log.ts shared-state.ts transport',
    packages: 'node:*',
  },
  {
    room: 'supervising.ts',
    imports: 'admin supervisor',
    typesOnly: 'answer log.ts',
  },
  {
    room: 'app.ts',
    imports:
      'admin announcing.ts answering-workers.ts explainer.ts health kept-state.ts lib log-events.ts metric-sources.ts operator.ts outside-view.ts probe probing.ts served-files.ts shared-state.ts start-report.ts status-sources.ts supervising.ts transport version.ts',
    typesOnly: 'config identity log.ts supervisor',
  },
  {
    room: 'cli',
    imports:
      'app.ts config doctor explain geo health identity lib log.ts probe steer stub wire zone',
    packages: 'node:*',
  },
  {
    room: 'main.ts',
    imports: 'cli version.ts',
  },
]

/** Files that may read the clock and randomness; every other file is given them as arguments. */
export const readersOfClockAndRandomness: RegExp =
  /^(lib\/clock|(app\/)?app|cli\/.*|transport\/(worker\/)?worker)\.ts$/

export const words = (text = ''): string[] => text.split(' ').filter((word) => word !== '')

/** The table as rows of Markdown. */
export function lawTable(): string[] {
  const cell = (text = ''): string =>
    words(text)
      .map((word) => `\`${word}\``)
      .join(' ') || '–'
  return law.map(({ room, pure, imports, typesOnly, packages }) => {
    const imported = room === 'app' ? 'every room but `cli`' : cell(imports)
    return `| \`${room}\`${pure ? ' pure' : ''} | ${imported} | ${cell(typesOnly)} | ${cell(packages)} |`
  })
}
