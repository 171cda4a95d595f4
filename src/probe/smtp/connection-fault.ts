// What an error of a socket says: that the target is dead, or that this host is in trouble (design §1, law 5).
//
//   the network answered, or nobody did   dead   refused, reset, timed out, host unreachable
//   we never got as far                   self   descriptors, ports, routes, buffers, permission
//   anything unheard of                   self   doubt ourselves first

export interface ConnectionFault {
  readonly kind: 'dead' | 'self'
  readonly reason: string
}

const faults: ReadonlyMap<string, ConnectionFault> = new Map([
  ['ECONNREFUSED', { kind: 'dead', reason: 'connect-refused' }],
  ['ECONNRESET', { kind: 'dead', reason: 'connection-reset' }],
  ['ECONNABORTED', { kind: 'dead', reason: 'connection-reset' }],
  ['EPIPE', { kind: 'dead', reason: 'connection-reset' }],
  ['ETIMEDOUT', { kind: 'dead', reason: 'connect-timeout' }],
  ['EHOSTUNREACH', { kind: 'dead', reason: 'host-unreachable' }],
  ['EHOSTDOWN', { kind: 'dead', reason: 'host-unreachable' }],
  ['EMFILE', { kind: 'self', reason: 'local-descriptors' }],
  ['ENFILE', { kind: 'self', reason: 'local-descriptors' }],
  ['EADDRNOTAVAIL', { kind: 'self', reason: 'local-ports' }],
  ['EADDRINUSE', { kind: 'self', reason: 'local-ports' }],
  ['EAGAIN', { kind: 'self', reason: 'local-ports' }],
  ['ENETUNREACH', { kind: 'self', reason: 'local-no-route' }],
  ['ENETDOWN', { kind: 'self', reason: 'local-no-route' }],
  ['EAFNOSUPPORT', { kind: 'self', reason: 'local-no-route' }],
  ['ENOBUFS', { kind: 'self', reason: 'local-buffers' }],
  ['ENOMEM', { kind: 'self', reason: 'local-buffers' }],
  ['EACCES', { kind: 'self', reason: 'local-permission' }],
  ['EPERM', { kind: 'self', reason: 'local-permission' }],
])

export function connectionFault(errno: string): ConnectionFault {
  return faults.get(errno) ?? { kind: 'self', reason: 'local-fault' }
}
