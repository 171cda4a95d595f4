// Values as the YAML of a zone file, in the form that a person would write: a map or a list on one line where it fits, and
// else one entry a line. All text is ASCII: names and record data in presentation form are.

/** A text, a number, or a list or a map of them. */
export type YamlValue = string | number | readonly YamlValue[] | YamlMap

/** In this order, which an object would not keep for keys that are numbers. */
export type YamlMap = ReadonlyMap<string, YamlValue>

export const yamlMap = (value: Readonly<Record<string, YamlValue>>): YamlMap =>
  new Map(Object.entries(value))

const lineColumns = 100

const plain = /^[A-Za-z0-9_.][A-Za-z0-9_.:/+=;\\-]*(?: [A-Za-z0-9_.:/+=\\-]+)*$/

/** What YAML 1.2 and its readers of 1.1 take for something else than text; and a text that ends like a key. */
const notText =
  /^(?:null|true|false|yes|no|y|n|on|off|\.inf|\.nan|[.+-]?\d[\d_.:eExXoOa-fA-F+-]*)$|:$|: /i

/** A scalar, quoted where a reader would take it for something else than this text. */
function scalar(value: string | number): string {
  if (typeof value === 'number') return String(value)
  return plain.test(value) && !notText.test(value) ? value : `'${value.replaceAll("'", "''")}'`
}

/** Digits and dots that are an address are text to every reader. */
const isAddress = (value: string): boolean =>
  /^\d{1,3}(?:\.\d{1,3}){3}$/.test(value) ||
  /^[\da-f]{1,4}:[\da-f]{0,4}:[\da-f:]*[\da-f]$/i.test(value)

function inFlow(value: YamlValue): string {
  if (typeof value === 'string' && isAddress(value)) return value
  if (typeof value !== 'object') return scalar(value)
  if (isList(value)) return `[${value.map(inFlow).join(', ')}]`
  const entries = [...value].map(([key, one]) => `${scalar(key)}: ${inFlow(one)}`)
  return `{ ${entries.join(', ')} }`
}

const isList = (value: YamlValue): value is readonly YamlValue[] => Array.isArray(value)

/** Lines of one entry of a map. `isOpen`: its value is a map that has a line for each of its entries in any case. */
export function entryLines(key: string, value: YamlValue, indent = '', isOpen = false): string[] {
  const line = `${indent}${scalar(key)}: ${inFlow(value)}`
  if (typeof value !== 'object' || (!isOpen && line.length <= lineColumns)) return [line]
  const head = `${indent}${scalar(key)}:`
  if (isList(value)) return [head, ...value.map((one) => `${indent}  - ${inFlow(one)}`)]
  return [head, ...[...value].flatMap(([name, one]) => entryLines(name, one, `${indent}  `))]
}
