// `mxsteer explain NAME [TYPE] --client 198.51.100.7`: why a client is answered what it is, by a running server.

import type { Explanation } from '../explain/explain.ts'
import { adminFlags, findAdmin } from './admin-client.ts'
import { explanationText } from './text/explain-text.ts'
import { parseFlags } from './flags.ts'

export async function explain(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv, [...adminFlags, 'client', 'ecs'], [], ['json'])
  if (flags.kind === 'bad') return fail(2, flags.why)
  const [name, type, ...rest] = flags.words
  if (name === undefined || rest.length > 0)
    return fail(2, 'give a name and a type, for example: smtp.example.com MX')
  const parameters = new URLSearchParams({ name, type: type ?? 'MX' })
  for (const key of ['client', 'ecs']) {
    const value = flags.values[key]
    if (value !== undefined) parameters.set(key, String(value))
  }
  const found = await findAdmin(flags.values)
  if (found.kind === 'bad') return fail(2, found.why)
  const answer = await found.client.ask('GET', `/explain?${parameters.toString()}`)
  if (answer.kind === 'failed') return fail(1, answer.why)
  const told = answer.value as Explanation | Refused
  if ('error' in told) return fail(1, `${told.error.message} (${told.error.code})`)
  const asJson = flags.values['json'] !== undefined
  process.stdout.write(asJson ? `${JSON.stringify(told, null, 2)}\n` : explanationText(told))
  return 0
}

interface Refused {
  readonly error: { readonly code: string; readonly message: string }
}

function fail(code: number, why: string): number {
  process.stderr.write(`mxsteer explain: ${why}\n`)
  return code
}
