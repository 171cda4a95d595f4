// What steering needs besides the data: health as it is now, and chance. Both are arguments (docs/architecture.md).

import type { HealthReader } from '../health/table.ts'
import type { Random } from '../lib/clock.ts'

export interface SteerContext {
  readonly health: HealthReader
  readonly random: Random
}
