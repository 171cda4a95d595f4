// Where the project lives, as packages say it: the remote `origin` of this clone, where it is one that everybody can reach.
// Run by itself it prints the flag that labels an image: docker build $(node deploy/repository.ts) -t mxsteer .

import { execFileSync } from 'node:child_process'
import { dirname, resolve } from 'node:path'

export interface Repository {
  readonly kind: 'public'
  /** As npm has it: `git+https://HOST/PATH.git`. */
  readonly npm: string
  /** For people: `https://HOST/PATH`. */
  readonly page: string
}

/** `why`: for people, without the address, which can hold a password. */
export type RepositoryOutcome = Repository | { readonly kind: 'none'; readonly why: string }

/** What git names by words, as `git@HOST:PATH`. A colon after a slash is part of a path. */
const scpForm = /^(?:[^/@\s]+@)?(?<host>[^/:@\s]+):(?!\/\/)(?<path>\S+)$/
const schemes = new Set(['https:', 'ssh:', 'git:'])
/** Names that mean something else, or nothing, on another machine (RFC 6761, RFC 6762, RFC 8375). */
const notPublic =
  /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|home|corp|home\.arpa|test|invalid|onion)$/
const nameOfHost = /^(?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)+[a-z][a-z\d-]*[a-z\d]$/

/**
 * The public address of a repository, of one that git takes: `https://`, `ssh://`, `git://`, with `git+` before it or
 * not, or `git@HOST:PATH`. Users, passwords, queries and the ports of ssh and git are left out.
 */
export function repositoryOf(address: string): RepositoryOutcome {
  const { host, path } = scpForm.exec(address)?.groups ?? {}
  const written = host === undefined ? address : `ssh://${host}/${path}`
  const url = URL.parse(written.replace(/^git\+/, ''))
  if (url === null) return none('is a path')
  if (!schemes.has(url.protocol)) return none(`is of ${url.protocol}, not https:, ssh: or git:`)
  // Only of `https:` a URL's host is in lower case.
  const name = url.hostname.toLowerCase().replace(/\.$/, '')
  if (!nameOfHost.test(name) || notPublic.test(name)) return none('has no public name of a host')
  const place = url.pathname.replaceAll(/\/+/g, '/').replace(/(?:\.git)?\/?$/, '')
  if (!/^\/[\w.~/-]*\w[\w.~/-]*$/.test(place) || place.startsWith('/~'))
    return none('has no path that a page could have')
  const page = `https://${name}${url.protocol === 'https:' && url.port ? `:${url.port}` : ''}${place}`
  return { kind: 'public', npm: `git+${page}.git`, page }
}

const none = (why: string): RepositoryOutcome => ({ kind: 'none', why })

/** By the remote `origin` of the clone that `folder` is the top of. */
export function repositoryOfClone(folder: string): RepositoryOutcome {
  // As written, not through `url.….insteadOf`, which is about one machine; and not of a repository further up.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(resolve(folder)) }
  try {
    const words = ['config', '--local', '--get', 'remote.origin.url']
    const said = execFileSync('git', words, { cwd: folder, env, encoding: 'utf8', stdio: 'pipe' })
    const outcome = repositoryOf(said.trim())
    return outcome.kind === 'public' ? outcome : none(`the remote origin ${outcome.why}`)
  } catch {
    return none('this is no clone with a remote origin')
  }
}

/** The label of images that says where their sources are (OCI image specification, annotations). */
export const imageLabel = ({ page }: Repository): string =>
  `--label=org.opencontainers.image.source=${page}`

if (import.meta.main) {
  const outcome = repositoryOfClone(new URL('..', import.meta.url).pathname)
  if (outcome.kind === 'public') console.log(imageLabel(outcome))
  else console.error(`repository: no label, ${outcome.why}`)
}
