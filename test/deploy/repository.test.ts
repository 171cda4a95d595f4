// Which address packages give as the project's home, for what a clone may have as its remote `origin`.

import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { imageLabel, repositoryOf, repositoryOfClone } from '../../deploy/repository.ts'
import { temporaryFolder } from '../support/server.ts'

const home = {
  kind: 'public',
  npm: 'git+https://git.example.org/mail/mxsteer.git',
  page: 'https://git.example.org/mail/mxsteer',
} as const

describe('an address', () => {
  test.each([
    'https://git.example.org/mail/mxsteer',
    'https://git.example.org/mail/mxsteer/',
    'https://git.example.org/mail/mxsteer.git',
    'https://git.example.org/mail/mxsteer.git/',
    'https://git.example.org//mail/mxsteer.git',
    'https://someone:secret@git.example.org/mail/mxsteer.git',
    'https://secret@git.example.org/mail/mxsteer.git',
    'https://git.example.org/mail/mxsteer.git?token=secret#secret',
    'https://GIT.example.org:443/mail/mxsteer.git',
    'git+https://git.example.org/mail/mxsteer.git',
    'git+ssh://git@git.example.org/mail/mxsteer.git',
    'ssh://git@git.example.org/mail/mxsteer.git',
    'ssh://git:secret@GIT.example.org:2222/mail/mxsteer',
    'git://git.example.org/mail/mxsteer.git',
    'git://git.example.org:9418/mail/mxsteer',
    'git@git.example.org:mail/mxsteer.git',
    'git@git.example.org:/mail/mxsteer.git',
    'git.example.org:mail/mxsteer',
  ])('%s is home', (address) => {
    expect(repositoryOf(address)).toEqual(home)
  })

  test('keeps a port of https, and what the host has below a folder', () => {
    expect(repositoryOf('https://git.example.org:8443/a/b/mxsteer.git')).toEqual({
      kind: 'public',
      npm: 'git+https://git.example.org:8443/a/b/mxsteer.git',
      page: 'https://git.example.org:8443/a/b/mxsteer',
    })
  })

  test.each([
    ['/srv/git/mxsteer.git', 'is a path'],
    ['../mxsteer', 'is a path'],
    ['./git.example.org:mail/mxsteer', 'is a path'],
    ['', 'is a path'],
    ['file:///srv/git/mxsteer.git', 'is of file:'],
    ['http://git.example.org/mail/mxsteer.git', 'is of http:'],
    ['ext::sh -c whoami', 'is of ext:'],
    ['C:\\git\\mxsteer', 'no public name'],
    ['gitbox:mail/mxsteer.git', 'no public name'],
    ['https://localhost/mail/mxsteer', 'no public name'],
    ['https://git.corp/mail/mxsteer', 'no public name'],
    ['ssh://git@nas.local/mxsteer.git', 'no public name'],
    ['https://git.home.arpa/mail/mxsteer', 'no public name'],
    ['https://10.1.2.3/mail/mxsteer', 'no public name'],
    ['https://[2001:db8::1]/mail/mxsteer', 'no public name'],
    ['ssh://git@192.0.2.1:22/mail/mxsteer', 'no public name'],
    ['https://git.example.org', 'no path'],
    ['https://git.example.org/.git', 'no path'],
    ['ssh://git.example.org/~me/mxsteer', 'no path'],
    ['https://git.example.org/a b', 'no path'],
    ['https://git.example.org/$(id)', 'no path'],
    ['https://me:secret@git.example.org/%20', 'no path'],
  ])('%s is none', (address, why) => {
    const outcome = repositoryOf(address)
    expect(outcome).toEqual({ kind: 'none', why: expect.stringContaining(why) })
    expect(JSON.stringify(outcome)).not.toContain('secret')
  })
})

describe('a clone', () => {
  const folderWith = (remote: string | null): string => {
    const folder = join(temporaryFolder(), 'clone')
    mkdirSync(folder)
    execFileSync('git', ['init', '--quiet', folder])
    if (remote !== null) execFileSync('git', ['-C', folder, 'remote', 'add', 'origin', remote])
    return folder
  }

  test('has the address of its remote origin, which images are labelled with', () => {
    const outcome = repositoryOfClone(folderWith('git@git.example.org:mail/mxsteer.git'))
    expect(outcome).toEqual(home)
    expect(imageLabel(home)).toBe(
      '--label=org.opencontainers.image.source=https://git.example.org/mail/mxsteer',
    )
  })

  test('has none where origin is a path, or missing', () => {
    expect(repositoryOfClone(folderWith('/srv/git/mxsteer.git'))).toEqual({
      kind: 'none',
      why: 'the remote origin is a path',
    })
    expect(repositoryOfClone(folderWith(null))).toMatchObject({ kind: 'none' })
  })

  test('is not one that the folder only lies in', () => {
    const inside = join(folderWith('https://git.example.org/someone/else.git'), 'unpacked')
    mkdirSync(inside)
    expect(repositoryOfClone(inside)).toEqual({
      kind: 'none',
      why: 'this is no clone with a remote origin',
    })
  })
})
