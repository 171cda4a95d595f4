// Entry of the thread of the zone files: parses, compiles and packs them, posts the result, and ends.

import { getHeapStatistics } from 'node:v8'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type LoadJob, readZones } from './load-zones.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { MasterFileRead } from './master-records.ts'
import type { FromLoadThread } from './run-load.ts'

const control = parentPort as MessagePort

const post = (message: FromLoadThread): void => control.postMessage(message)

/** The control thread reads all files. One is asked for at a time. */
const open = (name: string): Promise<MasterFileRead> =>
  new Promise((resolve) => {
    control.once('message', resolve)
    post({ kind: 'wanted', name })
  })

const progress = {
  begin: (file: string): void => post({ kind: 'began', file }),
  refuse: (diagnostics: readonly Diagnostic[]): void => post({ kind: 'refused', diagnostics }),
}

void readZones(workerData as LoadJob, progress, open).then((read) =>
  post({ kind: 'read', read, heapOctets: getHeapStatistics().used_heap_size }),
)
