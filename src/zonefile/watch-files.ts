// Tells when files in a folder change: by the kernel's notices, and by looking every few seconds where those
// do not come (network file systems, a folder that was replaced by rename or symlink).

import { type FSWatcher, watch } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

const settleMs = 200
const lookEveryMs = 5000
const filesLimit = 10_000

export interface FileWatch {
  close(): void
}

export const isYaml = (name: string): boolean => /\.ya?ml$/.test(name)

/** Calls back once the folder has been quiet for a moment after a change of files that matter. */
export async function watchFiles(
  folder: string,
  matters: (name: string) => boolean,
  onChange: () => void,
): Promise<FileWatch> {
  let settling: NodeJS.Timeout | null = null
  let seen = await fingerprint(folder, matters)
  let notices = openNotices(folder, noticed)

  function noticed(): void {
    if (settling) clearTimeout(settling)
    settling = setTimeout(() => void settled(), settleMs)
  }

  async function settled(): Promise<void> {
    const now = await fingerprint(folder, matters)
    if (now === seen) return
    seen = now
    // The folder itself may be another one now: listen to that.
    notices?.close()
    notices = openNotices(folder, noticed)
    onChange()
  }

  const look = setInterval(() => void settled(), lookEveryMs)
  return {
    close() {
      clearInterval(look)
      if (settling) clearTimeout(settling)
      notices?.close()
    },
  }
}

function openNotices(folder: string, onNotice: () => void): FSWatcher | null {
  try {
    const watcher = watch(folder, onNotice)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    // No inotify instance left, or no folder: looking every few seconds remains.
    return null
  }
}

/** Names, sizes, inodes and times of the folder's files: moves when an editor saves or a link is flipped. */
async function fingerprint(folder: string, matters: (name: string) => boolean): Promise<string> {
  try {
    const names = (await readdir(folder)).filter(matters).sort()
    const marks = await Promise.all(
      names.slice(0, filesLimit).map(async (name) => {
        const { ino, size, mtimeMs, ctimeMs } = await stat(join(folder, name))
        return `${name}:${ino}:${size}:${mtimeMs}:${ctimeMs}`
      }),
    )
    return marks.join('\n')
  } catch (error) {
    return `unreadable: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`
  }
}
