// Ends the process, whatever its threads wait for.
//
// exit() joins the threads of Node's pool. One of them that waits for a file system or a resolver that
// does not answer would keep a process that answers nothing any more, until the service manager kills
// it. _exit(2) waits for no thread; but profiles, coverage and compiled code, which Node writes at its
// end, are not written then, so that it is for that case alone.

import { createRequire } from 'node:module'
import type koffi from 'koffi'

const graceMs = 1000
const lookEveryMs = 10

/** Ends the process with `code`. Operations on files that are under way get a second to end. */
export async function exitProcess(code: number): Promise<never> {
  for (let waitedMs = 0; isPoolBusy() && waitedMs < graceMs; waitedMs += lookEveryMs)
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  return isPoolBusy() ? exitAtOnce(code) : process.exit(code)
}

/** Whether this thread waits for an operation on files or for an address of the system's resolver. */
const isPoolBusy = (): boolean =>
  process.getActiveResourcesInfo().some((name) => /^(FSReq|Get(Addr|Name)Info)/.test(name))

/** Ends the process with `code` and waits for no thread; by SIGKILL where the C library cannot be called. */
export function exitAtOnce(code: number): never {
  try {
    // Its listeners write what is left of the log.
    process.emit('exit', code)
  } catch {
    // One that throws must not keep the process.
  }
  try {
    // Not by import(), which may read files in a thread of the pool.
    const library = createRequire(import.meta.url)('koffi') as typeof koffi
    library.load(null).func('_exit', 'void', ['int'])(code)
  } catch {
    process.kill(process.pid, 'SIGKILL')
  }
  return process.exit(code)
}
