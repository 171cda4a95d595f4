// One stream a browser: HTTP/1.1 gives an origin six connections, and each tab would take one. The tab that holds a lock
// of the origin reads the stream and tells the others; when it closes, another one gets the lock. Where a page came by
// plain HTTP from another host than this one, browsers have no Web Locks: then a lease in the storage takes their place.

const name = 'mxsteer-stream'
const leaseMs = 6000
const renewEveryMs = 2000

interface Leadership {
  /** Gives the place to another tab, or stops waiting for it. */
  readonly leave: () => void
}

/** Calls `lead` when this tab is the one that reads; `lead` gives what ends it. */
export function seekLeadership(lead: () => () => void): Leadership {
  return navigator.locks === undefined ? leadByLease(lead) : leadByLock(navigator.locks, lead)
}

function leadByLock(locks: LockManager, lead: () => () => void): Leadership {
  const waiting = new AbortController()
  let release: (() => void) | null = null
  locks
    .request(name, { signal: waiting.signal }, () => {
      const end = lead()
      return new Promise<void>((resolve) => {
        release = () => {
          end()
          resolve()
        }
      })
    })
    // An AbortError: it was left before it was given.
    .catch(() => {})
  return {
    leave() {
      waiting.abort()
      release?.()
    },
  }
}

function leadByLease(lead: () => () => void): Leadership {
  const own = Math.random().toString(36).slice(2)
  let end: (() => void) | null = null
  const renew = (): void => {
    const [holder = '', until = '0'] = (localStorage.getItem(name) ?? '').split(' ')
    const isFree = holder === own || Number(until) < Date.now()
    if (isFree) localStorage.setItem(name, `${own} ${Date.now() + leaseMs}`)
    if (isFree && end === null) end = lead()
    if (!isFree && end !== null) {
      end()
      end = null
    }
  }
  const leave = (): void => {
    clearInterval(timer)
    if (end === null) return
    end()
    end = null
    localStorage.removeItem(name)
  }
  renew()
  const timer = setInterval(renew, renewEveryMs)
  addEventListener('pagehide', leave, { once: true })
  return { leave }
}
