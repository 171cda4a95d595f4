// From text to YAML nodes, and from nodes to plain values.
//
// The parser is driven lexeme by lexeme and stopped where a file exceeds a bound: what it builds until
// then is small. Aliases, anchors and tags are refused there too, and the composer is stopped at the
// first error: for each error it would make an object that is never read, millions of them for a file
// of brackets.

import {
  Composer,
  type CST,
  type Document,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type LineCounter,
  Parser,
} from 'yaml'
import { adviseOnPlaceholder, tellSlip } from '../lib/advice.ts'
import { show } from './leaf.ts'
import type { DocumentPath, Problem, ProblemCode } from '../zone/compile/problem.ts'

/** A problem with its offset in the text. */
export interface SyntaxProblem extends Problem {
  readonly offset: number
}

type Composed =
  | { readonly kind: 'composed'; readonly document: Document }
  | { readonly kind: 'bad'; readonly problems: readonly SyntaxProblem[] }

const depthLimit = 32

/**
 * Keys, values and punctuation, without blanks and comments. A file of 4 MiB that is written for
 * people has less than a million, one that is as dense as JSON can be less than two.
 */
const tokensLimit = 2_000_000

/** Of aliases, anchors and tags so many are reported. */
const forbiddenLimit = 100

const tooDeep = (offset: number): SyntaxProblem =>
  syntaxProblem('too-deep', offset, `nested too deep, expected at most ${depthLimit} levels`)

/** `lines` is filled with the line starts of `text`: the parser does not tell of all of them behind an error. */
export function composeChecked(text: string, lines: LineCounter): Composed {
  const scan: Scan = { tokens: [], problems: [], count: 0, isDocumentRead: false }
  const parser = new Parser()
  lines.addNewLine(0)
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1))
    lines.addNewLine(at + 1)
  try {
    parseBounded(scan, parser, text)
    if (scan.problems.length > 0) return { kind: 'bad', problems: scan.problems }
    return compose(scan.tokens, text)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // The parser recurses with the nesting, and ran out of stack.
    return { kind: 'bad', problems: [tooDeep(parser.offset)] }
  }
}

/** What the parser has read. */
interface Scan {
  /** Ends in the first error of the parser. */
  readonly tokens: CST.Token[]
  readonly problems: SyntaxProblem[]
  /** Of the tokens that `tokensLimit` bounds. */
  count: number
  isDocumentRead: boolean
}

/** Parses until the end, the first error of the parser, or a bound. */
function parseBounded(scan: Scan, parser: Parser, text: string): void {
  let isContent = false
  for (const lexeme of new Lexer().lex(text)) {
    const { offset } = parser
    if (!isContent && !admit(scan, lexeme, offset)) return
    isContent = lexeme === scalarMark
    if (!take(scan, parser.next(lexeme))) return
    const bound = exceeded(scan, parser)
    if (bound) return void scan.problems.push(bound)
  }
  take(scan, parser.end())
}

/** The lexer gives it before each plain scalar and each block scalar. */
const scalarMark = '\x1f'

/** false: the file exceeds a bound, or has too much that is forbidden. */
function admit(scan: Scan, lexeme: string, offset: number): boolean {
  const problem = forbidden(lexeme, offset)
  if (problem && scan.problems.push(problem) >= forbiddenLimit) return false
  if (!/[ \t\r\n#]/.test(lexeme[0] ?? ' ')) scan.count++
  return true
}

function forbidden(lexeme: string, offset: number): SyntaxProblem | null {
  switch (lexeme[0]) {
    case '*':
      return syntaxProblem('alias', offset, noAlias(lexeme))
    case '&':
      return syntaxProblem(
        'alias',
        offset,
        `anchors are not allowed: take out ${show(lexeme)}, and write the value wherever it is needed`,
      )
    case '!': {
      const message = `tags are not allowed: take out ${show(lexeme)}, every value has the type that its key asks for`
      return syntaxProblem('tag', offset, message)
    }
    default:
      return null
  }
}

/** Owners of wildcards look like aliases. */
function noAlias(lexeme: string): string {
  const owner = /^\*(?:\.[\w.-]{1,253})?(?=:?$)/.exec(lexeme)?.[0]
  return owner === undefined
    ? 'aliases are not allowed: write the value again'
    : `a * without quotes begins an alias, and aliases are not allowed: write ${JSON.stringify(owner)} for the name of a wildcard`
}

/** false: the parser has found an error. */
function take(scan: Scan, tokens: Iterable<CST.Token>): boolean {
  for (const token of tokens) {
    scan.tokens.push(token)
    if (token.type === 'error') return false
    if (token.type === 'document') scan.isDocumentRead = true
  }
  return true
}

/** The bound that what was read by now exceeds. */
function exceeded(
  { count, isDocumentRead }: Scan,
  { stack, offset }: Parser,
): SyntaxProblem | null {
  const [outermost] = stack
  if (isDocumentRead && outermost?.type === 'document') {
    const message = 'a second document begins here, expected one a file'
    return syntaxProblem('several-documents', outermost.offset, message)
  }
  if (stack.length > depthLimit && stack.filter(isCollection).length > depthLimit)
    return tooDeep(stack.at(-1)?.offset ?? offset)
  if (count <= tokensLimit) return null
  const message = `more than ${tokensLimit} keys, values and signs, expected fewer: split the zone`
  return syntaxProblem('too-many-tokens', offset, message)
}

const isCollection = (token: CST.Token): boolean => 'items' in token

/** Thrown out of the composer at its first error. */
class ComposeError extends Error {
  readonly offset: number

  constructor(offset: number, message: string) {
    super(message)
    this.offset = offset
  }
}

type ErrorPosition = number | readonly number[] | { readonly offset: number }

/** The composer catches what is thrown and reports that as an error too: the first one is thrown again. */
function stopAtFirstError(): ComposeErrorHandler {
  let first: ComposeError | null = null
  return (position, _code, message, isWarning = false) => {
    if (isWarning) return
    first ??= new ComposeError(offsetOf(position), message)
    throw first
  }
}

type ComposeErrorHandler = (
  position: ErrorPosition,
  code: string,
  message: string,
  isWarning?: boolean,
) => void

function offsetOf(position: ErrorPosition): number {
  if (typeof position === 'number') return position
  return 'offset' in position ? position.offset : (position[0] ?? 0)
}

/**
 * One slip causes several errors: only the first is where the operator has to look. The errors of the
 * parser are among the tokens.
 */
function compose(tokens: readonly CST.Token[], text: string): Composed {
  const last = tokens.at(-1)
  const isRead = tokens.some(({ type }) => type === 'document')
  if (last?.type === 'error' && !isRead) return notYaml(text, last.offset, parserMessage(last))
  const composer = new Composer({
    stringKeys: true,
    uniqueKeys: false,
    strict: true,
    version: '1.2',
  })
  // The composer has no other way to stop it: test/zonefile/document.test.ts counts on it.
  Object.assign(composer, { onError: stopAtFirstError() })
  try {
    const [document] = [...composer.compose(tokens, true, text.length)]
    if (!document) throw new Error('the composer returned no document, although it is forced to')
    const [error] = document.errors
    return error ? notYaml(text, error.pos[0], error.message) : { kind: 'composed', document }
  } catch (error) {
    if (!(error instanceof ComposeError)) throw error
    return notYaml(text, error.offset, error.message)
  }
}

const parserMessage = ({ message, source }: CST.ErrorToken): string =>
  `${message}: ${JSON.stringify(source.slice(0, 60))}`

function notYaml(text: string, offset: number, message: string): Composed {
  const template = templateAt(text, offset)
  if (template !== null) return { kind: 'bad', problems: [template] }
  const at = slipOffset(text, offset, message)
  return { kind: 'bad', problems: [syntaxProblem('syntax', at, `not YAML: ${tellSlip(message)}`)] }
}

/** The mark of a template or a variable in the line of an error, which is the mistake then. */
function templateAt(text: string, offset: number): SyntaxProblem | null {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const [line = ''] = text.slice(start).split('\n', 1)
  const advice = adviseOnPlaceholder(line)
  const mark = /\$\{|\{\{|<%/.exec(line)
  return advice === null || mark === null
    ? null
    : syntaxProblem('syntax', start + mark.index, advice)
}

/** The parser finds a quote or a bracket that is not closed where it reads on: the place to look at is where it opens. */
function slipOffset(text: string, offset: number, message: string): number {
  if (/missing closing .quote|end with a? ?[\]}]/i.test(message)) {
    const opened = openedBefore(text, offset, /quote/.test(message) ? /^['"]/ : /^[[{]/)
    if (opened !== null) return opened
  }
  const isLineStart = offset === 0 || text[offset - 1] === '\n'
  return isLineStart ? offset + (/^ */.exec(text.slice(offset))?.[0].length ?? 0) : offset
}

/** Offset of the last lexeme that opens something and is not closed before `end`. */
function openedBefore(text: string, end: number, mark: RegExp): number | null {
  const opened: number[] = []
  let offset = 0
  let isContent = false
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === scalarMark) {
      isContent = true
      continue
    }
    if (offset >= end) break
    if (!isContent && mark.test(lexeme)) opened.push(offset)
    else if (!isContent && /^[\]}]/.test(lexeme)) opened.pop()
    isContent = false
    offset += lexeme.length
  }
  return opened.at(-1) ?? null
}

export const syntaxProblem = (
  code: ProblemCode,
  offset: number,
  message: string,
  path: DocumentPath = [],
): SyntaxProblem => ({ severity: 'error', code, path, at: 'value', message, offset })

/** Whether plain scalars at this path are taken as written, even if they look like numbers. */
export type IsText = (path: DocumentPath) => boolean

interface PlainValue {
  /** Maps have no prototype, so that no key of a file can be taken for a method. */
  readonly value: unknown
  readonly problems: readonly SyntaxProblem[]
}

/**
 * Recurses as deep as the nodes, which composeChecked bounds. Of duplicate keys the first counts.
 */
export function toPlainValue(contents: unknown, isText: IsText): PlainValue {
  const problems: SyntaxProblem[] = []
  const convert = (node: unknown, path: DocumentPath): unknown => {
    if (isMap(node)) return convertMap(node.items, path)
    if (isSeq(node)) return node.items.map((item, i) => convert(item, [...path, i]))
    if (!isScalar(node)) return null
    const isWritten = node.source !== undefined && node.source !== ''
    return isWritten && typeof node.value !== 'string' && isText(path) ? node.source : node.value
  }
  const convertMap = (
    items: readonly { key: unknown; value: unknown }[],
    path: DocumentPath,
  ): object => {
    const map: Record<string, unknown> = Object.create(null)
    for (const { key, value } of items) {
      if (!isScalar(key)) continue
      const name = String(key.value)
      const offset = key.range?.[0] ?? 0
      if (name === '__proto__') {
        const message = 'the key "__proto__" is not allowed'
        problems.push(syntaxProblem('unknown-key', offset, message, [...path, name]))
      } else if (name in map) {
        const message = `the key ${show(name)} is given twice in this map, expected it once`
        problems.push(syntaxProblem('duplicate-key', offset, message, [...path, name]))
      } else {
        map[name] = convert(value, [...path, name])
      }
    }
    return map
  }
  return { value: convert(contents, []), problems }
}
