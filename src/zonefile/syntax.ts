// From text to YAML nodes, and from nodes to plain values.
//
// Depth, aliases, anchors and tags are checked on the tokens, since composing nodes recurses.

import {
  Composer,
  type CST,
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  Parser,
} from 'yaml'
import type { DocumentPath, ProblemCode } from '../zone/compile/problem.ts'

/** A problem with its offset in the text. */
export interface SyntaxProblem {
  readonly code: ProblemCode
  readonly offset: number
  readonly path: DocumentPath
  readonly message: string
}

export type Composed =
  | { readonly kind: 'composed'; readonly document: Document }
  | { readonly kind: 'bad'; readonly problems: readonly SyntaxProblem[] }

const depthLimit = 32

const tooDeep = (offset: number): SyntaxProblem =>
  syntaxProblem('too-deep', offset, `nested too deep, expected at most ${depthLimit} levels`)

/** `lines` is filled with the line starts of `text`. */
export function composeChecked(text: string, lines: LineCounter): Composed {
  try {
    const tokens = [...new Parser(lines.addNewLine).parse(text)]
    const problems = findForbiddenTokens(tokens)
    if (problems.length > 0) return { kind: 'bad', problems }
    return compose(tokens, text.length)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // The parser recurses with the nesting, and ran out of stack.
    return { kind: 'bad', problems: [tooDeep(0)] }
  }
}

/** The nodes of a part of a file that is a document by itself; null: anything is wrong with it. */
export function composePart(text: string): Document | null {
  const composed = composeChecked(text, new LineCounter())
  return composed.kind === 'composed' ? composed.document : null
}

function compose(tokens: readonly CST.Token[], end: number): Composed {
  const composer = new Composer({
    stringKeys: true,
    uniqueKeys: false,
    strict: true,
    version: '1.2',
  })
  const [document] = [...composer.compose(tokens, true, end)]
  if (!document) throw new Error('the composer returned no document, although it is forced to')
  // One slip causes several errors: only the first is where the operator has to look.
  const [error] = document.errors
  if (!error) return { kind: 'composed', document }
  return {
    kind: 'bad',
    problems: [syntaxProblem('syntax', error.pos[0], `not YAML: ${firstSentence(error.message)}`)],
  }
}

const firstSentence = (message: string): string =>
  (message.split('\n', 1)[0] ?? '').replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())

const syntaxProblem = (code: ProblemCode, offset: number, message: string): SyntaxProblem => ({
  code,
  offset,
  path: [],
  message,
})

function findForbiddenTokens(tokens: readonly CST.Token[]): readonly SyntaxProblem[] {
  const problems: SyntaxProblem[] = []
  const documents = tokens.filter((token) => token.type === 'document')
  const second = documents[1]
  if (second) {
    problems.push(
      syntaxProblem(
        'several-documents',
        second.offset,
        'a second document begins here, expected one a file',
      ),
    )
  }
  const open: { token: CST.Token; depth: number }[] = tokens.map((token) => ({ token, depth: 0 }))
  for (let next = open.pop(); next; next = open.pop()) {
    const { token, depth } = next
    if (depth > depthLimit) return [tooDeep(token.offset)]
    problems.push(...tokenProblems(token))
    for (const child of childrenOf(token)) open.push({ token: child, depth: depth + levels(token) })
  }
  return problems.sort((a, b) => a.offset - b.offset)
}

/** How many levels a token adds to the depth of its children. */
const levels = (token: CST.Token): number => ('items' in token ? 1 : 0)

function tokenProblems({ type, offset }: CST.Token): readonly SyntaxProblem[] {
  switch (type) {
    case 'alias':
      return [syntaxProblem('alias', offset, 'aliases are not allowed: write the value again')]
    case 'anchor':
      return [syntaxProblem('alias', offset, 'anchors are not allowed, since aliases are not')]
    case 'tag':
      return [
        syntaxProblem(
          'tag',
          offset,
          'tags are not allowed: every value has the type that its key asks for',
        ),
      ]
    default:
      return []
  }
}

function childrenOf(token: CST.Token): readonly CST.Token[] {
  if (token.type === 'document') return [...token.start, ...(token.value ? [token.value] : [])]
  if (token.type === 'block-scalar') return token.props
  if (!('items' in token)) return []
  return token.items.flatMap(({ start, key, sep, value }) => [
    ...start,
    ...(key ? [key] : []),
    ...(sep ?? []),
    ...(value ? [value] : []),
  ])
}

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
        problems.push({
          code: 'unknown-key',
          offset,
          path: [...path, name],
          message: 'the key "__proto__" is not allowed',
        })
      } else if (name in map) {
        const message = `the key ${JSON.stringify(name)} is given twice in this map`
        problems.push({ code: 'duplicate-key', offset, path: [...path, name], message })
      } else {
        map[name] = convert(value, [...path, name])
      }
    }
    return map
  }
  return { value: convert(contents, []), problems }
}
