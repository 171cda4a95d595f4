// Real Postfix as a sender that uses DANE (RFC 7672), in a network namespace with the port 53 and the port 25 to itself: a
// validating Unbound is the resolver of its /etc/resolv.conf, and another Postfix is the MTAs, one certificate an address.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { MadeCertificate } from './certificates.ts'
import type { Anchor } from './foreign-validators.ts'
import type { Namespace } from './namespace.ts'
import { type Postfix, createPostfix } from './postfix.ts'
import { stopChild, temporaryFolder, watchChild } from './server.ts'
import { plainConfiguration, validatingConfiguration } from './unbound.ts'
import { until } from './wait.ts'

const resolverAddress = '127.0.0.1'
const submissionPort = 2525

export interface Delivery {
  readonly status: 'sent' | 'deferred' | 'bounced'
  /** Host that it was, or would be, given to; null: none was tried. */
  readonly host: string | null
  readonly address: string | null
  /** What Postfix says of the TLS session: `Verified`, `Untrusted`, `Anonymous`; null: there was none. */
  readonly trust: string | null
  readonly why: string
}

export interface DaneSender {
  /** Sends a mail, and returns what became of it at the first attempt. */
  send(domain: string): Promise<Delivery>
  stop(): Promise<void>
}

/** An address of the namespace, and what the MTA there presents. */
export type Receivers = Readonly<Record<string, MadeCertificate>>

export async function startReceivers(namespace: Namespace, receivers: Receivers): Promise<Postfix> {
  const folder = temporaryFolder()
  const services = Object.entries(receivers).map(([address, { key, cert }]) => {
    const file = join(folder, `${address}.pem`)
    writeFileSync(file, key + cert)
    return `${address}:25 inet n - n - - smtpd -o smtpd_tls_chain_files=${file}`
  })
  const postfix = await createPostfix({
    name: 'receiver.example.test',
    address: '127.0.0.9',
    port: 25,
    // It takes all mail, and leaves it in its queue: there is no queue manager.
    main: ['smtpd_tls_security_level = may', 'smtpd_sasl_auth_enable = no'],
    services: [...services, tlsManager],
    through: entering(namespace),
  })
  await postfix.start()
  return postfix
}

/** `env`: of the resolver. */
export const startDaneSender = (
  namespace: Namespace,
  anchor: Anchor,
  env: NodeJS.ProcessEnv = process.env,
): Promise<DaneSender> =>
  startSender(namespace, {
    configuration: (folder) => validatingConfiguration([anchor], { folder, port: 53 }),
    isReady: () => askResolver(namespace, anchor.apex, 'SOA').includes(' ad;'),
    main: daneLines,
    env,
  })

/** A sender as they are by default, without DANE. `lines`: for the section `server` of Unbound. */
export const startPlainSender = (
  namespace: Namespace,
  zone: Pick<Anchor, 'apex' | 'port'>,
  { lines, env }: { readonly lines: string; readonly env: NodeJS.ProcessEnv },
): Promise<DaneSender> =>
  startSender(namespace, {
    configuration: (folder) => plainConfiguration(zone, { folder, port: 53 }, lines),
    isReady: () => askResolver(namespace, zone.apex, 'SOA').includes('status: NOERROR'),
    main: [],
    env,
  })

interface SenderOptions {
  /** Text of the configuration of Unbound. */
  readonly configuration: (folder: string) => string
  readonly isReady: () => boolean
  /** Lines for main.cf. */
  readonly main: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

async function startSender(
  namespace: Namespace,
  { configuration, isReady, main, env }: SenderOptions,
): Promise<DaneSender> {
  const folder = temporaryFolder()
  const resolvConf = join(folder, 'resolv.conf')
  writeFileSync(resolvConf, `nameserver ${resolverAddress}\noptions trust-ad\n`)
  const file = join(folder, 'unbound.conf')
  writeFileSync(file, configuration(folder))
  const resolver = watchChild(namespace.spawn('unbound', ['-d', '-c', file], env))
  await until(isReady, { what: `Unbound answers: ${resolver.stderr()}`, withinMs: 30_000 })
  const postfix = await createPostfix({
    name: 'sender.example.test',
    address: '127.0.0.1',
    port: submissionPort,
    main: [...senderLines, ...main],
    services: senderServices,
    through: entering(namespace, resolvConf),
  })
  await postfix.start()
  let sent = 0
  return {
    async send(domain) {
      const recipient = `mail${++sent}@${domain}`
      submit(namespace, folder, recipient)
      return until(() => deliveryOf(postfix.log(), recipient), {
        what: `a delivery to ${recipient}: ${postfix.log()}`,
        withinMs: 30_000,
      })
    },
    async stop() {
      await postfix.kill()
      await stopChild(resolver, 10_000)
    },
  }
}

/** What comes after it runs in the namespace, with an /etc/resolv.conf of its own if one is given. */
export const entering = ({ pid }: Namespace, resolvConf?: string): string[] => [
  'nsenter',
  `--net=/proc/${pid}/ns/net`,
  ...(resolvConf === undefined
    ? []
    : [
        'unshare',
        '--mount',
        'sh',
        '-c',
        `mount --bind ${resolvConf} /etc/resolv.conf && exec "$@"`,
        'sh',
      ]),
]

const tlsManager = 'tlsmgr unix - - n 1000? 1 tlsmgr'

const senderLines = [
  // The MTAs are on loopback too, and not itself.
  'inet_interfaces = 127.0.0.1',
  'smtp_host_lookup = dns',
  'smtp_connection_cache_on_demand = no',
  'default_destination_concurrency_failed_cohort_limit = 0',
]

const daneLines = [
  'smtp_dns_support_level = dnssec',
  'smtp_tls_security_level = dane',
  'smtp_tls_loglevel = 1',
]

const senderServices = [
  'qmgr unix n - n 300 1 qmgr',
  // Each delivery by a process that knows nothing of earlier ones: what it looks up the resolver answers.
  'smtp unix - - n - - smtp -o max_use=1',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'trace unix - - n - 0 bounce',
  'error unix - - n - - error',
  'retry unix - - n - - error',
  tlsManager,
]

function submit(namespace: Namespace, folder: string, recipient: string): void {
  const message = join(folder, 'message')
  writeFileSync(message, 'Subject: test\r\n\r\nHello.\r\n')
  const envelope = ['--mail-from', 'sender@example.test', '--mail-rcpt', recipient]
  const url = `smtp://127.0.0.1:${submissionPort}`
  namespace.run('curl', '-sS', '-m', '30', '--url', url, ...envelope, '-T', message)
}

function deliveryOf(log: string, recipient: string): Delivery | null {
  const lines = log.split('\n')
  const at = lines.findIndex((line) => line.includes(`to=<${recipient}>, relay=`))
  const found = /\[(\d+)\]: .* relay=([^,]+),.* status=(\w+) \((.*)\)$/.exec(lines[at] ?? '')
  if (!found) return null
  const [, pid = '', relay = '', status = '', why = ''] = found
  const own = lines.slice(0, at).filter((line) => line.includes(`smtp[${pid}]: `))
  const trust = own.findLast((line) => / TLS connection established to /.test(line))
  return {
    status: status as Delivery['status'],
    host: /^([^[]+)\[/.exec(relay)?.[1] ?? null,
    address: /\[(.+)\]/.exec(relay)?.[1] ?? null,
    trust: /: (\w+) TLS connection/.exec(trust ?? '')?.[1] ?? null,
    why,
  }
}

/** What dig prints of an answer of the resolver; empty: there was none. */
export function askResolver(namespace: Namespace, name: string, type: string): string {
  try {
    const server = [`@${resolverAddress}`, '+dnssec', '+tries=1', '+time=2']
    return namespace.run('dig', ...server, name, type)
  } catch {
    return ''
  }
}
