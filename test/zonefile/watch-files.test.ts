// What a folder holds beside the files that matter, and what cannot be looked at, keeps no change from being noticed.

import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import { isZoneFile } from '../../src/zonefile/read-folder.ts'
import { lookAtFolder, watchFiles } from '../../src/zonefile/watch-files.ts'
import { temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

const notice = { withinMs: 60_000 }

it('notices changes beside links that lead nowhere, and of such a link', async () => {
  const folder = temporaryFolder()
  symlinkSync('nowhere', join(folder, 'a.yaml'))
  symlinkSync('user@host.1234:5678', join(folder, '.#b.yaml'))
  symlinkSync('circle.yaml', join(folder, 'circle.yaml'))
  writeFileSync(join(folder, 'b.yaml'), '1')
  let calls = 0
  const watch = await watchFiles(folder, isZoneFile, () => calls++)
  try {
    writeFileSync(join(folder, 'b.yaml'), '12')
    await until(() => calls === 1, { what: 'a call for the file', ...notice })
    writeFileSync(join(folder, 'nowhere'), 'somewhere')
    await until(() => calls === 2, { what: 'a call for the link', ...notice })
  } finally {
    watch.close()
  }
  expect(calls).toBe(2)
})

it('looks at as many files as may be served', async () => {
  const folder = temporaryFolder()
  for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, `${name}.yaml`), '1')
  const before = await Promise.all([2, 3].map((most) => lookAtFolder(folder, isZoneFile, most)))
  writeFileSync(join(folder, 'c.yaml'), '12')
  const after = await Promise.all([2, 3].map((most) => lookAtFolder(folder, isZoneFile, most)))
  expect(after[0]).toEqual(before[0])
  expect(after[1]).not.toEqual(before[1])
})

it('notices that a mount of Kubernetes was switched', async () => {
  const folder = temporaryFolder()
  for (const version of ['1', '2']) {
    mkdirSync(join(folder, `..${version}`))
    writeFileSync(join(folder, `..${version}/a.yaml`), version)
  }
  symlinkSync('..1', join(folder, '..data'))
  symlinkSync('..data/a.yaml', join(folder, 'a.yaml'))
  let calls = 0
  const watch = await watchFiles(folder, isZoneFile, () => calls++)
  try {
    symlinkSync('..2', join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    await until(() => calls > 0, { what: 'a call', ...notice })
    expect(calls).toBe(1)
  } finally {
    watch.close()
  }
})

it('notices what changed after a look that was taken before it began', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'a.yaml'), '1')
  let calls = 0
  const since = await lookAtFolder(folder, isZoneFile)
  writeFileSync(join(folder, 'a.yaml'), '12')
  const watch = await watchFiles(folder, isZoneFile, () => calls++, since)
  try {
    await until(() => calls === 1, { what: 'a call for the file', ...notice })
  } finally {
    watch.close()
  }
  expect(calls).toBe(1)
})
