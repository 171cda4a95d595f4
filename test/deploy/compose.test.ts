// deploy/compose.yaml as processes, where no engine for containers is: each service's command, variables, volumes and user, the
// variables and the HEALTHCHECK of the Dockerfile, at the addresses of its network. Images and published ports are not seen.

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { expect, test } from 'vitest'
import { parse } from 'yaml'

import { type Container, openContainerNetwork } from '../support/container-process.ts'
import { stepsOf } from '../support/dockerfile.ts'
import { projectFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

interface Service {
  readonly image?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly working_dir?: string
  readonly networks: { readonly mail: { readonly ipv4_address: string } }
}

const deploy = join(projectFolder, 'deploy')
const { services } = parse(readFileSync(join(deploy, 'compose.yaml'), 'utf8'), {
  merge: true,
}) as { readonly services: Readonly<Record<string, Service>> }
const steps = stepsOf(readFileSync(join(projectFolder, 'Dockerfile'), 'utf8'))
const imageVariables: Readonly<Record<string, string>> = Object.assign(
  {},
  ...steps.map((step) => (step.kind === 'env' ? step.variables : {})),
)
const listOf = (kind: 'entrypoint' | 'cmd' | 'healthcheck'): readonly string[] =>
  steps.flatMap((step) => (step.kind === kind && 'words' in step ? step.words : []))
/** Redis of the image is built without its protected mode, which that of Debian has. */
const commandOf = ({ image = '', command }: Service): readonly string[] => {
  if (command === undefined) return [...listOf('entrypoint'), ...listOf('cmd')]
  return image.startsWith('redis:') ? [...command, '--protected-mode', 'no'] : command
}

const addressOf = (name: string): string => services[name]?.networks.mail.ipv4_address ?? ''

test('its services agree, are healthy, and answer without an MTA that has ended', async () => {
  const names = Object.keys(services)
  const hosts = Object.fromEntries(names.map((name) => [name, addressOf(name)]))
  const network = await openContainerNetwork('172.31.53.1/24', hosts)
  const running = new Map<string, Container>()
  for (const [name, service] of Object.entries(services)) {
    const isInstance = service.command === undefined
    const container = network.run({
      name,
      address: addressOf(name),
      command: commandOf(service),
      env: { ...(isInstance ? imageVariables : {}), ...service.environment },
      uid: 1000,
      workingDir: service.working_dir ?? '/',
      mounts: (service.volumes ?? []).map((volume) => {
        const [from = '', to = ''] = volume.split(':')
        return { from: resolve(deploy, from), to, isReadOnly: true }
      }),
    })
    running.set(name, container)
  }
  const answers = (name: string): number => {
    const asked = ['dig', `@${addressOf(name)}`, '-p', '5300', '+short', '+time=2', '+tries=1']
    try {
      return network
        .outside([...asked, 'smtp.example.test', 'MX'])
        .trim()
        .split('\n').length
    } catch {
      return 0
    }
  }
  const instances = names.filter((name) => name.startsWith('ns'))
  const health = listOf('healthcheck')
  for (const name of instances) {
    const what = `${name} with all`
    await until(() => answers(name) === 3, { what, withinMs: 30_000 })
    expect(running.get(name)?.exec(health)).toMatchObject({ code: 0 })
  }
  running.get('mx1')?.end()
  for (const name of instances)
    await until(() => answers(name) === 2, { what: `${name} without mx1`, withinMs: 30_000 })
})
