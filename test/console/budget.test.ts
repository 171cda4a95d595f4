// The console as it is built: within its budget, and with everything a browser needs beside it.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { buildConsole, type ConsoleManifest } from '../../console/build.ts'

const kibibyte = 1024
const folder = mkdtempSync(join(tmpdir(), 'mxsteer-console-'))
const out = join(folder, 'console')
let manifest: ConsoleManifest

beforeAll(async () => {
  const built = await buildConsole(out, false)
  if (built.kind !== 'built') throw new Error(built.kind)
  manifest = built.manifest
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const compressedOctets = (paths: readonly string[]): number =>
  paths.reduce((sum, path) => sum + statSync(join(out, `${path}.gz`)).size, 0)

const isCode = (path: string): boolean => /\.(?:js|css)$/.test(path)

describe('the built console', () => {
  test('the first view is at most 60 KiB of scripts and styles, compressed', () => {
    expect(manifest.firstView.filter((path) => path.endsWith('.js')).length).toBeGreaterThan(0)
    expect(manifest.firstView.filter((path) => path.endsWith('.css')).length).toBeGreaterThan(0)
    expect(compressedOctets(manifest.firstView)).toBeLessThanOrEqual(60 * kibibyte)
  })

  test('all of it is at most 150 KiB compressed, without the font', () => {
    expect(compressedOctets(manifest.files.filter(isCode))).toBeLessThanOrEqual(150 * kibibyte)
  })

  test('every text has its compressed forms beside it, of the same contents', () => {
    const texts = manifest.files.filter((path) => /\.(?:js|css|html|svg)$/.test(path))
    expect(texts).toContain('index.html')
    for (const path of texts) {
      const octets = readFileSync(join(out, path))
      const unpacked = gunzipSync(readFileSync(join(out, `${path}.gz`)))
      const packed = existsSync(join(out, `${path}.br`))
      expect([path, unpacked.equals(octets), packed]).toEqual([path, true, true])
    }
  })

  test('the page has no script, style or address that a prefix or the policy would break', () => {
    const page = readFileSync(join(out, 'index.html'), 'utf8')
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|<base/)
    expect(page).not.toMatch(/<script(?![^>]*\ssrc=)/)
    // The font comes behind what the first frame needs, and no frame is drawn before the script has run.
    expect(page).toMatch(/<script type="module" blocking="render"[^]*<body>[^]*as="font"/)
    const addresses = [...page.matchAll(/\s(?:src|href)="([^"]*)"/g)].map(([, one = '']) => one)
    expect(addresses.length).toBeGreaterThan(3)
    expect(addresses.filter((one) => /^(?:\/|https?:|data:)/.test(one))).toEqual([])
  })

  test('names the licenses of what it carries, and is built anew only where sources moved', async () => {
    expect(readFileSync(join(out, 'LICENSES.txt'), 'utf8')).toMatch(/^preact 1.*\(MIT\)$/m)
    expect(await buildConsole(out, true)).toEqual({ kind: 'unchanged' })
    rmSync(join(out, manifest.firstView[0] ?? ''))
    expect((await buildConsole(out, true)).kind).toBe('built')
    expect(readdirSync(folder)).toEqual(['console'])
  })
})
