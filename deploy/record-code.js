// Loaded before the server by cache-code.ts, in each of its threads: when a thread ends, writes what V8 has compiled of the
// bundles that it ran, functions included. Of threads with one bundle the one that compiled most is kept.
// JavaScript, since code that V8 made is of no use under the flags that running the sources takes.

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'
import vm from 'node:vm'
import { crc32 } from 'node:zlib'

// The server sets flags once it answers; code is kept with those that it was made under.
v8.setFlagsFromString = () => {}

const scripts = []

vm.Script = class extends vm.Script {
  constructor(text, options) {
    super(text, options)
    scripts.push([fileURLToPath(options.filename), this])
  }
}

process.on('exit', () => {
  for (const [file, script] of scripts) {
    const name = `${file}.${process.version}-${process.platform}-${process.arch}.code`
    const code = script.createCachedData()
    const head = Buffer.alloc(8)
    head.writeUInt32LE(crc32(readFileSync(file)), 0)
    head.writeUInt32LE(crc32(code), 4)
    const before = statSync(name, { throwIfNoEntry: false })?.size ?? 0
    if (head.length + code.length > before) writeFileSync(name, Buffer.concat([head, code]))
  }
})
