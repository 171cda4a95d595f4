// The sockets that a service manager hands to a process, by the protocol of sd_listen_fds(3): descriptors from 3 on, as
// many as LISTEN_FDS says, for the process whose number is in LISTEN_PID, with names in LISTEN_FDNAMES.

type Environment = Readonly<Record<string, string | undefined>>

/** A descriptor, and the name that its unit gives it (`FileDescriptorName=`), for messages. */
export interface NamedDescriptor {
  readonly fd: number
  readonly name: string
}

export type ListenFds =
  /** They are for another process, or there are none. */
  | { readonly kind: 'none' }
  | { readonly kind: 'descriptors'; readonly descriptors: readonly NamedDescriptor[] }
  | { readonly kind: 'bad'; readonly why: string }

const firstFd = 3
/** More sockets than any unit lists. */
const maxDescriptors = 2048

/** Reads the variables. `pid`: of this process. */
export function listenFds(env: Environment, pid: number): ListenFds {
  const { LISTEN_PID: forPid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = env
  if (count === undefined || forPid !== String(pid)) return { kind: 'none' }
  if (!/^\d{1,4}$/.test(count) || Number(count) > maxDescriptors)
    return { kind: 'bad', why: `LISTEN_FDS is no count up to ${maxDescriptors}` }
  const each = names === undefined || names === '' ? [] : names.split(':')
  const descriptors = Array.from({ length: Number(count) }, (_, i) => ({
    fd: firstFd + i,
    name: each[i] ?? 'unknown',
  }))
  return descriptors.length === 0 ? { kind: 'none' } : { kind: 'descriptors', descriptors }
}

/** To be removed from the environment, since programs that this process starts get no sockets from it. */
export const listenFdsVariables = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'] as const
