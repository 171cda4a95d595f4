// How much CPU time of this process admin requests may take: a share of each second for each client,
// and one for all of them, either with some in advance. What a request takes is known afterwards, so a
// budget can be overdrawn by one; the debt is paid off before the next.

export interface Budget {
  /** Milliseconds until the client may be served; 0: at once. */
  waitMs(client: string, nowMs: number): number
  /** Charges what was spent for these clients together: to each of them, and once to all. */
  charge(clients: ReadonlySet<string>, spentMs: number, nowMs: number): void
}

interface BudgetShares {
  /** Milliseconds for each second that passes. */
  readonly perSecond: number
  /** Milliseconds in advance, and as debt, at most. */
  readonly advanceMs: number
}

export interface BudgetLimits {
  readonly client: BudgetShares
  readonly all: BudgetShares
  /** Clients that are remembered; beyond them the one that was charged first is forgotten. */
  readonly clients: number
}

interface Account {
  balanceMs: number
  atMs: number
}

export function createBudget(limits: BudgetLimits): Budget {
  const all: Account = { balanceMs: limits.all.advanceMs, atMs: 0 }
  const accounts = new Map<string, Account>()
  const accountOf = (client: string, nowMs: number): Account => {
    const known = accounts.get(client)
    accounts.delete(client)
    const account = known ?? { balanceMs: limits.client.advanceMs, atMs: nowMs }
    accounts.set(client, account)
    const [first] = accounts.keys()
    if (accounts.size > limits.clients && first !== undefined) accounts.delete(first)
    return account
  }
  return {
    waitMs(client, nowMs) {
      const account = accounts.get(client)
      const ofClient = account === undefined ? 0 : untilPaid(account, limits.client, nowMs)
      return Math.max(ofClient, untilPaid(all, limits.all, nowMs))
    },
    charge(clients, spentMs, nowMs) {
      for (const client of clients) draw(accountOf(client, nowMs), limits.client, spentMs, nowMs)
      draw(all, limits.all, spentMs, nowMs)
    },
  }
}

function balanceAt(
  account: Account,
  { perSecond, advanceMs }: BudgetShares,
  nowMs: number,
): number {
  const earnedMs = ((nowMs - account.atMs) / 1000) * perSecond
  return Math.min(advanceMs, account.balanceMs + earnedMs)
}

function untilPaid(account: Account, shares: BudgetShares, nowMs: number): number {
  const balanceMs = balanceAt(account, shares, nowMs)
  return balanceMs > 0 ? 0 : ((1 - balanceMs) / shares.perSecond) * 1000
}

function draw(account: Account, shares: BudgetShares, spentMs: number, nowMs: number): void {
  account.balanceMs = Math.max(-shares.advanceMs, balanceAt(account, shares, nowMs) - spentMs)
  account.atMs = nowMs
}
