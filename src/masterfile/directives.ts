// The directives of master files, which stand where an owner would.

import { adviseOnCharacters } from '../lib/advice.ts'
import { nearest } from '../lib/suggest-name.ts'
import { keyOfName, type Name } from '../wire/name.ts'
import type { Token } from '../wire/presentation.ts'
import type { ProblemCode } from '../zone/compile/problem.ts'
import { readFileName } from './file-name.ts'
import { generate } from './generate.ts'
import {
  addRecord,
  at,
  isFull,
  type MasterFile,
  placeAt,
  readNameToken,
  readToEnd,
  readTtl,
  readType,
  type Reading,
  refuse,
  ttlOf,
} from './reading.ts'

/** A file to be read in the place of the directive. */
export interface Include {
  readonly name: string
  readonly origin: Name
  readonly place: number
}

export function readDirective(
  reading: Reading,
  file: MasterFile,
  directive: Token,
): Include | null {
  const { scan } = file
  scan.pairs = directive.text.toUpperCase() === '$GENERATE'
  if (!readToEnd(reading, file)) return null
  switch (directive.text.toUpperCase()) {
    case '$ORIGIN': {
      const [token] = words(reading, file, [1])
      const origin = token ? readNameToken(reading, file, token) : null
      if (origin) file.origin = origin
      return null
    }
    case '$TTL': {
      const [token] = words(reading, file, [1])
      const ttl = token ? readTtl(reading, file, token) : null
      if (ttl !== null) reading.defaultTtl = ttl
      return null
    }
    case '$INCLUDE':
      return readInclude(reading, file)
    case '$GENERATE':
      return readGenerate(reading, file, directive)
    default:
      return refuse(reading, file, directive.from, {
        code: 'bad-directive',
        message: `unknown directive ${directive.text.slice(0, 60)}, ${adviseOnCharacters(directive.text) ?? directiveMeant(directive.text)}`,
      })
  }
}

function directiveMeant(text: string): string {
  const meant = nearest(text, ['$ORIGIN', '$TTL', '$INCLUDE', '$GENERATE'])
  return meant === null ? 'expected $ORIGIN, $TTL, $INCLUDE or $GENERATE' : `did you mean ${meant}?`
}

const examples: Readonly<Record<string, string>> = {
  $ORIGIN: '$ORIGIN example.com.',
  $TTL: '$TTL 1h',
  $INCLUDE: '$INCLUDE more.zone',
}

/** The words after the directive if there are so many; else none, which is reported. */
function words(reading: Reading, file: MasterFile, counts: readonly number[]): readonly Token[] {
  const [directive, ...rest] = file.scan.tokens
  if (!directive || counts.includes(rest.length)) return rest
  const name = directive.text.toUpperCase()
  const example = examples[name] ?? name
  const message = `${directive.text} has ${rest.length} words, expected ${counts.join(' or ')}, as in ${example}`
  refuse(reading, file, directive.from, { code: 'bad-directive', message })
  return []
}

/** `$INCLUDE FILE [ORIGIN]` (RFC 1035 §5.1). */
function readInclude(reading: Reading, file: MasterFile): Include | null {
  const [path, domain] = words(reading, file, [1, 2])
  if (!path) return null
  const text = new TextDecoder().decode(path.octets)
  const name =
    reading.request.isForeign === true
      ? ({ kind: 'name', name: text } as const)
      : readFileName(text)
  if (name.kind === 'bad')
    return refuse(reading, file, path.from, { code: 'bad-path', message: name.why })
  const origin = domain ? readNameToken(reading, file, domain) : file.origin
  if (!origin) return null
  return { name: name.name, origin, place: placeAt(reading, file, at(path.from)) }
}

/** `$GENERATE RANGE OWNER [TTL] [CLASS] TYPE DATA`, as BIND has it. */
function readGenerate(reading: Reading, file: MasterFile, directive: Token): null {
  const [, range, owner, ...rest] = file.scan.tokens
  const isMistake = (code: ProblemCode, message: string): null =>
    refuse(reading, file, directive.from, { code, message })
  if (!range || !owner || rest.length < 2)
    return isMistake('bad-directive', '$GENERATE lacks words, expected RANGE OWNER TYPE DATA')
  let ttl: number | null = null
  let typeAt = 0
  for (; typeAt < rest.length - 1; typeAt++) {
    const word = rest[typeAt] as Token
    if (ttl === null && /^\d/.test(word.text)) ttl = readTtl(reading, file, word)
    else if (!/^IN$/i.test(word.text)) break
  }
  const typeToken = rest[typeAt] as Token
  const type = readType(reading, file, typeToken)
  const data = rest.slice(typeAt + 1)
  if (typeof type !== 'number') return null
  if (data.length === 0) return isMistake('bad-directive', '$GENERATE has no data after the type')
  const position = { key: directive.from, value: data[0]?.from ?? directive.from }
  const made = generate({ range: range.text, owner: owner.text, data, type, origin: file.origin })
  if (made.kind === 'bad') return isMistake('bad-directive', `$GENERATE: ${made.why}`)
  const head = { type, ttl: ttl ?? ttlOf(reading) }
  for (const { name, rdata } of made.records) {
    if (isFull(reading)) return null
    const known = { name, key: keyOfName(name) }
    addRecord(reading, { ...head, owner: known }, rdata, placeAt(reading, file, position))
    reading.owner = known
  }
  return null
}
