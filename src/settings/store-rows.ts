// The rows of the settings table about the store that instances share: settings-table.ts has the others.

import { durationMs, oneOf, path, text } from '../zonefile/leaf.ts'
import { stateSecrets } from './cluster-settings.ts'
import { count, credential, password } from './setting-leaves.ts'
import { sealModes, type SettingsTable } from './setting-values.ts'
import { storeUrl } from './store-url.ts'

type StoreKey =
  | 'state'
  | 'state_namespace'
  | 'state_username'
  | 'state_password'
  | 'state_password_file'
  | 'state_sentinel_username'
  | 'state_sentinel_password'
  | 'state_sentinel_password_file'
  | 'state_secret'
  | 'state_secret_file'
  | 'state_secret_mode'
  | 'state_ca'
  | 'state_certificate'
  | 'state_key'
  | 'state_server_name'
  | 'state_heartbeat'
  | 'peer_hold'
  | 'vantages'

export const storeRows: Pick<SettingsTable, StoreKey> = {
  state: {
    schema: storeUrl,
    flag: {
      value: 'URL',
      help: 'where instances share what they see: memory (default: alone), redis://HOST:PORT',
    },
    isSecret: true,
    default: 'memory',
    accepts:
      '`memory`, or the URL of a [Redis](operations/redis.md#redis-itself): `redis://`, `redis+sentinel://`, `redis+cluster://`, and `rediss` with TLS',
    about: 'where instances share what they see; with `memory` an instance is alone',
  },
  state_namespace: {
    schema: text('a name of letters, digits and hyphens', /^[\w-]{1,40}$/, 'default'),
    default: 'default',
    accepts: '1 – 40 letters, digits, hyphens',
    about: 'fleets with different namespaces do not see each other',
  },
  state_username: {
    schema: credential,
    otherwise: 'that of the URL',
    accepts: '1 – 128 characters without spaces',
    about: 'user name for Redis',
  },
  state_password: {
    schema: password,
    isSecret: true,
    otherwise: 'that of the URL',
    accepts: '1 – 512 characters',
    about: 'password for Redis',
  },
  state_password_file: {
    schema: path,
    otherwise: 'none',
    accepts: 'path',
    about: 'file with that password in its first line',
  },
  state_sentinel_username: {
    schema: credential,
    otherwise: 'none',
    accepts: 'as `state_username`',
    about: 'user name for the Sentinels themselves',
  },
  state_sentinel_password: {
    schema: password,
    isSecret: true,
    otherwise: 'none',
    accepts: 'as `state_password`',
    about: 'password for the Sentinels themselves',
  },
  state_sentinel_password_file: {
    schema: path,
    otherwise: 'none',
    accepts: 'path',
    about: 'file with that password in its first line',
  },
  state_secret: {
    schema: stateSecrets,
    isList: true,
    isSecret: true,
    otherwise: 'none: records are not sealed',
    accepts: '32 – 256 printable ASCII characters without spaces and commas, or a list of up to 8',
    about:
      'secrets that [seal the records](operations/redis.md#a-secret-for-the-records) of the store, the same on all instances: the first seals, all verify',
  },
  state_secret_file: {
    schema: path,
    otherwise: 'none',
    accepts: 'path',
    about: 'file with one more secret a line, after those of `state_secret`; `#` starts a comment',
  },
  state_secret_mode: {
    schema: oneOf(sealModes),
    default: 'require',
    accepts: '`require`, `permit`',
    about:
      'with a secret: `require` ignores records without a good seal, `permit` reports and uses them, [while a fleet gets its secret](operations/redis.md#a-secret-for-the-records)',
  },
  state_ca: {
    schema: path,
    otherwise: "the system's authorities",
    accepts: 'path',
    about: 'PEM file of certificate authorities; this and the next three with TLS (`rediss`) only',
  },
  state_certificate: {
    schema: path,
    otherwise: 'none',
    accepts: 'path',
    about: 'PEM file of the client certificate',
  },
  state_key: {
    schema: path,
    otherwise: 'none',
    accepts: 'path',
    about: 'PEM file of its key',
  },
  state_server_name: {
    schema: credential,
    otherwise: 'the host of the URL',
    accepts: 'host name',
    about: "name that the store's certificate must have",
  },
  state_heartbeat: {
    schema: durationMs('200ms', '30s', '3s'),
    default: '3s',
    accepts: '200 ms – 30 s',
    about:
      'interval of heartbeats; [all other times of the store](operations/redis.md#what-happens-when) follow from it',
  },
  peer_hold: {
    schema: durationMs('0s', '1h', '5m'),
    default: '5m',
    accepts: '0 – 1 h',
    about: 'how long the votes of other instances count after the store is out of reach',
  },
  vantages: {
    schema: count('a count', 1, 7),
    default: '3',
    accepts: '1 – 7',
    about: 'how many instances probe a target, at most one at each site if there are enough sites',
  },
}
