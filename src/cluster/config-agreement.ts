// Whether all instances say the same. Each tells in its heartbeat what its zones say, as a hash; instances that live
// and stay are compared.
//
//   told       when they have differed for the grace time, and nobody changed meanwhile: a roll-out that goes on,
//              instance by instance, is none to alarm about. After ten times that, whatever changes
//   taken back when they agree, and have for as long as a heartbeat lasts: one that restarts is away for a moment
//
// No I/O; the time is an argument.

export interface ConfiguredInstance {
  readonly instance: string
  /** null: it does not say. */
  readonly config: string | null
}

export interface ConfigChange {
  readonly kind: 'config-differs' | 'config-agrees'
  /** Those that say the same together; the most first. */
  readonly groups: readonly ConfigGroup[]
}

export interface ConfigGroup {
  readonly config: string
  readonly instances: readonly string[]
}

const patience = 10

export class ConfigAgreement {
  readonly #graceMs: number
  readonly #calmMs: number
  #isTold = false
  #groups: readonly ConfigGroup[] = []
  /** What each said; a change of it is a roll-out that goes on. */
  #last = new Map<string, string>()
  #changedAtMs = -Infinity
  /** Since when it is so; null: it is not. */
  #differsSinceMs: number | null = null
  #agreesSinceMs: number | null = null

  constructor(times: { readonly graceMs: number; readonly calmMs: number }) {
    this.#graceMs = times.graceMs
    this.#calmMs = times.calmMs
  }

  /** Whether that they differ was told, and is not over. */
  get isAlerting(): boolean {
    return this.#isTold
  }

  /** As they were last seen. */
  groups(): readonly ConfigGroup[] {
    return this.#groups
  }

  /** null: nothing to tell. */
  observe(instances: readonly ConfiguredInstance[], nowMs: number): ConfigChange | null {
    this.#groups = groupsOf(instances)
    this.#note(instances, nowMs)
    if (this.#groups.length > 1) {
      this.#agreesSinceMs = null
      this.#differsSinceMs ??= nowMs
    } else {
      this.#agreesSinceMs ??= nowMs
      if (nowMs - this.#agreesSinceMs >= this.#calmMs) this.#differsSinceMs = null
    }
    return this.#isTold ? this.#takeBack() : this.#tell(nowMs)
  }

  #note(instances: readonly ConfiguredInstance[], nowMs: number): void {
    for (const { instance, config } of instances) {
      if (config === null) continue
      const before = this.#last.get(instance)
      if (before !== undefined && before !== config) this.#changedAtMs = nowMs
    }
    const said = instances.filter((one) => one.config !== null)
    this.#last = new Map(said.map(({ instance, config }) => [instance, config ?? '']))
  }

  #tell(nowMs: number): ConfigChange | null {
    if (this.#differsSinceMs === null || this.#groups.length < 2) return null
    const forMs = nowMs - this.#differsSinceMs
    const isStill = forMs >= this.#graceMs && nowMs - this.#changedAtMs >= this.#graceMs
    if (!isStill && forMs < patience * this.#graceMs) return null
    this.#isTold = true
    return { kind: 'config-differs', groups: this.#groups }
  }

  #takeBack(): ConfigChange | null {
    if (this.#differsSinceMs !== null) return null
    this.#isTold = false
    return { kind: 'config-agrees', groups: this.#groups }
  }
}

function groupsOf(instances: readonly ConfiguredInstance[]): readonly ConfigGroup[] {
  const byConfig = new Map<string, string[]>()
  for (const { instance, config } of instances)
    if (config !== null) byConfig.set(config, [...(byConfig.get(config) ?? []), instance])
  return [...byConfig]
    .map(([config, names]) => ({ config, instances: names.sort() }))
    .sort((a, b) => b.instances.length - a.instances.length || (a.config < b.config ? -1 : 1))
}
