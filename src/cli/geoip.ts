// `mxsteer geoip [FILE…]`: whether GeoIP databases can be used, for what, and how old they are; what a download is judged
// by before it takes the place of the one in force. Without a file: those of the settings.

import { type DatabaseKind, databaseKinds } from '../geo/compile-database.ts'
import { compileInThread } from '../geo/run-compile.ts'
import { systemClock } from '../lib/clock.ts'
import { readSettings } from './command-settings.ts'
import { fail, failAt, type FlagValues, parseFlags } from './commands/flags.ts'
import { printLines } from './text/output.ts'

/** A database, and what it is to be good for; null: for anything. */
interface Question {
  /** null: the one that comes with the server. */
  readonly file: string | null
  readonly wanted: readonly DatabaseKind[] | null
}

interface Judgement {
  /** A line for each use. */
  readonly uses: readonly string[]
  /** Why it is not good for what it is to be good for. */
  readonly refusals: readonly string[]
}

export async function geoip(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('geoip', argv)
  if (flags.kind === 'bad') return fail('geoip', flags.why)
  const wanted = wantedOf(flags.values)
  if (typeof wanted === 'string') return fail('geoip', wanted)
  if (wanted !== null && flags.words.length === 0)
    return fail('geoip', '--for goes with a file: the settings say what theirs are for')
  const questions =
    flags.words.length > 0
      ? flags.words.map((file) => ({ file, wanted }))
      : await questionsOfSettings(flags.values)
  if (typeof questions === 'string') return failAt('geoip', questions)
  let code = 0
  for (const question of questions) {
    const { uses, refusals } = await judge(question, systemClock.wallMs())
    printLines(uses)
    for (const why of refusals) fail('geoip', why)
    if (refusals.length > 0) code = 1
  }
  return code
}

const isDatabaseKind = (text: string): text is DatabaseKind =>
  (databaseKinds as readonly string[]).includes(text)

/** Returns a text if the flag is wrong. */
function wantedOf(values: FlagValues): Question['wanted'] | string {
  const given = [values['for'] ?? []].flat()
  if (given.length === 0) return null
  const bad = given.find((one) => !isDatabaseKind(one))
  if (bad !== undefined) return `--for is "${bad}", expected country or asn`
  return given.filter(isDatabaseKind)
}

/** Returns a text if the settings are wrong. */
async function questionsOfSettings(values: FlagValues): Promise<readonly Question[] | string> {
  const read = await readSettings(values, ['config'])
  if (read.kind === 'bad') return read.why
  const { country = null, asn } = read.settings.geoip
  return [
    { file: country, wanted: ['country'] },
    ...(asn === undefined ? [] : [{ file: asn, wanted: ['asn'] as const }]),
  ]
}

async function judge({ file, wanted }: Question, wallMs: number): Promise<Judgement> {
  const uses: string[] = []
  const refusals: string[] = []
  for (const database of wanted ?? databaseKinds) {
    const compiled = await compileInThread({ database, file })
    if (compiled.kind === 'broken') {
      refusals.push(`as ${database} database, ${compiled.why}`)
      continue
    }
    const { type, buildSeconds } = compiled.facts
    const source = file ?? 'the database that comes with mxsteer'
    uses.push(`${source}: ${database} database of type "${type}", ${ageText(buildSeconds, wallMs)}`)
  }
  return { uses, refusals: wanted === null && uses.length > 0 ? [] : refusals }
}

const dayMs = 86_400_000

function ageText(buildSeconds: number | null, wallMs: number): string {
  if (buildSeconds === null) return 'of unknown age'
  const days = Math.floor((wallMs - buildSeconds * 1000) / dayMs)
  return `made on ${new Date(buildSeconds * 1000).toISOString().slice(0, 10)}, ${days} ${days === 1 ? 'day' : 'days'} ago`
}
