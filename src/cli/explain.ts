// `mxsteer explain NAME [TYPE] --client 198.51.100.7`: why a running server gives a client the
// answer that it gives.

import type { Explanation } from '../explain/explain.ts'
import { findAdminClient } from './admin-client.ts'
import { fail, parseFlags } from './commands/flags.ts'
import { explanationText } from './text/explain-text.ts'
import { printJson } from './text/output.ts'

export async function explain(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('explain', argv)
  if (flags.kind === 'bad') return fail('explain', flags.why)
  const [name, type, ...rest] = flags.words
  if (name === undefined || rest.length > 0)
    return fail('explain', 'give a name and a type, for example: smtp.example.com MX')
  const parameters = new URLSearchParams({ name, type: type ?? 'MX' })
  for (const key of ['client', 'ecs']) {
    const value = flags.values[key]
    if (value !== undefined) parameters.set(key, String(value))
  }
  const admin = await findAdminClient(flags.values)
  if (admin.kind === 'bad') return fail('explain', admin.why)
  const response = await admin.client.request('GET', `/explain?${parameters.toString()}`)
  if (response.kind === 'failed') return fail('explain', response.why, 1)
  const body = response.body as Explanation | Refused
  if ('error' in body) return fail('explain', `${body.error.message} (${body.error.code})`, 1)
  const asJson = flags.values['json'] !== undefined
  if (asJson) printJson(body)
  else process.stdout.write(explanationText(body))
  return 0
}

interface Refused {
  readonly error: { readonly code: string; readonly message: string }
}
