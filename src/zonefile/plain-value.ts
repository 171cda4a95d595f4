// YAML nodes → plain values. Maps have no prototype, so no key of a file can be mistaken for a method.

import { isMap, isScalar, isSeq } from 'yaml'
import type { DocumentPath } from '../zone/compile/problem.ts'
import type { Fault } from './syntax.ts'

export type IsText = (path: DocumentPath) => boolean

export interface PlainValue {
  readonly value: unknown
  readonly faults: readonly Fault[]
}

/** Recurses as deep as the document does, which syntax.ts bounds. */
export function toPlainValue(contents: unknown, isText: IsText): PlainValue {
  const faults: Fault[] = []
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
        faults.push({
          code: 'unknown-key',
          offset,
          path: [...path, name],
          message: 'the key "__proto__" is not allowed',
        })
      } else if (name in map) {
        const message = `the key ${JSON.stringify(name)} is given twice in this map`
        faults.push({ code: 'duplicate-key', offset, path: [...path, name], message })
      } else {
        map[name] = convert(value, [...path, name])
      }
    }
    return map
  }
  return { value: convert(contents, []), faults }
}
