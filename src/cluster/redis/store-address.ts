// Where the store is and how one gets in, as the settings give it. Holds secrets: never to be logged.

export interface HostPort {
  readonly host: string
  readonly port: number
}

export type StorePlace =
  | ({ readonly kind: 'one' } & HostPort)
  /** `name`: of the primary, as the Sentinels know it. */
  | { readonly kind: 'sentinel'; readonly sentinels: readonly HostPort[]; readonly name: string }

/** PEM texts; null: those of the system, none. */
export interface StoreTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
}

export interface StoreAddress {
  readonly where: StorePlace
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  /** null: in the clear. */
  readonly tls: StoreTls | null
  readonly sentinelUsername: string | null
  readonly sentinelPassword: string | null
}
