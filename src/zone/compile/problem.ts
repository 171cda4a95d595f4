// Problems of a zone file by their path in the document. zonefile/ turns each into a Diagnostic,
// with file, line and column. The path of what stands in a master file is `records_file[PLACE]`.

/** Steps from the document to a value: keys of maps and indices of lists. */
export type DocumentPath = readonly (string | number)[]

/** The path of what stands at a place of the master file. */
export const pathOfPlace = (place: number): DocumentPath => ['records_file', place]

export interface Problem {
  readonly severity: 'error' | 'warning'
  readonly code: ProblemCode
  readonly path: DocumentPath
  /** Whether the position is that of the last key of the path, or of its value. */
  readonly at: 'key' | 'value'
  readonly message: string
}

/** Which names the codes of unknown ones are among: keys of the document. */
const namesOf: Partial<Readonly<Record<ProblemCode, string>>> = {
  'unknown-target': 'targets',
  'unknown-probe': 'probes',
  'unknown-pool': 'pools',
  'unknown-policy': 'steering',
}

const nameMistakes: readonly ProblemCode[] = ['duplicate-key', 'bad-name', 'duplicate-target']

/**
 * Problems without those that follow from others: a name that is unknown for a mistake where it is defined, and that TXT
 * data was read otherwise before where it has a mistake.
 */
export function withoutConsequences(problems: readonly Problem[]): readonly Problem[] {
  const followers = new Set<Problem>()
  for (const [code, key] of Object.entries(namesOf)) {
    const unknown = problems.filter((problem) => problem.code === code)
    const mistaken = problems.filter(
      ({ code: other, path }) =>
        nameMistakes.includes(other) && path.length === 2 && path[0] === key,
    )
    // Each stands for one name: a name more than those is a mistake of its own.
    const names = new Set(unknown.map(({ message }) => message))
    if (names.size <= mistaken.length) for (const one of unknown) followers.add(one)
  }
  const mistakenSets = new Set(problems.filter(({ code }) => code !== 'one-text').map(setOf))
  return problems.filter(
    (one) => !followers.has(one) && (one.code !== 'one-text' || !mistakenSets.has(setOf(one))),
  )
}

/** The key of the record set that a problem is of: `records`, owner, type. */
const setOf = ({ path }: Problem): string => JSON.stringify(path.slice(0, 3))

/** Every code; docs/errors.md has what to do about each. */
export const problemCodes = [
  // the file
  'unreadable-file',
  'not-read',
  'no-zones',
  'too-many-files',
  'too-large',
  'too-much-memory',
  'too-slow',
  'reading-failed',
  'not-utf8',
  'control-character',
  'syntax',
  'several-documents',
  'too-deep',
  'too-many-tokens',
  'alias',
  'tag',
  'duplicate-key',
  'more-mistakes',
  'bad-certificate',
  // names around the mail, by what caches may hold
  'mta-sts-cached',
  'tlsa-order',
  'tlsa-in-use',
  'ptr-differs',
  // keys of signed zones
  'bad-key',
  'key-pair',
  'dnssec-dropped',
  'dnssec-no-key',
  'dnssec-serial',
  'dnssec-expire',
  'key-algorithm-gap',
  'key-open-to-others',
  'key-response',
  'key-vanished',
  // a master file
  'bad-path',
  'bad-directive',
  // its shape
  'unknown-key',
  'missing',
  'bad-value',
  // names and numbers
  'bad-name',
  'out-of-zone',
  'duplicate-zone',
  'min-ttl-above-ttl',
  'serial-conflict',
  // targets, probes, pools, steering
  'bad-address',
  'duplicate-address',
  'no-addresses',
  'duplicate-target',
  'fast-above-interval',
  'probe-conflict',
  'identity-conflict',
  'unknown-target',
  'unknown-probe',
  'unknown-pool',
  'unknown-policy',
  'empty-pool',
  'too-many-members',
  'duplicate-member',
  'duplicate-pool',
  'bad-network',
  'empty-condition',
  'no-catch-all',
  'unreachable-rule',
  'too-many-targets',
  'too-many-addresses',
  // records
  'epoch-below-ttl',
  'unknown-type',
  'forbidden-type',
  'duplicate-type',
  'duplicate-owner',
  'bad-rdata',
  'not-steerable',
  'address-clash',
  'cname-beside-other-data',
  'several-aliases',
  'dname-with-data-below',
  'null-mx-beside-others',
  'rrset-too-large',
  'word-quotes',
  'spf-syntax',
  'spf-too-large',
  'spf-several',
  'spf-steered',
  'spf-limit',
  'spf-no-record',
  'no-apex-ns',
  'below-delegation',
  'mta-sts-excludes',
  'mta-sts-no-exchange',
  // warnings
  'points-at-alias',
  'points-at-nothing',
  'alias-circle',
  'address-as-name',
  'not-a-host-name',
  'doubled-zone',
  'occluded',
  'duplicate-record',
  'superseded',
  'dnssec-left-out',
  'class-left-out',
  'ttl-differs',
  'one-text',
  'spf-passes-all',
  'spf-ignored',
  'spf-finds-nothing',
  'spf-ptr',
  'spf-uncovered',
  'spf-unchecked',
  'spf-spaces',
  'spf-type',
  'low-ttl',
  'high-ttl',
  'missing-family',
  'shared-address',
  'special-address',
  'reserved-asn',
  'wide-network',
  'slots-share',
  'tlsa-partial',
  'tlsa-unsigned',
  'tlsa-unusable',
  'unused-target',
  'unused-weight',
  'unused-pool',
  'unused-policy',
  'unused-probe',
  // settings
  'unknown-variable',
] as const
export type ProblemCode = (typeof problemCodes)[number]

/** Collects problems, so that one run reports all of them. `at` is `value` by default. */
export interface Problems {
  readonly list: readonly Problem[]
  /** Adds an error. */
  refuse(code: ProblemCode, path: DocumentPath, message: string, at?: Problem['at']): void
  /** Adds a warning. */
  warn(code: ProblemCode, path: DocumentPath, message: string, at?: Problem['at']): void
}

export function createProblems(): Problems {
  const list: Problem[] = []
  return {
    list,
    refuse: (code, path, message, at = 'value') =>
      void list.push({ severity: 'error', code, path, at, message }),
    warn: (code, path, message, at = 'value') =>
      void list.push({ severity: 'warning', code, path, at, message }),
  }
}
