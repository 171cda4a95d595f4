// Where a line of a stack is in the sources. The build joins them in few files and writes a map beside each; Node would
// read these maps at each start if it were told to use them. Here they are read after a failure, once each.

import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'

/** By the file that they describe; null: it has none. As many as the build has files, at most. */
const maps = new Map<string, SourceMap | null>()

/** The frame with the source's file, line and column; unchanged where there is no map, as of the sources themselves. */
export function inSources(frame: string): string {
  const [place, url = '', line, column] = /(file:[^():]+\.c?js):(\d+):(\d+)/.exec(frame) ?? []
  if (place === undefined) return frame
  const origin = mapOf(url)?.findOrigin(Number(line), Number(column))
  if (origin === undefined || !('fileName' in origin)) return frame
  const { fileName, lineNumber, columnNumber } = origin
  const source = new URL(fileName, url).href
  return frame.replace(place, () => `${source}:${lineNumber}:${columnNumber}`)
}

function mapOf(url: string): SourceMap | null {
  const known = maps.get(url)
  if (known !== undefined) return known
  const map = readMap(url)
  maps.set(url, map)
  return map
}

/** The name is of a file in a stack, which may be gone since a newer version was installed. */
function readMap(url: string): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(url)}.map`, 'utf8')))
  } catch {
    return null
  }
}
