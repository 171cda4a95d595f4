// No secret is ever shown, whatever is wrong with the file, the variable or the flag that holds it: misspelt and doubled
// keys, flow style, quotes, tags and aliases, mistakes on the lines beside it.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { settingKeys, settingsTable } from '../../src/settings/settings-table.ts'
import { loadSettings } from '../../src/settings/settings.ts'
import { formatDiagnostics } from '../../src/zonefile/diagnostic.ts'
import { runs } from '../support/runs.ts'
import { temporaryFolder } from '../support/server.ts'

const secretKeys = settingKeys.filter((key) => settingsTable[key].isSecret === true)

/** One letter doubled, dropped, or replaced; the key itself at times. */
const misspelt = fc
  .tuple(fc.constantFrom(...secretKeys), fc.nat(40), fc.constantFrom('', 'x', 'double', 'none'))
  .map(([key, at, how]) => {
    const i = at % key.length
    if (how === 'none') return key
    const letter = key[i] ?? ''
    return key.slice(0, i) + (how === 'double' ? letter + letter : how) + key.slice(i + 1)
  })

const hunter = fc.stringMatching(/^[a-z0-9]{14,30}$/).map((rest) => `hunter2${rest}`)

const file = join(temporaryFolder(), 'mxsteer.yaml')

/** All that is said of the settings of a text, as the operator sees it. */
async function saidOf(given: {
  text?: string
  env?: Record<string, string>
  flags?: Record<string, string>
}): Promise<string> {
  writeFileSync(file, given.text ?? '')
  const loaded = await loadSettings({
    flags: { config: file, ...given.flags },
    env: given.env ?? {},
    configFile: 'nowhere',
  })
  const diagnostics = loaded.kind === 'rejected' ? loaded.diagnostics : loaded.warnings
  return formatDiagnostics(diagnostics) + JSON.stringify(diagnostics)
}

const forms: readonly ((key: string, secret: string) => string)[] = [
  (key, secret) => `${key}: ${secret}\n`,
  (key, secret) => `${key}: '${secret}\n`,
  (key, secret) => `"${key}": "${secret}"\n`,
  (key, secret) => `${key}: ${secret}\n${key}: ${secret}\n`,
  (key, secret) => `${key}: [${secret}, ${secret}\n`,
  (key, secret) => `{ ${key}: ${secret}, listen: nowhere }\n`,
  (key, secret) => `listen: nowhere\n${key}: *${secret}\n`,
  (key, secret) => `${key}: !${secret} x\n`,
  (key, secret) => `${key}: &${secret} [*${secret}x]\n`,
  (key, secret) => `${key}: |\n  ${secret}\n bad\n`,
  (key, secret) => `${key}:\n  nested: ${secret}\n`,
  (key, secret) => `${key} : ${secret}: ${secret}\n`,
  (key, secret) => `listen: { ${key}: ${secret} }\n`,
  (key, secret) => `listen: nowhere # ${key}: ${secret}\n`,
  (key, secret) => `? ${key}\n: ${secret}\n`,
  (key, secret) => `${key}: redis://:${secret}@store/none\n`,
]

test('in a file', async () => {
  await fc.assert(
    fc.asyncProperty(misspelt, hunter, fc.constantFrom(...forms), async (key, secret, form) => {
      expect(await saidOf({ text: form(key, secret) })).not.toContain(secret.slice(0, 12))
    }),
    { numRuns: runs(3000) },
  )
})

test('in a variable or a flag', async () => {
  await fc.assert(
    fc.asyncProperty(misspelt, hunter, fc.boolean(), async (key, secret, isFlag) => {
      const said = await saidOf(
        isFlag
          ? { flags: { [key.replaceAll('_', '-')]: `${secret} ${secret}` } }
          : { env: { [`MXSTEER_${key.toUpperCase()}`]: `${secret} ${secret}` } },
      )
      expect(said).not.toContain(secret.slice(0, 12))
    }),
    { numRuns: runs(1000) },
  )
})
