// The events of the log about what targets look like from outside. docs/operations.md has the table of `event` words.

import { shownList } from '../reputation/profile.ts'
import type { IdentityWatchOptions } from '../reputation/watch.ts'
import type { Log } from './log.ts'

type Events = Pick<IdentityWatchOptions, 'onFinding' | 'onList' | 'onMass' | 'onBlind'>

export const identityEvents = (log: Log): Events => ({
  onFinding({ watched, finding, isRaised }) {
    const { zone, pool, target, address } = watched
    const { kind, list, message } = finding
    const fields = { zone, pool, target, address, finding: kind, ...(list !== null && { list }) }
    const who = `${target}.${zone} at ${address}`
    if (isRaised) log.warn({ event: 'identity.finding', ...fields }, `${who}: ${message}`)
    else log.info({ event: 'identity.mended', ...fields }, `${who}: ${kind} is over`)
  },
  onList({ list, family, trouble }) {
    const fields = { list: shownList(list), family }
    if (trouble === null) log.info({ event: 'dnsbl.usable', ...fields }, 'the DNS list is usable')
    else
      log.warn(
        { event: 'dnsbl.unusable', ...fields, why: trouble },
        'the DNS list fails its test points: what it says is not believed',
      )
  },
  onMass({ zone, pool, isRaised }) {
    if (isRaised)
      log.warn(
        { event: 'dnsbl.mass', zone, pool },
        'more than half of the pool is listed: no weight is moved',
      )
    else log.info({ event: 'dnsbl.over', zone, pool }, 'at most half of the pool is listed')
  },
  onBlind() {
    log.warn({ event: 'identity.blind' }, 'PTR and DNS lists need the setting resolver')
  },
})
