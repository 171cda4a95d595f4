// Entry of the thread of the zone files: parses, compiles and packs them, posts the result, and ends.

import { getHeapStatistics } from 'node:v8'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type LoadJob, readZones } from './load-zones.ts'
import type { FromLoadThread } from './run-load.ts'

const control = parentPort as MessagePort

const post = (message: FromLoadThread): void => control.postMessage(message)

const read = readZones(workerData as LoadJob, {
  begin: (file) => post({ kind: 'began', file }),
  refuse: (diagnostics) => post({ kind: 'refused', diagnostics }),
})
post({ kind: 'read', read, heapOctets: getHeapStatistics().used_heap_size })
