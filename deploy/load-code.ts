// Runs a bundle of the build: its text, with the code that V8 made of it at the build (cache-code.ts) where that is of the
// Node that runs it (docs/adr/0014-built-in-few-files.md). The build puts this beside the bundles.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'
import { crc32 } from 'node:zlib'

type Require = (id: string) => unknown

type Bundle = (
  exports: object,
  require: Require,
  module: { readonly exports: object },
  file: string,
) => void

const loaded = new Map<string, { readonly exports: object }>()

/** The exports of a bundle, a file of this build; each is run once. */
export function load(file: string): object {
  const known = loaded.get(file)
  if (known !== undefined) return known.exports
  const module = { exports: {} }
  loaded.set(file, module)
  // The build leaves nothing but ASCII in it, of which V8 keeps one octet a character.
  const octets = readFileSync(file)
  const text = octets.toString('latin1')
  const cachedData = codeOf(file, octets)
  const script = new Script(text, {
    filename: pathToFileURL(file).href,
    ...(cachedData && { cachedData }),
  })
  const run = script.runInThisContext() as Bundle
  run(module.exports, requireOf(file), module, file)
  return module.exports
}

/** Before the code: CRC-32 of the text that it was made of, and of the code, both little-endian. */
const headOctets = 8

/**
 * null: none was made for this Node of this text, or it is damaged. V8 itself looks at its own version, its flags and the
 * length of text and code, and else compiles; by damaged code it would crash.
 */
function codeOf(file: string, text: Buffer): Buffer | null {
  try {
    const octets = readFileSync(codeFile(file))
    const code = octets.subarray(headOctets)
    const isWhole = octets.readUInt32LE(4) === crc32(code) && octets.readUInt32LE(0) === crc32(text)
    return isWhole ? code : null
  } catch {
    return null
  }
}

/** Code is of one version of V8 for one kind of machine; an update of Node must not find that of the one before. */
const codeFile = (file: string): string =>
  `${file}.${process.version}-${process.platform}-${process.arch}.code`

function requireOf(file: string): Require {
  let fromPackages: Require | null = null
  return (id) => {
    if (id.startsWith('.')) return load(resolve(dirname(file), id))
    // Not by require(), which reads every export of a module of Node.
    return process.getBuiltinModule(id) ?? (fromPackages ??= createRequire(file))(id)
  }
}
