// A file system that stops to answer: threads of the server's pool really wait in the kernel (fixtures/preload).

import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { temporaryFolder } from './server.ts'

const preload = new URL('../fixtures/preload/hanging-files.mjs', import.meta.url)

interface HangingFiles {
  /** For the server. */
  readonly env: Readonly<Record<string, string>>
  /** From now on nothing below the folder answers. */
  begin(): void
  /** What was asked for is answered, and all that comes. Once something was asked for only. */
  end(): void
  /** The paths that were asked for since. */
  asked(): readonly string[]
}

/** `folder`: its path, or the beginning of the paths of several. */
export function hangingFiles(folder: string = join(tmpdir(), 'mxsteer-test-')): HangingFiles {
  const pipe = join(temporaryFolder(), 'pipe')
  return {
    env: {
      NODE_OPTIONS: `--import ${preload.href}`,
      HANGING_PIPE: pipe,
      HANGING_FOLDER: folder,
    },
    begin: () => void execFileSync('mkfifo', [pipe]),
    end() {
      const writer = openSync(pipe, 'w')
      rmSync(pipe)
      closeSync(writer)
    },
    asked: () =>
      existsSync(`${pipe}.asked`) ? readFileSync(`${pipe}.asked`, 'utf8').trim().split('\n') : [],
  }
}
