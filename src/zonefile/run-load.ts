// Loads the zone files in a thread of its own, whose memory is freed when it ends. A file that takes
// too much memory or time is a mistake of that file: neither answers, probes nor the admin HTTP wait
// for it, and the thread ends with all that it had taken.
//
// The first load of a process has nothing to keep responsive, and a thread costs as much as the rest
// of the start. So a folder that is too small to take long is compiled here then (ADR 13).

import { Worker } from 'node:worker_threads'
import { noKnownNames } from '../departed/name-round.ts'
import { noSerials } from '../lib/zone-serials.ts'
import { openCatalog } from '../zone/packed-catalog.ts'
import type { ProblemCode } from '../zone/compile/problem.ts'
import type { Catalog } from '../zone/zone.ts'
import { createAllocation } from './allocation.ts'
import { type Diagnostic, gatherDiagnostics } from './diagnostic.ts'
import { fileDiagnostic } from './document.ts'
import { type LoadJob, type LoadProgress, readZones, type ZonesRead } from './load-zones.ts'
import type { OpenMasterFile } from './master-records.ts'
import {
  contentsOf,
  type FileLooks,
  type KeptFiles,
  openMasterFiles,
  readFolder,
  type ReadFile,
  type ZoneFolder,
} from './read-folder.ts'

export type ZonesLoaded = LoadCost &
  (
    | (Extract<ZonesRead, { kind: 'loaded' }> & FolderLoaded)
    | (Extract<ZonesRead, { kind: 'rejected' }> & FolderRefused)
  )

interface LoadCost {
  /** The most that was seen of the thread's heap; 0: the folder was compiled without a thread, or not at all. */
  readonly peakHeapOctets: number
  /** Of the master files that were asked for. */
  readonly masterLooks: FileLooks
}

/** Files with mistakes are kept as they were then: so many, and none that is larger. */
const refusedFiles = { count: 16, octets: 262_144 }

interface FolderRefused {
  /** Files that have mistakes, the first of them. */
  readonly refused: KeptFiles
}

interface FolderLoaded {
  readonly catalog: Catalog
  /** For the load after this one. */
  readonly kept: KeptFiles
  /** false: at least one file could not be read. */
  readonly isComplete: boolean
}

/** What the thread posts: progress, and at last the result. */
export type FromLoadThread =
  | { readonly kind: 'began'; readonly file: string }
  | { readonly kind: 'refused'; readonly diagnostics: readonly Diagnostic[] }
  /** A master file, by its name below the folder. What was read of it is posted back. */
  | { readonly kind: 'wanted'; readonly name: string }
  /** `heapOctets`: what the heap of the thread takes then, garbage included. */
  | { readonly kind: 'read'; readonly read: ZonesRead; readonly heapOctets: number }

export interface LoadLimits {
  /** For one file, and for putting all of them together. */
  readonly seconds: number
  /** For the whole load, once the thread has begun with its first file. */
  readonly allSeconds: number
  /** For the whole load: what was made of the files before is part of it. */
  readonly heapMebibytes: number
}

const mebibyte = 2 ** 20

/**
 * The heap may take half of the memory that this process can still have: 256 MiB at least, since the page cache of a
 * container counts as used there, and 2 GiB at most.
 */
const defaultLimits = (): LoadLimits => ({
  seconds: 60,
  // 100,000 records of a master file took up to 4.2 s of CPU on a busy machine (ADR 13): ten times as many leave one ten times slower a third of this.
  allSeconds: 600,
  heapMebibytes: Math.min(
    2048,
    Math.max(256, Math.floor(process.availableMemory() / mebibyte / 2)),
  ),
})

// The entry has the same extension as this file: .ts when run from source, .js from dist.
const loadEntry = new URL(
  import.meta.url.endsWith('.ts') ? './load-thread.ts' : './load-thread.js',
  import.meta.url,
)

/** A folder of at most so many octets is compiled within a second, whatever is in it. */
const smallOctets = 65_536

export interface LoadRequest extends Omit<LoadJob, 'files' | 'diagnostics'>, ZoneFolder {
  /** What is served in place of files that cannot be read. */
  readonly kept: KeptFiles
  /** Whether this process has nothing else to do meanwhile. */
  readonly isAlone: boolean
  /** Names of the files to read; by default all zone files of the folder. */
  readonly only?: readonly string[] | null
}

/** For tests: limits of the thread, and a module in its place. */
interface ThreadOptions {
  readonly limits?: LoadLimits
  readonly entry?: URL
}

/** Never rejects: every failure is a diagnostic. */
export async function loadZones(
  { isAlone, kept, only = null, filesMax, ...request }: LoadRequest,
  options: ThreadOptions = {},
): Promise<ZonesLoaded> {
  const place = { folder: request.folder, filesMax }
  const folder = await readFolder(place, kept, only)
  if (folder.kind === 'bad') {
    const cost = { peakHeapOctets: 0, masterLooks: new Map() }
    return { kind: 'rejected', diagnostics: folder.diagnostics, refused: new Map(), ...cost }
  }
  const { files, diagnostics } = folder
  const job = { ...request, files, diagnostics }
  const octets = files.reduce((sum, file) => sum + file.octets.length, 0)
  const masters = openMasterFiles(place, kept, octets)
  // How large a master file is, and what $GENERATE makes of it, is not known here.
  const isHere = isAlone && octets <= smallOctets && !files.some(mayNameMasterFile)
  const { peakHeapOctets, ...read } = isHere
    ? { ...(await readZones(job, noProgress, masters.open)), peakHeapOctets: 0 }
    : await readInThread(job, masters.open, options)
  const cost = { peakHeapOctets, masterLooks: masters.looks }
  if (read.kind === 'rejected') {
    const all = gatherDiagnostics([...read.diagnostics, ...masters.unread])
    return { ...read, diagnostics: all, refused: filesWith(all, files), ...cost }
  }
  return {
    ...read,
    ...cost,
    warnings: gatherDiagnostics([...read.warnings, ...masters.unread]),
    catalog: openCatalog(read.packed),
    kept: contentsOf([...files, ...masters.files.values()]),
    isComplete: folder.isComplete && masters.isComplete(),
  }
}

function filesWith(diagnostics: readonly Diagnostic[], files: readonly ReadFile[]): KeptFiles {
  const mistaken = new Set(
    diagnostics.flatMap(({ severity, file }) => (severity === 'error' ? [file] : [])),
  )
  const { count, octets: most } = refusedFiles
  const shown = files.filter(({ file, octets }) => mistaken.has(file) && octets.length <= most)
  return contentsOf(shown.slice(0, count))
}

const mayNameMasterFile = ({ octets }: ReadFile): boolean =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.length).includes('records_file')

const noProgress: LoadProgress = { begin() {}, refuse() {} }

/**
 * A load by itself, after which nothing is loaded. `wallMs`: now, in milliseconds since 1970. `only`: names of the files
 * to read; null: all zone files of the folder.
 */
export const loadZonesOnce = (
  folder: ZoneFolder,
  wallMs: number,
  only: readonly string[] | null = null,
): Promise<ZonesLoaded> =>
  loadZones({
    ...folder,
    only,
    allocation: createAllocation(),
    serials: noSerials,
    names: noKnownNames,
    kept: new Map(),
    wallMs,
    isAlone: true,
  })

type ReadInThread = ZonesRead & Pick<LoadCost, 'peakHeapOctets'>

async function readInThread(
  job: LoadJob,
  open: OpenMasterFile,
  options: ThreadOptions,
): Promise<ReadInThread> {
  const { limits = defaultLimits(), entry = loadEntry } = options
  let thread: Worker
  try {
    thread = startThread(entry, job, limits)
  } catch (error) {
    const message = `cannot start a thread: ${String(error)}`
    const diagnostics = [fileDiagnostic(job.folder, 'reading-failed', message)]
    return { kind: 'rejected', diagnostics, peakHeapOctets: 0 }
  }
  const watch = watchThread(thread, limits)
  const answer = (name: string): void => void open(name).then((read) => thread.postMessage(read))
  const read = await resultOf(thread, { folder: job.folder, watch, limits, answer })
  return { ...read, peakHeapOctets: watch.peakHeapOctets() }
}

interface Waiting {
  /** Named where the thread ends before it has begun with a file. */
  readonly folder: string
  readonly watch: ThreadWatch
  readonly limits: LoadLimits
  /** Posts the content of a master file to the thread. */
  readonly answer: (name: string) => void
}

function resultOf(thread: Worker, { folder, watch, limits, answer }: Waiting): Promise<ZonesRead> {
  return new Promise((resolve) => {
    let at = folder
    let failure: Failure | null = null
    const mistakes: Diagnostic[] = []
    const fail = (code: ProblemCode, message: string): void =>
      resolve({
        kind: 'rejected',
        diagnostics: gatherDiagnostics([...mistakes, fileDiagnostic(at, code, message)]),
      })
    thread.on('message', (message: FromLoadThread) => {
      watch.restart()
      switch (message.kind) {
        case 'began':
          at = message.file
          return
        case 'refused':
          return void mistakes.push(...message.diagnostics)
        case 'wanted':
          return answer(message.name)
        case 'read':
          watch.recordHeap(message.heapOctets)
          return resolve(message.read)
        default:
          return message satisfies never
      }
    })
    // What the thread posted before its error may come after it, but not after its exit.
    thread.once('error', (error) => (failure = failureOf(error, limits)))
    // No effect if a result came first.
    thread.once('exit', () => fail(...(failure ?? watch.exceeded() ?? endedEarly)))
  })
}

/**
 * Nearly all that is made of a file lives until it is compiled, so that a young generation larger than this costs memory
 * (V8 lets it grow to 96 MiB and more) and saves no time.
 */
const maxYoungGenerationSizeMb = 9

/**
 * V8 ends the whole process if one large allocation meets the limit of a thread's heap, so this one
 * lies far above the one at which `watchThread` ends the thread.
 */
const startThread = (entry: URL, job: LoadJob, { heapMebibytes }: LoadLimits): Worker =>
  new Worker(entry, {
    // A copy: what files had is kept here, for when they cannot be read.
    workerData: job,
    name: 'zone-files',
    resourceLimits: { maxOldGenerationSizeMb: 2 * heapMebibytes + 1024, maxYoungGenerationSizeMb },
  })

type Failure = readonly [ProblemCode, string]

const tooMuchMemory = ({ heapMebibytes }: LoadLimits): Failure => [
  'too-much-memory',
  `takes more than ${heapMebibytes} MiB of memory to read, and was given up`,
]

const tooSlow = ({ seconds }: LoadLimits): Failure => [
  'too-slow',
  `takes longer than ${seconds} s to read, and was given up`,
]

const tooSlowInAll = ({ allSeconds }: LoadLimits): Failure => [
  'too-slow',
  `all zone files take longer than ${allSeconds} s to read, and were given up at this one`,
]

const endedEarly: Failure = ['reading-failed', 'the thread that read it ended without a result']

const failureOf = (error: unknown, limits: LoadLimits): Failure =>
  (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? tooMuchMemory(limits)
    : ['reading-failed', `cannot be read by a fault of mxsteer: ${String(error)}`]

interface ThreadWatch {
  /** The thread got on: its time for one file begins anew. */
  restart(): void
  /** What the thread was ended for; null: it was not ended. */
  exceeded(): Failure | null
  recordHeap(octets: number): void
  /** The most that was recorded, and seen in looks at it. */
  peakHeapOctets(): number
}

const lookIntervalMs = 250

/** For the start of the thread, before it has begun with a file. */
const startSeconds = 60

/**
 * Ends the thread when it exceeds a limit. Time is counted in looks at it, so that a process that
 * stood still meanwhile blames no file for it.
 */
function watchThread(thread: Worker, limits: LoadLimits): ThreadWatch {
  const looksIn = (seconds: number): number => (seconds * 1000) / lookIntervalMs
  let left = looksIn(startSeconds)
  let leftInAll = looksIn(startSeconds + limits.allSeconds)
  let hasBegun = false
  let peak = 0
  const recordHeap = (octets: number): void => void (peak = Math.max(peak, octets))
  let exceeded: Failure | null = null
  const end = (failure: Failure): void => {
    exceeded ??= failure
    void thread.terminate()
  }
  const look = async (): Promise<void> => {
    if (--left <= 0) return end(tooSlow(limits))
    if (--leftInAll <= 0) return end(tooSlowInAll(limits))
    const { used_heap_size: octets } = await thread.getHeapStatistics()
    recordHeap(octets)
    if (octets > limits.heapMebibytes * mebibyte) end(tooMuchMemory(limits))
  }
  // Each call of getHeapStatistics adds a listener until the thread ends, and rejects if it has.
  thread.setMaxListeners(0)
  const timer = setInterval(() => void look().catch(() => {}), lookIntervalMs)
  thread.once('exit', () => clearInterval(timer))
  return {
    restart(): void {
      left = looksIn(limits.seconds)
      if (!hasBegun) leftInAll = looksIn(limits.allSeconds)
      hasBegun = true
    },
    exceeded: () => exceeded,
    recordHeap,
    peakHeapOctets: () => peak,
  }
}
