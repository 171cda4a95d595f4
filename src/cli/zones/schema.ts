// `mxsteer schema [zone|settings]`: the JSON Schema of zone files or of the settings, for editors and other tools.
// `npm run docs:schemas` writes the two files.

import { suggestName } from '../../lib/suggest-name.ts'
import { fail, parseFlags } from '../commands/flags.ts'
import { printJson } from '../text/output.ts'

type Load = () => Promise<{ readonly default: unknown }>

const schemas: ReadonlyMap<string, Load> = new Map<string, Load>([
  ['zone', () => import('./zone.schema.json', { with: { type: 'json' } })],
  ['settings', () => import('./settings.schema.json', { with: { type: 'json' } })],
])

export async function schema(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('schema', argv)
  if (flags.kind === 'bad') return fail('schema', flags.why)
  const chosen = choose(flags.words)
  if ('why' in chosen) return fail('schema', chosen.why)
  printJson((await chosen.load()).default)
  return 0
}

/** That of zone files, where nothing is said. */
function choose([word = 'zone', ...rest]: readonly string[]): { load: Load } | { why: string } {
  if (rest.length > 0) return { why: 'one schema at a time: zone or settings' }
  const load = schemas.get(word)
  if (load) return { load }
  const advice = suggestName('schema', schemas.keys(), word)
  return { why: `there is no schema of ${JSON.stringify(word)}, ${advice}` }
}
