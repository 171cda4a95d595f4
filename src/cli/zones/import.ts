// `mxsteer import FILE…`: master files of BIND, NSD and their like, or a zone as its primary transfers it, as zone files.
// What was left out, and why, goes to standard error.

import { link, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'

import { describeFailure, lookAtPath, readRegularFile } from '../../files/read-file.ts'
import { printable } from '../../lib/printable.ts'
import type { MasterContent, MasterRead } from '../../masterfile/read-master-file.ts'
import { importZone } from '../../migration/import-zone.ts'
import { readMasterSource, readTransferSource } from '../../migration/read-source.ts'
import { zoneNameOf } from '../../migration/zone-name.ts'
import { transferZone } from '../../resolver/zone-transfer.ts'
import { type Name, nameToBareText, parseName } from '../../wire/name.ts'
import { formatDiagnostics } from '../../zonefile/diagnostic.ts'
import { fail, type FlagValues, parseFlags } from '../commands/flags.ts'
import { printJson } from '../text/output.ts'

const name = 'import'

const maxOctets = 64 * 1024 * 1024

/** Exit code where a file is not written. */
const notWritten = 1

interface ImportPlan {
  readonly zone: Name | null
  readonly server: string | null
  readonly files: readonly string[]
  /** Where the file goes, or the folder of several; null: standard output. */
  readonly output: string | null
  readonly isOverwriting: boolean
  readonly isSteered: boolean
  /** What relative paths of `$INCLUDE` are relative to; null: the folder of each file. */
  readonly directory: string | null
}

/** A zone that was read, and how messages name it. */
interface Source {
  readonly apex: Name
  readonly from: string
  readonly master: MasterRead
}

type Bad = { readonly why: string }

export async function importZones(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(name, argv)
  if (flags.kind === 'bad') return fail(name, flags.why)
  const plan = readPlan(flags.words, flags.values)
  if ('why' in plan) return fail(name, plan.why)
  const isFolder = plan.output !== null && (await lookAtPath(plan.output)) === 'folder'
  if (plan.files.length > 1 && !isFolder)
    return fail(name, 'several files make several zone files: give a folder that exists with -o')
  let code = 0
  const asJson = flags.values['json'] !== undefined
  const written: WrittenZone[] = []
  const sources = plan.server === null ? plan.files : [null]
  for (const file of sources) {
    const source = await (file === null ? readServer(plan) : readFile(file, plan))
    code = Math.max(
      code,
      'why' in source
        ? fail(name, source.why, notWritten)
        : await write(source, plan, { isFolder, written: asJson ? written : null }),
    )
  }
  if (asJson && written.length > 0) printJson({ zones: written })
  return code
}

interface WrittenZone {
  readonly zone: string
  /** null: it is in `yaml`. */
  readonly file: string | null
  readonly yaml: string | null
  /** What is left out or otherwise, in sentences. */
  readonly notes: readonly string[]
}

function readPlan(files: readonly string[], values: FlagValues): ImportPlan | Bad {
  const { zone: given, axfr, output, directory } = values
  if (axfr !== undefined && files.length > 0) return { why: 'give files or --axfr, not both' }
  if (axfr === undefined && files.length === 0)
    return { why: 'which files? Or a server that transfers the zone: --axfr SERVER --zone NAME' }
  if (axfr !== undefined && given === undefined)
    return { why: '--axfr: of which zone? --zone NAME' }
  if (given !== undefined && files.length > 1) return { why: '--zone goes with one file' }
  const parsed = given === undefined ? null : parseName(String(given).replace(/\.?$/, '.'))
  if (parsed?.kind === 'bad') return { why: `--zone: ${parsed.why}` }
  return {
    zone: parsed?.name ?? null,
    server: axfr === undefined ? null : String(axfr),
    files,
    output: output === undefined ? null : String(output),
    isOverwriting: values['force'] !== undefined,
    isSteered: values['steer'] !== undefined,
    directory: directory === undefined ? null : String(directory),
  }
}

async function readFile(file: string, { zone, directory }: ImportPlan): Promise<Source | Bad> {
  const first = await open(file)
  if (first.kind !== 'octets')
    return { why: `cannot read ${file}: ${first.kind === 'refused' ? first.why : ''}` }
  const other = otherLanguage(first.octets)
  if (other !== null) return { why: `${file} is ${other}` }
  const apex = zone ?? apexOf(file, first.octets)
  if (apex === null) return { why: `${file} does not say of which zone it is: give --zone NAME` }
  const base = directory ?? dirname(file)
  const pathOf = (included: string): string =>
    included === file || isAbsolute(included) ? included : join(base, included)
  const master = await readMasterSource(file, apex, (included) => open(pathOf(included)))
  return { apex, from: basename(file), master }
}

/** What a file is that is no master file; null: it may be one. */
function otherLanguage(octets: Uint8Array): string | null {
  const head = Buffer.from(octets.subarray(0, 65_536)).toString()
  if (/^(?:zone|view)\s+"[^"]*".*\{|^options\s*\{/m.test(head))
    return 'a configuration of BIND: give the master files that it names as file "…"'
  return /^zone:\s+\S/m.test(head)
    ? 'a zone file of mxsteer already: put it into the folder of zone files'
    : null
}

function apexOf(file: string, octets: Uint8Array): Name | null {
  const text = zoneNameOf(file, octets)
  const parsed = text === null ? null : parseName(text)
  return parsed?.kind === 'name' ? parsed.name : null
}

async function open(path: string): Promise<MasterContent> {
  const read = await readRegularFile(path, { maxOctets })
  if (read.kind === 'octets') return read
  const code = read.kind === 'too-large' ? 'too-large' : 'unreadable-file'
  return { kind: 'refused', code, why: describeFailure(read) }
}

async function readServer({ server, zone }: ImportPlan): Promise<Source | Bad> {
  const text = server ?? ''
  const [, host = '', portText = '53'] = /^\[?([^#[\]]+)\]?(?:#(\d{1,5}))?$/.exec(text) ?? []
  const port = Number(portText)
  if (host === '' || zone === null || port < 1 || port > 65_535)
    return { why: `--axfr is ${JSON.stringify(text)}, expected SERVER or SERVER#PORT` }
  const transfer = await transferZone({ host, port }, zone)
  if (transfer.kind === 'failed')
    return { why: `no transfer of ${nameToBareText(zone)} from ${text}: ${transfer.why}` }
  const from = `a transfer from ${text}`
  return { apex: zone, from, master: await readTransferSource(from, zone, transfer.records) }
}

/** `written`: what is printed in the end; null: the text is, at once. */
interface Destination {
  readonly isFolder: boolean
  readonly written: WrittenZone[] | null
}

async function write(
  { apex, from, master }: Source,
  plan: ImportPlan,
  { isFolder, written }: Destination,
): Promise<number> {
  const { isSteered, output } = plan
  const imported = importZone({ apex, master, from, isSteered, fileOf: (file) => file })
  process.stderr.write(formatDiagnostics(imported.diagnostics))
  const zone = nameToBareText(apex)
  if (imported.kind === 'refused')
    return fail(name, `${zone} is not imported: mend the mistakes above first`, notWritten)
  for (const note of imported.notes) process.stderr.write(`${printable(`${zone}: ${note}`)}\n`)
  const { notes } = imported
  if (output === null) {
    if (written === null) process.stdout.write(imported.yaml)
    else written.push({ zone, file: null, yaml: imported.yaml, notes })
    return 0
  }
  const path = isFolder ? join(output, `${fileNameOf(zone)}.yaml`) : output
  const why = await putFile(path, imported.yaml, plan.isOverwriting)
  if (why !== null) return fail(name, why, notWritten)
  written?.push({ zone, file: path, yaml: null, notes })
  return 0
}

/** A label may have any octet. */
const fileNameOf = (zone: string): string => zone.replace(/[^\w.-]/g, '-').replace(/^[.-]+/, '')

/** Whole or not at all, since a server may watch the folder. Returns why not; null: it is written. */
async function putFile(path: string, text: string, isOverwriting: boolean): Promise<string | null> {
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}.draft`)
  try {
    await writeFile(draft, text, { flag: 'wx' })
    await (isOverwriting ? rename(draft, path) : link(draft, path))
    return null
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    return code === 'EEXIST'
      ? `${path} exists: give --force to overwrite it`
      : `cannot write ${path}: ${code}`
  } finally {
    await rm(draft, { force: true })
  }
}
