// The server as it is interrogated: one zone, DNS over TLS with a certificate made for the occasion.

import { makeCertificate } from '../support/certificate.ts'
import { freePort } from '../support/free-ports.ts'
import { startServer } from '../support/server.ts'
import type { RunningServer } from '../support/server.ts'
import type { Ports } from './interrogate.ts'
import { interrogatedZone } from './zone.ts'

export interface Interrogated {
  readonly server: RunningServer
  readonly ports: Ports
}

export async function startInterrogated(): Promise<Interrogated> {
  const tls = await freePort()
  const { certificate, key } = makeCertificate('ns1.mail.example')
  const server = await startServer({
    zones: { 'mail.example.yaml': interrogatedZone },
    settings: `tls: { listen: "127.0.0.1:${tls}", certificate: ${certificate}, key: ${key} }\n`,
    flags: ['--workers', '1', '--instance', 'ns1', '--lameduck', '0'],
  })
  return { server, ports: { dns: server.port, tls } }
}
