// A demo MTA: greets, accepts mail and forgets it. `npm run mta -- mx2` starts the one that zones/ calls mx2;
// MTA_ADDRESS (deploy/compose.yaml) and MTA_PORT are where it listens instead.

import { SMTPServer } from 'smtp-server'

export const demoPort: number = Number(process.env['MTA_PORT'] ?? 2525)

/** As in zones/smtp.example.test.yaml. */
export const demoAddresses: Readonly<Record<string, string>> = {
  mx1: '127.0.0.1',
  mx2: '127.0.0.2',
  mx3: '127.0.0.3',
}

function startMta(name: string): void {
  const address = demoAddresses[name]
  if (address === undefined) {
    process.stderr.write(`which MTA? One of ${Object.keys(demoAddresses).join(', ')}\n`)
    process.exit(2)
  }
  const server = new SMTPServer({
    name: `${name}.smtp.example.test`,
    banner: 'mxsteer demo MTA',
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onData(stream, _session, callback) {
      stream.resume()
      stream.on('end', () => callback(null, 'accepted and forgotten: this is a demo'))
    },
  })
  server.on('error', (error) => {
    process.stderr.write(`demo MTA ${name}: ${error.message}\n`)
    process.exit(1)
  })
  const where = process.env['MTA_ADDRESS'] ?? address
  server.listen(demoPort, where, () => {
    process.stdout.write(`demo MTA ${name} on ${where}:${demoPort} pid ${process.pid}\n`)
    process.send?.('listening')
  })
  process.on('SIGTERM', () => process.exit(0))
  // Started by demo/start.ts: gone when that is gone, however it ended. The terminal's ^C is for the server,
  // which still answers for a while.
  process.on('disconnect', () => process.exit(0))
  if (process.connected) process.on('SIGINT', () => {})
}

if (import.meta.main) startMta(process.argv[2] ?? '')
