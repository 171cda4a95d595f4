// What a listener of the admin server needs beside routes, where a test does not look at it.

import { type AdminCounters, openAdminCounters } from '../../src/admin/admin-counters.ts'

interface Unwatched {
  readonly hostNames: readonly string[]
  readonly counters: AdminCounters
  readonly onEvent: () => void
}

export const unwatched = (): Unwatched => ({
  hostNames: [],
  counters: openAdminCounters(),
  onEvent() {},
})
