// The server as `npm run build` makes it, for the tests that run it: it is what operators run, and it starts at half the
// cost of its sources.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const projectFolder = new URL('../..', import.meta.url).pathname

/** Called by Vitest once, before the processes of the tests are started, which inherit the environment. */
export default function buildServer(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'mxsteer-built-'))
  const dist = join(folder, 'dist')
  const bundler = join(projectFolder, 'node_modules', '.bin', 'rolldown')
  const args = ['--config', join(projectFolder, 'rolldown.config.ts'), '--dir', dist]
  execFileSync(bundler, args, { stdio: 'pipe' })
  const consoleFolder = join(dist, 'console')
  execFileSync(process.execPath, [join(projectFolder, 'console/build.ts'), '--out', consoleFolder])
  // As in the image: beside package.json and what is not part of the build.
  cpSync(join(projectFolder, 'package.json'), join(folder, 'package.json'))
  cpSync(join(projectFolder, 'bin'), join(folder, 'bin'), { recursive: true })
  symlinkSync(join(projectFolder, 'node_modules'), join(folder, 'node_modules'))
  execFileSync(process.execPath, [join(projectFolder, 'deploy/cache-code.ts'), dist], {
    stdio: 'pipe',
  })
  process.env['BUILT_MAIN'] = join(dist, 'main.js')
  return () => rmSync(folder, { recursive: true, force: true })
}
