// The prober against scripted MTAs over real sockets. Each scenario: a script, and what the probe makes of it.

import { afterEach, describe, expect, test } from 'vitest'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { SMTPServer } from 'smtp-server'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Outcome } from '../../../src/health/outcome.ts'
import type { ProbeProfile } from '../../../src/probe/smtp/profile.ts'
import { probeAddress } from '../../../src/probe/smtp/smtp-probe.ts'
import { quickProfile } from '../../support/probe-profile.ts'
import { startScriptedMta, type ScriptedMta } from '../../support/scripted-mta.ts'
import { until } from '../../support/wait.ts'
import { deeperScenarios } from './deeper-scenarios.ts'
import { answered, patient, scenarios, soonMs } from './smtp-scenarios.ts'

let mta: ScriptedMta | null = null
afterEach(async () => {
  await mta?.close()
  mta = null
})

const probe = (profile: ProbeProfile, address = '127.0.0.1'): Promise<Outcome> =>
  probeAddress({ address, profile }, systemClock)

/** A machine busy with other tests may stall this process, which the probe rightly calls its own fault: again then. */
async function unstalled(
  attempt: () => Promise<Outcome>,
  tries = 4,
): Promise<{ outcome: Outcome; tookMs: number }> {
  const begun = performance.now()
  const outcome = await attempt()
  const tookMs = performance.now() - begun
  return outcome.reason === 'stalled' && tries > 1
    ? unstalled(attempt, tries - 1)
    : { outcome, tookMs }
}

describe('scripted MTAs', () => {
  test.each([...scenarios, ...deeperScenarios])('$name: $kind', async (scenario) => {
    const { outcome, tookMs } = await unstalled(async () => {
      await mta?.close()
      mta = await startScriptedMta(scenario.script)
      const { level = 'ehlo', profile } = scenario
      return probe(quickProfile({ port: mta.port, level, ...profile }))
    })
    if (!mta) throw new Error('no MTA')
    const { kind, reason, code } = outcome
    expect({ kind, reason, code }).toEqual({
      kind: scenario.kind,
      reason: scenario.reason,
      code: scenario.code ?? null,
    })
    await expect.poll(() => mta?.closings.length).toBeGreaterThan(0)
    const writes = mta.exchanged
      .filter((chunk) => chunk.from === 'client')
      .map((chunk) => chunk.text)
    expect(writes).toEqual(scenario.writes ?? writes)
    expect(tookMs).toBeGreaterThan(scenario.atLeastMs ?? 0)
    expect(tookMs).toBeLessThan(scenario.withinMs ?? soonMs)
    expect(outcome.dialogue.length).toBeLessThanOrEqual(40)
    for (const line of outcome.dialogue) expect(line.text).toMatch(/^[ -~…]{0,512}$/)
  })

  test('says nothing before the final line of the banner', async () => {
    mta = await startScriptedMta([
      { send: '220-mx\r\n' },
      { waitMs: 300 },
      { send: '220 mx\r\n' },
      ...answered,
    ])
    await probe(quickProfile({ port: mta.port }))
    expect(mta.exchanged.map((chunk) => `${chunk.from} ${chunk.text.trim()}`)).toEqual([
      'server 220-mx',
      'server 220 mx',
      'client EHLO probe.example.com',
      'server 250 mx',
      'client QUIT',
      'server 221 bye',
    ])
    await until(() => (mta?.closings.length ?? 0) > 0, { what: 'the end of it', withinMs: 30_000 })
    expect(mta.closings).toEqual(['end'])
  })

  test('keeps the dialogue, escaped, and tells each line as it comes', async () => {
    mta = await startScriptedMta([{ send: '220 a\0b\\\xe9\x1b[31m\r\n' }, ...answered])
    const texts: string[] = []
    const outcome = await probeAddress(
      {
        address: '127.0.0.1',
        profile: quickProfile({ port: mta.port }),
        onLine: (line) => texts.push(line.text),
      },
      systemClock,
    )
    const lines = outcome.dialogue.map((line) => `${line.from} ${line.text}`)
    expect(lines).toEqual([
      '* connected',
      '< 220 a\\x00b\\\\\\xe9\\x1b[31m',
      '> EHLO probe.example.com',
      '< 250 mx',
      '> QUIT',
      '< 221 bye',
    ])
    expect(texts).toEqual(outcome.dialogue.map((line) => line.text))
  })
})

describe('without an MTA', () => {
  test('refused: dead', async () => {
    mta = await startScriptedMta([])
    const { port } = mta
    await mta.close()
    mta = null
    expect(await probe(quickProfile({ port }))).toMatchObject({
      kind: 'dead',
      reason: 'connect-refused',
    })
  })

  test('no route: self', async () => {
    // Linux has no route for a stream to the limited broadcast address.
    expect(await probe(quickProfile(), '255.255.255.255')).toMatchObject({
      kind: 'self',
      reason: 'local-no-route',
    })
  })

  test.each(['mx.example.com', '', '127.0.0.1\r\n'])(
    '%j is no address: self, no name is looked up',
    async (address) => {
      expect(await probe(quickProfile(), address)).toMatchObject({
        kind: 'self',
        reason: 'local-fault',
      })
    },
  )

  test('an impossible port: self', async () => {
    expect(await probe(quickProfile({ port: 70_000 }))).toMatchObject({
      kind: 'self',
      reason: 'local-fault',
    })
  })

  test('aborted: self, at once, and the socket is closed', async () => {
    mta = await startScriptedMta([])
    const controller = new AbortController()
    const begun = performance.now()
    setTimeout(() => controller.abort(), 50)
    const outcome = await probeAddress(
      {
        address: '127.0.0.1',
        profile: quickProfile({ port: mta.port, ...patient }),
        signal: controller.signal,
      },
      systemClock,
    )
    expect(outcome).toMatchObject({ kind: 'self', reason: 'aborted' })
    expect(performance.now() - begun).toBeLessThan(soonMs)
    await expect.poll(() => mta?.closings.length).toBe(1)
  })

  test('aborted before it began: nothing is connected', async () => {
    mta = await startScriptedMta([])
    const profile = quickProfile({ port: mta.port })
    const outcome = await probeAddress(
      { address: '127.0.0.1', profile, signal: AbortSignal.abort() },
      systemClock,
    )
    expect(outcome).toMatchObject({ kind: 'self', reason: 'aborted' })
    expect(mta.closings).toEqual([])
  })
})

const stall = (ms: number): void => {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('where from', () => {
  const ask = async (own: string | null, fallback: string | null): Promise<string | undefined> => {
    let from: string | undefined
    const server = createServer((socket) => {
      from = socket.remoteAddress
      socket.end('554 no\r\n')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const profile = quickProfile({ port, source: { ipv4: own, ipv6: null } })
    const source = { ipv4: fallback, ipv6: '::1' }
    await probeAddress({ address: '127.0.0.1', profile, source }, systemClock)
    server.close()
    return from
  }

  test.each([
    ['127.0.0.7', '127.0.0.8', '127.0.0.7'],
    [null, '127.0.0.8', '127.0.0.8'],
    [null, null, '127.0.0.1'],
  ])('profile %s, settings %s: %s', async (own, fallback, expected) => {
    expect(await ask(own, fallback)).toBe(expected)
  })

  test('an address that is not of this host: self', async () => {
    const profile = quickProfile({ port: 9 })
    const source = { ipv4: '192.0.2.77', ipv6: null }
    const outcome = await probeAddress({ address: '127.0.0.1', profile, source }, systemClock)
    expect(outcome).toMatchObject({ kind: 'self', reason: 'local-ports' })
  })
})

describe('a stalled process', () => {
  test('silence seen only through a late timer is self', async () => {
    mta = await startScriptedMta([])
    const pending = probe(quickProfile({ port: mta.port }))
    setTimeout(() => stall(1000), 500)
    expect(await pending).toMatchObject({ kind: 'self', reason: 'stalled' })
  })

  test('what came in time is read before silence is judged', async () => {
    // Greets by itself after 300 ms, while this process sleeps through the banner's deadline at 1000 ms.
    // The sleep ends right before the loop runs its timers: nothing has been read by then.
    const { spawn } = await import('node:child_process')
    const child = spawn(process.execPath, [
      '-e',
      `
      const s = require('node:net').createServer((c) => { setTimeout(() => c.write('220 mx\\r\\n'), 300)
        c.on('error', () => {}); c.on('data', (d) => c.write(/QUIT/.test(d) ? '221 bye\\r\\n' : '250 mx\\r\\n')) })
      s.listen(0, '127.0.0.1', () => console.log(s.address().port)) ; setTimeout(() => process.exit(), 15000)`,
    ])
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      const pending = probe(quickProfile({ port: Number(line.toString()) }))
      setTimeout(() => setImmediate(() => stall(1500)), 100)
      expect(await pending).toMatchObject({ kind: 'ok' })
    } finally {
      child.kill('SIGKILL')
    }
  })
})

describe('servers that we did not write', () => {
  test('smtp-server is ok at both levels', async () => {
    const server = new SMTPServer({ authOptional: true, hideSTARTTLS: true, logger: false })
    const listening = server.listen(0, '127.0.0.1')
    await once(listening, 'listening')
    try {
      const { port } = listening.address() as AddressInfo
      for (const level of ['banner', 'ehlo'] as const) {
        const outcome = await probe(quickProfile({ port, level }))
        expect(outcome).toMatchObject({ kind: 'ok', code: level === 'banner' ? 220 : 250 })
        expect(outcome.dialogue.at(-1)?.text ?? '').toMatch(/^221 |^closed/)
      }
    } finally {
      await new Promise<void>((resolve) => server.close(resolve))
    }
  })
})

describe('a target that never closes', () => {
  test.each([
    { says: 'hello, who is there?\r\n', kind: 'garbage', profile: patient, atLeastMs: 0 },
    { says: '220 mx\r\n', kind: 'ok', profile: {}, atLeastMs: 1400 },
  ])('$kind: the socket is gone all the same', async ({ says, kind, profile, atLeastMs }) => {
    const sockets: Socket[] = []
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.push(socket.on('error', () => {}).resume())
      socket.write(says)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const begun = performance.now()
    const outcome = await probe(quickProfile({ port, level: 'banner', ...profile }))
    const tookMs = performance.now() - begun
    for (const socket of sockets) socket.destroy()
    server.close()
    expect(outcome.kind).toBe(kind)
    expect(tookMs).toBeGreaterThan(atLeastMs)
    expect(tookMs).toBeLessThan(atLeastMs + soonMs)
  })
})

describe('a flood', () => {
  test('fifty endless banners at full speed cost no memory and end at the budget', async () => {
    let octetsReceived = 0
    const flood = Buffer.alloc(1 << 20, '220-flood flood flood flood\r\n')
    const server = createServer((socket) => {
      const pour = (): void => {
        while (!socket.destroyed && socket.write(flood));
      }
      socket.on('drain', pour)
      socket.on('error', () => {})
      socket.on('close', () => {
        octetsReceived += socket.bytesRead
      })
      pour()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as AddressInfo
      const before = process.memoryUsage()
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () => probe(quickProfile({ port, ...patient }))),
      )
      const after = process.memoryUsage()
      for (const outcome of outcomes)
        expect(outcome).toMatchObject({ kind: 'garbage', reason: 'too-many-lines' })
      expect(octetsReceived).toBe(0)
      // The kernel's socket buffers are not ours; the flood's one buffer exists before.
      expect(after.rss - before.rss).toBeLessThan(40 << 20)
      const kept = JSON.stringify(outcomes[0]).length
      expect(kept).toBeLessThan(12_000)
    } finally {
      server.close()
    }
  })
})
