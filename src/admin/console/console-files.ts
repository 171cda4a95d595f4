// The built files of the console, read into memory once at the start of the listener's thread: nothing is read while
// browsers ask. manifest.json names them; beside each text lie its compressed forms.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

type Octets = Uint8Array<ArrayBuffer>

export type Encoding = 'br' | 'gzip'

export interface ConsoleFile {
  readonly contentType: string
  /** A quoted entity tag of the contents. */
  readonly etag: string
  /** Its name changes with its contents, so that it may be kept for ever. */
  readonly isHashed: boolean
  readonly octets: Octets
  readonly compressed: Readonly<Partial<Record<Encoding, Octets>>>
}

/** Path below `console/` → file. */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
}

const limits = { files: 200, octets: 16 * 1024 * 1024 } as const

/** null: there is no build, or one that cannot be read whole. */
export function readConsoleFiles(folder: string | null = findBuild()): ConsoleFiles | null {
  if (folder === null) return null
  try {
    const { files } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
      readonly files: readonly string[]
    }
    const paths = files
      .slice(0, limits.files)
      .filter((path) => /^[\w-]+(?:[./][\w-]+)*$/.test(path))
    const octets = paths.reduce((sum, path) => sum + statSync(join(folder, path)).size, 0)
    if (octets > limits.octets) return null
    const read = new Map(paths.map((path) => [path, readConsoleFile(folder, path)]))
    return read.has('index.html') ? read : null
  } catch {
    return null
  }
}

function readConsoleFile(folder: string, path: string): ConsoleFile {
  const octets = octetsOf(join(folder, path))
  const br = octetsIfThere(join(folder, `${path}.br`))
  const gzip = octetsIfThere(join(folder, `${path}.gz`))
  return {
    contentType: contentTypes[extname(path)] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(octets).digest('base64url').slice(0, 22)}"`,
    isHashed: /^assets\/.*-[\w-]{8}\.\w+$/.test(path),
    octets,
    compressed: { ...(br && { br }), ...(gzip && { gzip }) },
  }
}

const octetsOf = (file: string): Octets => new Uint8Array(readFileSync(file))

const octetsIfThere = (file: string): Octets | null => (existsSync(file) ? octetsOf(file) : null)

/** `dist/console` of these sources, or `console` beside what is built of them. */
function findBuild(): string | null {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (let level = 0; level < 4; level++) {
    for (const name of ['dist/console', 'console'])
      if (existsSync(join(folder, name, 'manifest.json'))) return join(folder, name)
    folder = dirname(folder)
  }
  return null
}
