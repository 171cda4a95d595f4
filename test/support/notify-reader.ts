// A socket that listens as a service manager does, in Perl, which every Debian has: each datagram is a line of its own.

import { spawn } from 'node:child_process'
import { join } from 'node:path'

import { stopChild, temporaryFolder, watchChild } from './server.ts'
import { until } from './wait.ts'

export interface NotifyReader {
  /** As NOTIFY_SOCKET names it. */
  readonly place: string
  /** Each datagram, its lines parted by `;`. */
  datagrams(): readonly string[]
  stop(): Promise<void>
}

const script = `
use strict; use Socket; $| = 1;
my $path = shift; $path =~ s/^@/\\0/;
socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
bind($s, pack_sockaddr_un($path)) or die "bind: $!";
print "listening\\n";
while (defined recv($s, my $words, 8192, 0)) { $words =~ s/\\n$//; $words =~ s/\\n/;/g; print "$words\\n" }
`

/** `isAbstract`: by a name that is no file. */
export async function startNotifyReader(isAbstract = false): Promise<NotifyReader> {
  const file = join(temporaryFolder(), 'notify')
  const place = isAbstract ? `@${file}` : file
  const child = watchChild(
    spawn('perl', ['-e', script, place], { stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  const lines = (): readonly string[] => child.stdout().split('\n').slice(0, -1)
  await until(() => lines()[0] === 'listening', {
    what: `a reader at ${place}: ${child.stderr()}`,
    withinMs: 60_000,
  })
  return {
    place,
    datagrams: () => lines().slice(1),
    stop: async () => void (await stopChild(child, 5000)),
  }
}
