// A sender that never stops asking while a test breaks things: it resolves the mail domain as an MTA would, and
// writes down every answer that would have lost or bounced mail (laws 1 and 2).

import { type UdpClient, addressesOf, ladderOf, openUdpClient } from './dns-client.ts'
import { pause } from './wait.ts'

export interface AnswerWatch {
  /** Rounds done so far: one MX question, one A question for each exchange and for `relay`. */
  rounds(): number
  /** Ends the asking, if it has not ended yet; what was wrong, empty if nothing. */
  stop(): Promise<string[]>
}

export interface Watched {
  readonly domain: string
  readonly relay: string
  /** Every exchange the zone has. */
  readonly exchanges: readonly string[]
}

export function watchAnswers(port: number, watched: Watched): AnswerWatch {
  const client = openUdpClient(port)
  const wrong: string[] = []
  const progress = { rounds: 0, isStopping: false }
  const loop = (async (): Promise<void> => {
    while (!progress.isStopping) {
      try {
        wrong.push(...(await oneRound(client, watched)))
      } catch (error) {
        wrong.push(String(error))
      }
      progress.rounds++
      await pause(10)
    }
    client.close()
  })()
  return {
    rounds: () => progress.rounds,
    async stop() {
      progress.isStopping = true
      await loop
      return [...new Set(wrong)]
    },
  }
}

async function oneRound(
  client: UdpClient,
  { domain, relay, exchanges }: Watched,
): Promise<string[]> {
  const wrong: string[] = []
  const mx = await client.ask(domain, 'MX')
  const ladder = ladderOf(mx)
  if (mx.header.rcode !== 0) wrong.push(`MX: rcode ${mx.header.rcode}`)
  if (ladder.length === 0) wrong.push('MX: no exchange at all')
  const preferences = ladder.map((rung) => rung.preference)
  if (preferences.some((preference, i) => preference !== 10 * (i + 1)))
    wrong.push(`MX: preferences ${preferences.join(' ')}`)
  for (const { exchange } of ladder) {
    if (!exchanges.includes(exchange)) wrong.push(`MX: unknown exchange "${exchange}"`)
    const given = mx.additionals.filter((one) => one.name === exchange && one.type === 1)
    if (given.length === 0) wrong.push(`MX: no address of ${exchange} beside it`)
  }
  for (const name of [...exchanges, relay]) {
    const reply = await client.ask(name, 'A')
    if (reply.header.rcode !== 0) wrong.push(`${name} A: rcode ${reply.header.rcode}`)
    if (addressesOf(reply).length === 0) wrong.push(`${name} A: no address`)
  }
  return wrong
}
