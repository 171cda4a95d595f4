// What clients of the DNS see of orders and failures: which targets the MX answers of a name lead to.

import { openUdpClient } from './dns-client.ts'
import { until } from './wait.ts'

/** Enough that none of a few targets with ordinary weights is left out by chance. */
const questions = 40

/** Waits until the MX answers of `name` at `port` of loopback name these targets and no others: `mx1,mx2`. */
export async function answersBecome(port: number, name: string, targets: string): Promise<void> {
  const client = openUdpClient(port)
  const answered = async (): Promise<string> => {
    const replies = await client.askMany(name, 'MX', questions)
    const names = replies.flatMap(({ answers }) =>
      answers.map((record) => String((record as { exchange?: unknown }).exchange).split('.')[0]),
    )
    return [...new Set(names)].toSorted((a, b) => (a ?? '').localeCompare(b ?? '')).join()
  }
  try {
    const what = `answers of ${targets}`
    await until(async () => (await answered()) === targets, { what, withinMs: 20_000 })
  } finally {
    client.close()
  }
}

/** A zone of two targets, of which orders and failures are in answers within seconds. */
export const twoTargetsText = (
  name: string,
  [one, two]: readonly [string, string],
  port: number,
): string => `
zone: ${name}
ttl: 5
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 5 }
targets:
  mx1: { addresses: [${one}] }
  mx2: { addresses: [${two}] }
probes:
  inbound: { port: ${port}, level: connect, interval: 1s, fall: 1, rise: 1, connect_timeout: 1s }
pools:
  main: { probe: inbound, targets: { mx1: 3, mx2: 1 } }
steering:
  inbound: [{ pools: [main] }]
records:
  '@': { NS: ns1, MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
`
