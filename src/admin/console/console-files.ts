// The built files of the console, read into memory all at once when a browser asks for the first of them: a server that
// no browser asks has none in memory, and starts no later for them; and a browser gets files of one build. manifest.json
// names them; beside each text lie its compressed forms.

import { createHash } from 'node:crypto'
import { access, readFile, stat } from 'node:fs/promises'
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

/** null: there is no build, or one that cannot be read whole. `folder` undefined: looked for. */
export async function readConsoleFiles(folder?: string): Promise<ConsoleFiles | null> {
  try {
    const build = folder ?? (await findBuild())
    return build === null ? null : await readBuild(build)
  } catch {
    return null
  }
}

/** Rejects where a file is missing. */
async function readBuild(folder: string): Promise<ConsoleFiles | null> {
  const { files } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as {
    readonly files: readonly string[]
  }
  const paths = files.slice(0, limits.files).filter((path) => /^[\w-]+(?:[./][\w-]+)*$/.test(path))
  const sizes = await Promise.all(paths.map(async (path) => (await stat(join(folder, path))).size))
  if (sizes.reduce((sum, size) => sum + size, 0) > limits.octets) return null
  const read = await Promise.all(
    paths.map(async (path) => [path, await readConsoleFile(folder, path)] as const),
  )
  const byPath = new Map(read)
  return byPath.has('index.html') ? byPath : null
}

async function readConsoleFile(folder: string, path: string): Promise<ConsoleFile> {
  const [octets, br, gzip] = await Promise.all([
    octetsOf(join(folder, path)),
    octetsIfThere(join(folder, `${path}.br`)),
    octetsIfThere(join(folder, `${path}.gz`)),
  ])
  return {
    contentType: contentTypes[extname(path)] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(octets).digest('base64url').slice(0, 22)}"`,
    isHashed: /^assets\/.*-[\w-]{8}\.\w+$/.test(path),
    octets,
    compressed: { ...(br && { br }), ...(gzip && { gzip }) },
  }
}

const octetsOf = async (file: string): Promise<Octets> => new Uint8Array(await readFile(file))

const octetsIfThere = (file: string): Promise<Octets | null> => octetsOf(file).catch(() => null)

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )

/** `dist/console` of these sources, or `console` beside what is built of them. */
async function findBuild(): Promise<string | null> {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (let level = 0; level < 4; level++) {
    for (const name of ['dist/console', 'console'])
      if (await isThere(join(folder, name, 'manifest.json'))) return join(folder, name)
    folder = dirname(folder)
  }
  return null
}
