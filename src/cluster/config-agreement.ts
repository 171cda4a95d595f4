// Whether all instances have the same configuration. Each puts a hash of its zone files into its heartbeat; live
// instances that are not leaving are compared.
//
//   alert    when they have differed for the grace time and none changed its hash meanwhile, since a roll-out, instance
//            by instance, is no reason to alert; after ten times the grace time even if they keep changing
//   cleared  when they have agreed for as long as a heartbeat lasts: an instance that restarts is missing for a moment
//
// No I/O; the time is an argument.

export interface ConfiguredInstance {
  readonly instance: string
  /** null if it is not known; the instance is then not compared. */
  readonly config: string | null
}

/** A configuration alert that is raised or cleared. */
export interface ConfigChange {
  readonly kind: 'config-differs' | 'config-agrees'
  /** Instances grouped by their hash, largest group first. */
  readonly groups: readonly ConfigGroup[]
}

export interface ConfigGroup {
  readonly config: string
  readonly instances: readonly string[]
}

/** Alert after this many grace times even during a roll-out. */
const rolloutPatience = 10

export class ConfigAgreement {
  readonly #graceMs: number
  readonly #calmMs: number
  #isAlerting = false
  #groups: readonly ConfigGroup[] = []
  /** Last hash of each instance; a change means that a roll-out is going on. */
  #lastConfigs = new Map<string, string>()
  #changedAtMs = -Infinity
  /** When they began to differ or agree; null if they do not. */
  #differsSinceMs: number | null = null
  #agreesSinceMs: number | null = null

  /** `graceMs`: how long configurations may differ. `calmMs`: how long they have to agree to clear the alert. */
  constructor(times: { readonly graceMs: number; readonly calmMs: number }) {
    this.#graceMs = times.graceMs
    this.#calmMs = times.calmMs
  }

  get isAlerting(): boolean {
    return this.#isAlerting
  }

  /** The groups of the last `observe`. */
  groups(): readonly ConfigGroup[] {
    return this.#groups
  }

  /** Returns the change that is to be logged; null if there is none. */
  observe(instances: readonly ConfiguredInstance[], nowMs: number): ConfigChange | null {
    this.#groups = groupsOf(instances)
    this.#recordConfigs(instances, nowMs)
    if (this.#groups.length > 1) {
      this.#agreesSinceMs = null
      this.#differsSinceMs ??= nowMs
    } else {
      this.#agreesSinceMs ??= nowMs
      if (nowMs - this.#agreesSinceMs >= this.#calmMs) this.#differsSinceMs = null
    }
    return this.#isAlerting ? this.#clearIfAgreeing() : this.#alertIfDiffering(nowMs)
  }

  #recordConfigs(instances: readonly ConfiguredInstance[], nowMs: number): void {
    for (const { instance, config } of instances) {
      if (config === null) continue
      const before = this.#lastConfigs.get(instance)
      if (before !== undefined && before !== config) this.#changedAtMs = nowMs
    }
    const known = instances.filter((one) => one.config !== null)
    this.#lastConfigs = new Map(known.map(({ instance, config }) => [instance, config ?? '']))
  }

  #alertIfDiffering(nowMs: number): ConfigChange | null {
    if (this.#differsSinceMs === null || this.#groups.length < 2) return null
    const differsMs = nowMs - this.#differsSinceMs
    const isSettled = differsMs >= this.#graceMs && nowMs - this.#changedAtMs >= this.#graceMs
    if (!isSettled && differsMs < rolloutPatience * this.#graceMs) return null
    this.#isAlerting = true
    return { kind: 'config-differs', groups: this.#groups }
  }

  #clearIfAgreeing(): ConfigChange | null {
    if (this.#differsSinceMs !== null) return null
    this.#isAlerting = false
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
