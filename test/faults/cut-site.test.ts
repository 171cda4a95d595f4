// R4: one site is cut off from all its targets, and Redis is not. Runs in a network namespace of its own: root alone can
// make one.

import { execFile, execFileSync } from 'node:child_process'

import { expect, test } from 'vitest'

import type { CutSiteReport } from './cut-site.ts'
import { slowMachineMs } from './fleet.ts'

const script = new URL('./cut-site.ts', import.meta.url).pathname

function canMakeNamespaces(): boolean {
  try {
    execFileSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'pipe' })
    return true
  } catch {
    console.info('R4 is not tested: network namespaces need root, unshare(1) and ip(8)')
    return false
  }
}

const report = (): Promise<CutSiteReport> =>
  new Promise((resolve, reject) => {
    const args = ['--net', process.execPath, script]
    execFile('unshare', args, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}`))
      else resolve(JSON.parse(stdout) as CutSiteReport)
    })
  })

test.skipIf(!canMakeNamespaces())(
  'a site is cut off from its targets (R4): it says so, and no instance goes by its votes',
  async () => {
    const seen = await report()
    console.info(
      `a site cut off: suspect after ${seen.suspectAfterMs.toFixed()} ms; a target dies meanwhile: last answer after ${seen.deadAfterMs.toFixed()} ms; healed after ${seen.healedAfterMs.toFixed()} ms`,
    )
    expect(seen.downsWhileCut).toEqual([0, 0, 0])
    expect(seen.namedAllWhileCut).toEqual([true, true, true])
    expect(seen.suspectAfterMs).toBeLessThan(45_000)
    expect(seen.deadAfterMs).toBeLessThan(1100 + 2 * 275 + slowMachineMs)
    expect(['suspect', 'down']).toContain(seen.stateAtCut)
    expect(seen.said).toEqual(['prober.isolated', 'prober.isolated.over'])
  },
)
