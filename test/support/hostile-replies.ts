// What a store, or a proxy that is out of step, may send in place of a reply: the octets, and what becomes of the link.
// Those of `unasked` are harmless where they answer a command.

interface HostileReply {
  readonly what: string
  readonly octets: string
  readonly code: 'PROTOCOL' | 'OVERSIZED'
}

const mebibyte = 1024 * 1024

export const unaskedReplies: readonly HostileReply[] = [
  { what: 'a null string', octets: '$-1\r\n', code: 'PROTOCOL' },
  { what: 'a null array', octets: '*-1\r\n', code: 'PROTOCOL' },
  { what: 'a simple string', octets: '+OK\r\n', code: 'PROTOCOL' },
  { what: 'an error', octets: '-ERR go away\r\n', code: 'PROTOCOL' },
  { what: 'an array of nulls', octets: '*3\r\n$-1\r\n*-1\r\n$-1\r\n', code: 'PROTOCOL' },
  { what: 'the first octet of a reply', octets: '+', code: 'PROTOCOL' },
]

export const badReplies: readonly HostileReply[] = [
  { what: 'a null of RESP3', octets: '_\r\n', code: 'PROTOCOL' },
  { what: 'a push of a null', octets: '>1\r\n_\r\n', code: 'PROTOCOL' },
  { what: 'an empty push', octets: '>0\r\n', code: 'PROTOCOL' },
  { what: 'a push of a message', octets: '>3\r\n$7\r\nmessage\r\n_\r\n_\r\n', code: 'PROTOCOL' },
  { what: 'a subscription', octets: '>3\r\n$9\r\nsubscribe\r\n_\r\n:1\r\n', code: 'PROTOCOL' },
  { what: 'a map of RESP3', octets: '%1\r\n+a\r\n+b\r\n', code: 'PROTOCOL' },
  { what: 'an attribute of RESP3', octets: '|1\r\n+a\r\n+b\r\n+OK\r\n', code: 'PROTOCOL' },
  { what: 'a boolean of RESP3', octets: '#t\r\n', code: 'PROTOCOL' },
  { what: 'a double of RESP3', octets: ',nan\r\n', code: 'PROTOCOL' },
  { what: 'a big number of RESP3', octets: '(9\r\n', code: 'PROTOCOL' },
  { what: 'HTTP', octets: 'HTTP/1.1 400 Bad Request\r\n\r\n', code: 'PROTOCOL' },
  { what: 'a TLS alert', octets: '\u0015\u0003\u0003\u0000\u0002\u0002F', code: 'PROTOCOL' },
  { what: 'a string of negative length', octets: '$-2\r\n', code: 'PROTOCOL' },
  { what: 'an array of negative length', octets: '*-7\r\n', code: 'PROTOCOL' },
  { what: 'a length that is no number', octets: '$1e9\r\n', code: 'PROTOCOL' },
  { what: 'a string without its end', octets: '$2\r\nabcd\r\n', code: 'PROTOCOL' },
  { what: 'a line feed alone', octets: '+OK\n', code: 'PROTOCOL' },
  { what: 'arrays without end', octets: '*1\r\n'.repeat(20_000), code: 'PROTOCOL' },
  { what: 'a string of 93 GiB', octets: '$99999999999\r\n', code: 'PROTOCOL' },
  { what: 'a string of 9 GB', octets: '$9999999999\r\nabc', code: 'OVERSIZED' },
  { what: 'a string of 512 MiB', octets: '$536870912\r\nabc', code: 'OVERSIZED' },
  { what: 'an array of 4 G elements', octets: '*4294967295\r\n', code: 'OVERSIZED' },
  { what: 'an array of 32 M elements', octets: '*32000000\r\n', code: 'OVERSIZED' },
  { what: 'arrays in arrays, 28 M elements', octets: '*4000000\r\n'.repeat(7), code: 'OVERSIZED' },
  { what: 'an error of 33 MiB', octets: `-ERR ${'x'.repeat(33 * mebibyte)}`, code: 'OVERSIZED' },
  { what: 'an error of 68 KiB', octets: `-ERR ${'x'.repeat(70_000)}\r\n`, code: 'OVERSIZED' },
  {
    what: 'a batch of strings, 33 MiB together',
    octets: `*33\r\n${`$${mebibyte}\r\n${'x'.repeat(mebibyte)}\r\n`.repeat(33)}`,
    code: 'OVERSIZED',
  },
]
