// Watches the files of a folder: by inotify, and by polling for what inotify does not report
// (network file systems, a folder replaced by a rename or a symlink).
//
// Whoever reads the files takes a look at them before: what is written between the read and the
// begin of the watch is a change then, whatever the start of the server does in between.

import { type FSWatcher, watch } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { unlessHanging } from '../files/read-file.ts'

const quietMs = 200
const pollIntervalMs = 5000
const firstLookMs = 10_000

export interface FileWatch {
  close(): void
}

/** What the files of a folder were at one moment. */
export interface FolderLook {
  readonly fingerprint: string
  /** The most files that are looked at, the first by name; absent: 10,000. */
  readonly filesMax?: number
  /** Further files below the folder, by name, each as it was when it was read last. */
  others?(): ReadonlyMap<string, string>
}

/**
 * A folder that hangs keeps no server from starting: then the first look that ends counts as a
 * change.
 */
export async function lookAtFolder(
  folder: string,
  matters: (name: string) => boolean,
  filesMax?: number,
): Promise<FolderLook> {
  const look = (): Promise<string> => fingerprint(folder, matters, filesMax)
  const first = await unlessHanging(`the watch of ${folder}`, firstLookMs, look)
  return {
    fingerprint: typeof first === 'string' ? first : first.kind,
    ...(filesMax === undefined ? {} : { filesMax }),
  }
}

/**
 * Calls back after a change of the files that `matters` selects by name, once the folder is quiet
 * for 200 ms, and of `others`, which are polled alone where they are in sub-folders. `since`: a look
 * from before the files were read; by default they are looked at now.
 */
export async function watchFiles(
  folder: string,
  matters: (name: string) => boolean,
  onChange: () => void,
  since?: FolderLook,
): Promise<FileWatch> {
  let quietTimer: NodeJS.Timeout | undefined
  let comparing: Promise<void> | null = null
  let [isAskedAgain, isClosed] = [false, false]
  let last: Seen = { ...(since ?? (await lookAtFolder(folder, matters))), changed: '' }
  let watcher = openWatcher(folder, onEvent)

  function onEvent(): void {
    quietTimer = quietTimer?.refresh() ?? setTimeout(compareSoon, quietMs)
  }
  /** One at a time: a file system that does not answer is not asked once more every 5 s. */
  function compareSoon(): void {
    isAskedAgain = comparing !== null
    comparing ??= compare().finally(() => {
      comparing = null
      if (isAskedAgain && !isClosed) compareSoon()
    })
  }

  async function compare(): Promise<void> {
    const before = last
    last = await see(folder, matters, since)
    if (isClosed || !isChange(before, last)) return
    // The folder itself may have been replaced: watch the new one.
    watcher?.close()
    watcher = openWatcher(folder, onEvent)
    onChange()
  }

  const pollTimer = setInterval(compareSoon, pollIntervalMs)
  // What changed before inotify was asked.
  compareSoon()
  return {
    close() {
      isClosed = true
      clearInterval(pollTimer)
      clearTimeout(quietTimer)
      watcher?.close()
    },
  }
}

interface Seen {
  /** Of the files that matter. */
  readonly fingerprint: string
  /** Of others that are not what they were when they were read: what they are. */
  readonly changed: string
}

const see = async (
  folder: string,
  matters: (name: string) => boolean,
  since: FolderLook | undefined,
): Promise<Seen> => ({
  fingerprint: await fingerprint(folder, matters, since?.filesMax),
  changed: await changedSince(folder, since?.others?.() ?? new Map()),
})

/** Others that were read again are what they were, which is no change. */
const isChange = (before: Seen, now: Seen): boolean =>
  now.fingerprint !== before.fingerprint || (now.changed !== '' && now.changed !== before.changed)

/** null: only polling is left, since there is no inotify instance or no folder. */
function openWatcher(folder: string, onEvent: () => void): FSWatcher | null {
  try {
    const watcher = watch(folder, onEvent)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return null
  }
}

/**
 * Names, inodes, sizes and times of the files: differs after every save and after a symlink is
 * switched. Of an entry that cannot be looked at, such as a link that leads nowhere, why.
 */
async function fingerprint(
  folder: string,
  matters: (name: string) => boolean,
  filesMax = 10_000,
): Promise<string> {
  try {
    const names = (await readdir(folder)).filter(matters).sort()
    const lines: string[] = []
    // One at a time: on a file system that hangs, each would keep one of the few threads of Node's pool.
    for (const name of names.slice(0, filesMax)) lines.push(await lineOf(join(folder, name), name))
    return lines.join('\n')
  } catch (error) {
    return `unreadable: ${codeOf(error)}`
  }
}

/** Of files that are not what they were: what they are now. Empty: there is none. */
async function changedSince(folder: string, looks: ReadonlyMap<string, string>): Promise<string> {
  const lines: string[] = []
  for (const [name, before] of looks) {
    const now = await lookAtFile(join(folder, name))
    if (now !== before) lines.push(`${name}:${now}`)
  }
  return lines.join('\n')
}

const lineOf = async (path: string, name: string): Promise<string> =>
  `${name}:${await lookAtFile(path)}`

/** What a file is at this moment: differs after every save. Of one that cannot be looked at, why. */
export const lookAtFile = (path: string): Promise<string> =>
  stat(path).then(
    ({ ino, size, mtimeMs, ctimeMs }) => `${ino}:${size}:${mtimeMs}:${ctimeMs}`,
    (error: unknown) => codeOf(error),
  )

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown'
