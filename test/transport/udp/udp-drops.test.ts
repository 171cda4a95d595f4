// Kernel drops: texts of the kernel's tables, and a real socket that is not read.

import { createSocket } from 'node:dgram'

import { describe, expect, test } from 'vitest'

import { createDropCounter } from '../../../src/transport/udp/udp-drops.ts'
import { loadLibc } from '../../../src/transport/udp/udp-libc.ts'
import { bindSocket, openSocket } from '../../../src/transport/udp/udp-socket.ts'
import { freePort } from '../../support/free-ports.ts'
import { pause, until } from '../../support/wait.ts'

const headings4 =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             '
const headings6 =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops'

/** As Linux 6 prints it: `local` as hexadecimal words of the machine's order, and the port. */
const line = (local: string, inode: number, drops: number): string => {
  const remote = local.length > 13 ? `${'0'.repeat(32)}:0000` : '00000000:0000'
  return ` 3207: ${local} ${remote} 07 00000000:00000000 00:00000000 00000000     0        0 ${inode} 2 00000000e5c2a6a4 ${drops}     `
}

const table = (...lines: string[]): string => [headings4, ...lines, ''].join('\n')

const endpoint = { address: '192.0.2.53', port: 5300 }
const local = '350200C0:14B4'

describe('the sum over sockets', () => {
  test('of the endpoint alone, read from the last column', () => {
    const others = [
      line('350200C0:14B5', 1, 7),
      line('360200C0:14B4', 2, 7),
      line('00000000:14B4', 3, 7),
    ]
    const counter = createDropCounter([endpoint], () =>
      table(...others, line(local, 4, 11), line(local, 5, 2)),
    )
    expect(counter.read()).toBe(13)
    expect(counter.read()).toBe(13)
  })

  test('continues where a socket is replaced by one that starts at 0', () => {
    let text = table(line(local, 4, 11), line(local, 5, 2))
    const counter = createDropCounter([endpoint], () => text)
    expect(counter.read()).toBe(13)
    text = table(line(local, 6, 0), line(local, 5, 5))
    expect(counter.read()).toBe(16)
    text = table(line(local, 6, 4), line(local, 5, 5))
    expect(counter.read()).toBe(20)
    text = ''
    expect(counter.read()).toBe(20)
  })

  test('of a wildcard: every address of its port, since some transports bind each by itself', () => {
    const counter = createDropCounter([{ address: '0.0.0.0', port: 5300 }], (family) =>
      family === 4
        ? table(line(local, 4, 1), line('0100007F:14B4', 5, 2), line('0100007F:14B5', 6, 4))
        : table(line(`${'0'.repeat(32)}:14B4`, 7, 8)),
    )
    expect(counter.read()).toBe(3)
  })

  test('of IPv6, whose address is four words', () => {
    const counter = createDropCounter([{ address: '2001:db8::53', port: 5300 }], (family) =>
      family === 6
        ? [
            headings6,
            line('B80D0120000000000000000053000000:14B4', 4, 5),
            line('B80D0120000000000000000054000000:14B4', 5, 7),
          ].join('\n')
        : table(line(local, 6, 9)),
    )
    expect(counter.read()).toBe(5)
  })

  test('of no table at all is none', () => {
    expect(createDropCounter([endpoint], () => '').read()).toBe(0)
  })
})

test('the drops of a real socket that is not read are counted', { timeout: 120_000 }, async () => {
  const libc = await loadLibc()
  const endpoint = { address: '127.0.0.1', port: await freePort() }
  const unread = openSocket(libc, endpoint)
  bindSocket(libc, unread)
  const counter = createDropCounter([endpoint])
  const sender = createSocket('udp4')
  try {
    expect(counter.read()).toBe(0)
    const send = (): Promise<void> =>
      new Promise((resolve) =>
        sender.send(Buffer.alloc(8000), endpoint.port, '127.0.0.1', () => resolve()),
      )
    // The buffer holds 8 MiB at most, as the kernel counts.
    for (let sent = 0; sent < 4000 && counter.read() === 0; sent += 100)
      await Promise.all(Array.from({ length: 100 }, send))
    // The kernel may not have processed all that was sent.
    const settled = (): Promise<number> =>
      until(
        async () => {
          const count = counter.read()
          await pause(200)
          return counter.read() === count && count
        },
        { what: 'a count that stays', withinMs: 60_000 },
      )
    const before = await settled()
    expect(before).toBeGreaterThan(0)
    await Promise.all(Array.from({ length: 50 }, send))
    expect(await settled()).toBe(before + 50)
  } finally {
    sender.close()
    libc.close(unread.fd)
  }
})
