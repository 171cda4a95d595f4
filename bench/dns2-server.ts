// What a small script with dns2 comes to: node bench/dns2-server.ts PORT KIND. The same answers as the others give.

import dns2, { Packet } from 'dns2'
import type DNS from 'dns2'

const [port = '0', kind = 'static'] = process.argv.slice(2)

const weights = [2, 1, 1]
const total = weights.reduce((sum, weight) => sum + weight, 0)

function pick(): number {
  let point = Math.random() * total
  return weights.findIndex((weight) => (point -= weight) < 0)
}

function ladder(): number[] {
  const left = [0, 1, 2]
  const order: number[] = []
  while (left.length > 0) {
    let point = Math.random() * left.reduce((sum, member) => sum + (weights[member] as number), 0)
    const at = left.findIndex((member) => (point -= weights[member] as number) < 0)
    order.push(...left.splice(at < 0 ? left.length - 1 : at, 1))
  }
  return order
}

/** Its type wants a method that plain records, which the library takes, do not have. */
const resource = (fields: Omit<DNS.Packet.Resource, 'toBuffer'>): DNS.Packet.Resource =>
  fields as DNS.Packet.Resource

const address = (name: string, member: number): DNS.Packet.Resource =>
  resource({
    name,
    type: Packet.TYPE.A,
    class: Packet.CLASS.IN,
    ttl: 60,
    address: `203.0.113.${member + 1}`,
  })

const exchange = (member: number): string => `mx${member + 1}.bench.test`

function answer(request: DNS.Packet): DNS.Packet {
  const response = Packet.createResponseFromRequest(request)
  const name = request.questions[0]?.name ?? ''
  response.header.aa = 1
  if (kind === 'static') response.answers.push(address(name, 0))
  else if (kind === 'weighted') response.answers.push(address(name, pick()))
  else if (kind === 'mx') {
    for (const [place, member] of ladder().entries()) {
      response.answers.push(
        resource({
          name,
          type: Packet.TYPE.MX,
          class: Packet.CLASS.IN,
          ttl: 60,
          priority: 10 * (place + 1),
          exchange: exchange(member),
        }),
      )
      response.additionals.push(address(exchange(member), member))
    }
  } else response.header.rcode = 3
  return response
}

const server = dns2.createServer({
  udp: true,
  handle: (request, send) => void send(answer(request)),
})
await server.listen({ udp: { port: Number(port), address: '127.0.0.1' } })
