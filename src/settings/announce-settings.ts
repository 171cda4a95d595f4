// Where it is told whether to announce the service addresses: a file that a routing daemon's watcher reads, and a program.

import type { z } from 'zod'
import { closedMap, text } from '../zonefile/leaf.ts'

/** What only the file can say. */
export interface AnnounceValues {
  readonly file: string
  readonly command?: string | undefined
}

export interface AnnounceSettings {
  readonly file: string
  /** Run with `up` or `down` as its argument; null: none is. */
  readonly command: string | null
}

export const announce: z.ZodType<AnnounceValues> = closedMap({
  file: text('a path', /^[^\0]{1,4096}$/, '.'),
  command: text('an absolute path of a program', /^\/[^\0]{0,4095}$/, '/bin/true').optional(),
})

/** null: told nowhere. */
export const announceOf = (given: AnnounceValues | undefined): AnnounceSettings | null =>
  given === undefined ? null : { file: given.file, command: given.command ?? null }
