// Command lines to values. A mistake is one line on standard error and exit code 2.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

type Flags =
  | { readonly kind: 'flags'; readonly values: FlagValues; readonly words: readonly string[] }
  | { readonly kind: 'bad'; readonly why: string }

export type FlagValues = Readonly<Record<string, string | string[] | undefined>>

/** `many`: flags that may be repeated; `switches`: flags without a value, `yes` where given. */
export function parseFlags(
  argv: readonly string[],
  single: readonly string[],
  many: readonly string[] = [],
  switches: readonly string[] = [],
): Flags {
  const options: ParseArgsOptionsConfig = {}
  for (const name of single) options[name] = { type: 'string' }
  for (const name of many) options[name] = { type: 'string', multiple: true }
  for (const name of switches) options[name] = { type: 'boolean' }
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
    const texts = Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'boolean' ? 'yes' : value,
    ])
    return { kind: 'flags', values: Object.fromEntries(texts) as FlagValues, words: positionals }
  } catch (error) {
    return { kind: 'bad', why: error instanceof Error ? error.message : String(error) }
  }
}
