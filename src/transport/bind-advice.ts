// What an operator can do about an address that could not be bound.

export function bindAdvice(code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another server holds it (EADDRINUSE); stop that one, or choose another address or port'
    case 'EACCES':
      return 'not permitted (EACCES); a port below 1024 needs CAP_NET_BIND_SERVICE'
    case 'EADDRNOTAVAIL':
      return 'no interface of this host has that address (EADDRNOTAVAIL)'
    default:
      return code
  }
}
