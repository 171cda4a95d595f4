// Where the service manager wants to hear of us, as it says in the environment (sd_notify(3), sd_watchdog_enabled(3)).

export interface SupervisorPlace {
  readonly socket: string
  /** null: it has no watchdog over this process. */
  readonly watchdogMs: number | null
}

type Environment = Readonly<Record<string, string | undefined>>

/** null: nobody does. */
export function supervisorPlace(env: Environment, pid: number): SupervisorPlace | null {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: micros = '', WATCHDOG_PID: watched } = env
  if (!socket) return null
  const isOurs = watched === undefined || watched === String(pid)
  const watchdogMs = isOurs && /^\d{4,15}$/.test(micros) ? Number(micros) / 1000 : null
  return { socket, watchdogMs }
}

/** Programs that we start are not to speak for us. */
export const supervisorVariables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const
