// A folder of zone files, compiled in this thread as the server's thread of its own compiles it, or in that one.

import { noSerials } from '../../src/lib/zone-serials.ts'
import { noKnownNames } from '../../src/departed/name-round.ts'
import { createAllocation } from '../../src/zonefile/allocation.ts'
import { type LoadJob, type ZonesRead, readZones } from '../../src/zonefile/load-zones.ts'
import type { LoadRequest } from '../../src/zonefile/run-load.ts'
import {
  defaultFilesMax,
  type KeptFiles,
  openMasterFiles,
  readFolder,
} from '../../src/zonefile/read-folder.ts'

/** `job`: what a load before has left behind; without it, nothing. */
export async function readZonesHere(
  folder: string,
  job: Partial<LoadJob> = {},
  kept: KeptFiles = new Map(),
): Promise<ZonesRead> {
  const read = await readFolder({ folder, filesMax: defaultFilesMax }, kept)
  if (read.kind === 'bad') return { kind: 'rejected', diagnostics: read.diagnostics }
  const nothing = { allocation: createAllocation(), serials: noSerials, names: noKnownNames }
  const before = { ...nothing, wallMs: 0, ...job }
  const { files, diagnostics } = read
  const { open } = openMasterFiles({ folder, filesMax: defaultFilesMax }, kept, 0)
  return readZones({ folder, files, diagnostics, ...before }, { begin() {}, refuse() {} }, open)
}

/** A first load of the folder, in the thread. */
export const requestInThread = (folder: string): LoadRequest => ({
  folder,
  filesMax: defaultFilesMax,
  allocation: createAllocation(),
  serials: noSerials,
  names: noKnownNames,
  kept: new Map(),
  wallMs: 0,
  isAlone: false,
})
