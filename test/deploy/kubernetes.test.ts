// deploy/kubernetes as kubectl builds it, held against the types of the API of Kubernetes; and what the pods of with-redis/
// would run, as processes. No cluster is there: what the API server, the scheduler and the kubelet do with it is not seen.

import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'

import { type Container, openContainerNetwork } from '../support/container-process.ts'
import { projectFolder, temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

const sources = join(projectFolder, 'deploy/kubernetes')

// What a manifest has is judged by the types of the API below.
// oxlint-disable-next-line typescript/no-explicit-any
type Manifest = any

/** As `kubectl apply -k` would send it. */
function build(overlay: string): readonly Manifest[] {
  const folder = join(temporaryFolder(), 'kubernetes')
  cpSync(sources, folder, { recursive: true })
  const version = execFileSync('kubectl', ['version', '--client', '--output=json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  if (!version.includes('kustomizeVersion')) translateForOld(folder)
  const built = execFileSync('kubectl', ['kustomize', join(folder, overlay)], { encoding: 'utf8' })
  return parseAllDocuments(built).map((document) => document.toJS())
}

/** The kubectl of Debian 12 (1.20) has Kustomize 2.0, which has other words for the same. */
function translateForOld(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('kustomization.yaml')) continue
    const file = join(folder, name)
    const text = readFileSync(file, 'utf8')
      .replace(
        /^resources: \[(\.\.\/base|\.\.\/\.\.\/base|a), ?(redis\.yaml|b)\]$/m,
        (_, one, two) =>
          two === 'b' ? `bases: [${one}, ${two}]` : `bases: [${one}]\nresources: [${two}]`,
      )
      .replace(/^resources: \[(\.\.\/\.\.\/base)\]$/m, 'bases: [$1]')
      .replace(/^patches:\n {2}- path: (\S+)$/m, 'patchesStrategicMerge: [$1]')
      .replace(/^labels: \[\{ pairs: (\{.*?\}), includeSelectors: true \}\]$/m, 'commonLabels: $1')
      .replace(/^    options: .*\n/m, '')
    writeFileSync(file, text)
  }
}

const modules: Readonly<Record<string, string>> = {
  'apps/v1': 'kubernetes-types/apps/v1',
  v1: 'kubernetes-types/core/v1',
  'policy/v1': 'kubernetes-types/policy/v1',
}

/** What the compiler says of them as values of the API's types, in which no other field may be. */
function typeErrors(manifests: readonly Manifest[]): string {
  const folder = temporaryFolder()
  symlinkSync(join(projectFolder, 'node_modules'), join(folder, 'node_modules'))
  const lines = manifests.map((manifest, i) => {
    const type = `import('${modules[manifest.apiVersion]}').${manifest.kind}`
    return `export const manifest${i}: ${type} = ${JSON.stringify(manifest, null, 2)}`
  })
  writeFileSync(join(folder, 'manifests.ts'), lines.join('\n'))
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'esnext']
  const tsc = join(projectFolder, 'node_modules/.bin/tsc')
  const { stdout } = spawnSync(tsc, [...flags, '--moduleResolution', 'bundler', 'manifests.ts'], {
    cwd: folder,
    encoding: 'utf8',
  })
  return stdout
}

const overlays = ['base', 'with-redis', 'per-zone'] as const
const built = Object.fromEntries(overlays.map((overlay) => [overlay, build(overlay)]))
const of = (overlay: string, kind: string): readonly Manifest[] =>
  (built[overlay] ?? []).filter((one) => one.kind === kind)

const matches = (selector: object, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value)

describe.each(overlays)('deploy/kubernetes/%s', (overlay) => {
  test('is what the API of Kubernetes takes', () => {
    expect(typeErrors(built[overlay] ?? [])).toBe('')
  })

  test('has a Service of UDP and TCP at one address, which hides no client, for the pods of one set', () => {
    const sets = of(overlay, 'StatefulSet')
    const services = of(overlay, 'Service').filter(({ spec }) => spec.type === 'LoadBalancer')
    expect(services).toHaveLength(sets.length)
    for (const { spec } of services) {
      expect(spec.externalTrafficPolicy).toBe('Local')
      const ports = spec.ports.map((one: Manifest) => [one.port, one.protocol])
      expect(ports).toEqual([
        [53, 'UDP'],
        [53, 'TCP'],
      ])
      const chosen = sets.filter((set) => matches(spec.selector, set.spec.template.metadata.labels))
      expect(chosen).toHaveLength(1)
      const names = chosen[0].spec.template.spec.containers[0].ports.map(
        (one: Manifest) => one.name,
      )
      for (const { targetPort } of spec.ports) expect(names).toContain(targetPort)
    }
    for (const { spec } of of(overlay, 'PodDisruptionBudget')) {
      expect(spec.maxUnavailable).toBe(1)
      const chosen = sets.filter((set) =>
        matches(spec.selector.matchLabels, set.spec.template.metadata.labels),
      )
      expect(chosen).toHaveLength(1)
    }
  })

  test('names ConfigMaps and a governing Service that there are, and gives no right to a container', () => {
    const maps = of(overlay, 'ConfigMap').map(({ metadata }) => metadata.name)
    const services = of(overlay, 'Service').map(({ metadata }) => metadata.name)
    for (const { spec } of [...of(overlay, 'StatefulSet'), ...of(overlay, 'Deployment')]) {
      const pod = spec.template.spec
      if (spec.serviceName !== undefined) expect(services).toContain(spec.serviceName)
      for (const { configMap } of pod.volumes)
        if (configMap !== undefined) expect(maps).toContain(configMap.name)
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true },
      })
      for (const { securityContext } of pod.containers)
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
    }
  })
})

test('a field that the API does not have, or one of another type, would be seen', () => {
  const [set] = of('base', 'StatefulSet')
  const other = structuredClone(set)
  other.spec.template.spec.containers[0].readynessProbe = {}
  expect(typeErrors([other])).toContain('readynessProbe')
  const wrong = structuredClone(set)
  wrong.spec.replicas = 'three'
  expect(typeErrors([wrong])).not.toBe('')
})

test('per-zone: the site is the zone that its nodes are of', () => {
  for (const { spec } of of('per-zone', 'StatefulSet')) {
    const { nodeSelector, containers } = spec.template.spec
    const site = containers[0].env.find((one: Manifest) => one.name === 'MXSTEER_SITE')
    expect(site).toEqual({
      name: 'MXSTEER_SITE',
      value: nodeSelector['topology.kubernetes.io/zone'],
    })
  }
})

const secrets: Readonly<Record<string, string>> = {
  'admin-token': 'token-of-this-test-0123456789',
  'state-password': 'password-of-this-test',
  'state-secret': 'secret-of-this-test-0123456789-0123456789',
}

/** Variables as the kubelet would fill them in. */
function variables(env: readonly Manifest[], pod: string, zone: string): Record<string, string> {
  const valueOf = ({ value, valueFrom }: Manifest): string => {
    if (valueFrom === undefined) return value
    if (valueFrom.secretKeyRef !== undefined) return secrets[valueFrom.secretKeyRef.key] ?? ''
    return valueFrom.fieldRef.fieldPath === 'metadata.name' ? pod : zone
  }
  return Object.fromEntries(env.map((one) => [one.name, valueOf(one)]))
}

/** The volumes of a pod as folders, each where its container has it. */
function mountsOf({ volumes, containers: [container] }: Manifest, uid: number) {
  const maps = of('with-redis', 'ConfigMap')
  return (container.volumeMounts as readonly Manifest[]).map(({ name, mountPath, readOnly }) => {
    const folder = join(temporaryFolder(), name)
    mkdirSync(folder)
    const map = volumes.find((one: Manifest) => one.name === name)?.configMap?.name
    const { data = {} } = maps.find(({ metadata }) => metadata.name === map) ?? {}
    for (const [file, text] of Object.entries(data)) writeFileSync(join(folder, file), String(text))
    execFileSync('chown', ['-R', `${uid}`, folder])
    execFileSync('chmod', ['755', join(folder, '..')])
    return { from: folder, to: mountPath as string, isReadOnly: readOnly === true }
  })
}

test('the pods of with-redis, as processes: they agree over Redis, their probes succeed, and they answer', async () => {
  const hosts = {
    'mxsteer-redis': '10.53.0.5',
    'mxsteer-0': '10.53.0.10',
    'mxsteer-1': '10.53.0.11',
  }
  const network = await openContainerNetwork('10.53.0.1/24', hosts)
  const [redis] = of('with-redis', 'Deployment')
  const [set] = of('with-redis', 'StatefulSet')
  const start = (manifest: Manifest, name: keyof typeof hosts, zone: string): Container => {
    const pod = manifest.spec.template.spec
    const [container] = pod.containers
    // The image's ENTRYPOINT.
    const command = [...(container.command ?? ['mxsteer']), ...container.args]
    const uid = pod.securityContext.runAsUser as number
    const env = variables(container.env, name, zone)
    const { workingDir = '/' } = container
    return network.run({
      name,
      command,
      env,
      uid,
      workingDir,
      address: hosts[name],
      mounts: mountsOf(pod, uid),
    })
  }
  start(redis, 'mxsteer-redis', '')
  const pods = [start(set, 'mxsteer-0', 'zone-a'), start(set, 'mxsteer-1', 'zone-b')]
  const [container] = set.spec.template.spec.containers
  const statusOf = (address: string, path: string): string => {
    const url = `http://${address}:8053${path}`
    try {
      return network.outside([
        'curl',
        '-s',
        '-m',
        '5',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        url,
      ])
    } catch (error) {
      return String(error)
    }
  }
  const addresses = [hosts['mxsteer-0'], hosts['mxsteer-1']]
  for (const [i, address] of addresses.entries())
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      const { path, port } = container[probe].httpGet
      expect(port).toBe('admin')
      await until(() => statusOf(address, path) === '200', {
        what: `${probe} of ${address}: ${pods[i]?.output()}`,
        withinMs: 10_000,
      })
    }
  for (const address of addresses) {
    const asked = [
      'dig',
      `@${address}`,
      '-p',
      '5300',
      '+short',
      '+time=5',
      'smtp.example.test',
      'MX',
    ]
    expect(network.outside(asked).trim().split('\n')).toHaveLength(2)
    expect(
      network
        .outside([...asked, '+tcp'])
        .trim()
        .split('\n'),
    ).toHaveLength(2)
  }
  const status = (): string =>
    network.outside(['curl', '-s', '-m', '5', `http://${addresses[0]}:8053/status`])
  await until(() => status().includes('mxsteer-1') && status().includes('zone-b'), {
    what: 'the other instance',
    withinMs: 10_000,
  })
  expect(pods[0]?.exec(['mxsteer', 'drain', 'mx1', '--for', '1h', '--yes'])).toMatchObject({
    code: 0,
  })
  await until(
    () => {
      const asked = ['dig', `@${addresses[1]}`, '-p', '5300', '+short', 'smtp.example.test', 'MX']
      return network.outside(asked).trim().split('\n').length === 1
    },
    { what: 'the drain at the other instance', withinMs: 10_000 },
  )
  // The secrets are in no line of the log, and nothing of the file system but the state could be written.
  for (const pod of pods)
    for (const secret of Object.values(secrets)) expect(pod.output()).not.toContain(secret)
  expect(pods[0]?.exec(['touch', '/etc/mxsteer/zones/proof']).code).not.toBe(0)
  expect(pods[0]?.exec(['touch', '/var/lib/mxsteer/proof']).code).toBe(0)
})
