// What is asked with DO, of servers that sign: beside our own without signatures.

import { asking, inRandomCase, randomNames } from './questions.ts'
import {
  type Work,
  ask,
  askRelay,
  askedOf,
  base,
  ladderOfFour,
  manyNames,
  pick,
  sixteenTargets,
  spellings,
  steered,
} from './work.ts'

const ofFour = steered
  .replace('\npools:', '\n  mx4: { addresses: [203.0.113.4] }\npools:')
  .replace('mx3: 1 }', 'mx3: 1, mx4: 1 }')
  .replace('{ steer: in }', '{ steer: in, ladder: 4 }')

/** The same questions with DO, of a zone signed with one ECDSA P-256 key. */
export const signedWorks: readonly (() => Work)[] = (
  [
    { name: 'do-static', title: 'static A', questions: ask },
    {
      name: 'do-static-0x20',
      title: 'static A, in random case',
      questions: inRandomCase('plain.bench.test A', spellings),
    },
    {
      name: 'do-weighted',
      title: 'weighted A, 1 of 4 targets',
      questions: askRelay,
      ours: ofFour,
      knot: false,
      pdns: `relay LUA A ${pick}\n`,
    },
    {
      name: 'do-mx',
      title: 'MX, ladder of 4 with addresses; the others: 4 that stay the same',
      questions: asking('bench.test MX'),
      ours: ofFour,
      records: ladderOfFour,
    },
    {
      name: 'do-mx-flips',
      title: 'MX, ladder of 4, while a target comes or goes 10 times a second',
      questions: asking('bench.test MX'),
      ours: ofFour,
      knot: false,
      pdns: null,
      disturbance: 'flips',
    },
    {
      name: 'do-16-targets',
      title: 'A, 4 of 16 targets',
      questions: askRelay,
      ours: sixteenTargets,
      knot: false,
      pdns: null,
    },
    {
      name: 'do-16-targets-mx',
      title: 'MX, a ladder of 4 of 16 targets; the others: 4 that stay the same',
      questions: asking('bench.test MX'),
      ours: sixteenTargets,
      records: ladderOfFour,
    },
    {
      name: 'do-16-targets-mx-flips',
      title: 'MX, a ladder of 4 of 16 targets, while a target comes or goes 10 times a second',
      questions: asking('bench.test MX'),
      ours: sixteenTargets,
      knot: false,
      pdns: null,
      disturbance: 'flips',
    },
    {
      name: 'do-nxdomain',
      title: 'NXDOMAIN, 300,000 random names',
      questions: { kind: 'text', lines: randomNames(300_000) },
    },
    {
      name: 'do-names1k',
      title: 'static A, 1,000 names asked at random',
      ...askedOf(manyNames(1000)),
    },
  ] satisfies readonly (Pick<Work, 'name' | 'title' | 'questions'> & Partial<Work>)[]
).map((work) => () => ({
  ...base,
  ...work,
  title: `${work.title}, with DO`,
  isSigned: true,
  options: ['-e', '-D'],
}))
