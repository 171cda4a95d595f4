// A service manager as far as sockets go: it opens them, hands them to a process by sd_listen_fds(3), and to the next one
// when that has ended. In Perl, which every Debian has: Node tells no descriptors of its sockets.

import { spawn } from 'node:child_process'

import { atExit } from './at-exit.ts'
import { isProcessAlive, mainFile, type Launched, stopChild, watchChild } from './server.ts'
import { until } from './wait.ts'

export interface SocketHolder extends Launched {
  /** The processes that it has started, the running one last. */
  pids(): readonly number[]
  stop(): Promise<void>
}

/** SO_RCVBUFFORCE is what ReceiveBuffer= of a unit sets; where it is not permitted, what the kernel grants. */
const script = `
use strict; use Socket; use POSIX (); $| = 1;
BEGIN { $^F = 255 }
my ($address, $port, $udp, @command) = @ARGV;
my $name = pack_sockaddr_in($port, inet_aton($address));
my @sockets;
for my $type ((SOCK_DGRAM) x $udp, SOCK_STREAM) {
  socket(my $s, PF_INET, $type, 0) or die "socket: $!";
  setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
  setsockopt($s, SOL_SOCKET, 15, 1) if $udp > 1;
  setsockopt($s, SOL_SOCKET, 33, 8 << 20) or setsockopt($s, SOL_SOCKET, SO_RCVBUF, 4 << 20);
  bind($s, $name) or die "bind: $!";
  listen($s, 4096) or die "listen: $!" if $type == SOCK_STREAM;
  push @sockets, $s;
}
die "descriptors" if fileno($sockets[0]) != 3 or fileno($sockets[-1]) != 2 + @sockets;
my $child; my $ends = 0;
$SIG{TERM} = sub { $ends = 1; kill 'TERM', $child };
while (!$ends) {
  $child = fork() // die "fork: $!";
  if (!$child) {
    @ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($$, scalar @sockets, join ':', ('dns') x @sockets);
    exec @command or die "exec: $!";
  }
  print "started $child\\n";
  until (waitpid($child, 0) == $child) {}
  print 'ended ', $? >> 8, "\\n";
  last if $? >> 8;
}
`

interface HolderOptions {
  readonly port: number
  readonly args: readonly string[]
  /** How many UDP sockets of the one address; 1 if absent. */
  readonly udpSockets?: number
}

/** Opens UDP and TCP on loopback and starts the server with them; again when it ends, unless by a failure. */
export function startHolder({ port, args, udpSockets = 1 }: HolderOptions): SocketHolder {
  const where = ['127.0.0.1', String(port), String(udpSockets)]
  const child = watchChild(
    spawn('perl', ['-e', script, '--', ...where, process.execPath, mainFile, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  const pids = (): readonly number[] =>
    [...child.stdout().matchAll(/^started (\d+)$/gm)].map(([, pid]) => Number(pid))
  atExit(() => {
    for (const pid of pids()) if (isProcessAlive(pid)) process.kill(pid, 'SIGKILL')
  })
  return {
    ...child,
    pids,
    async stop() {
      await stopChild(child, 60_000)
    },
  }
}

/** Ends the running process, as `systemctl restart` does; resolves once the next one serves. */
export async function restart(holder: SocketHolder): Promise<void> {
  const ready = (): number => holder.logs().filter(({ event }) => event === 'server.ready').length
  const before = ready()
  process.kill(holder.pids().at(-1) as number, 'SIGTERM')
  await until(() => ready() > before, { what: 'the next one', withinMs: 120_000 })
}
