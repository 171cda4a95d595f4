// What is asked of the running server from outside, with which tool, and what every answer has to say.

export type Tool = 'dig' | 'kdig' | 'drill' | 'dns2'

export interface Inquiry {
  readonly shows: string
  readonly tool: Tool
  /** As on the command line; `@` stands for the server with drill; for dns2 transport, name and type. */
  readonly question: string
  /** Over the port for DNS over TLS. */
  readonly tls?: true
  readonly says: readonly RegExp[]
}

const mx = /^mail\.example\.\s+300\s+IN\s+MX\s+10 mx1\.mail\.example\.$/m
const mxAddress = /^mx1\.mail\.example\.\s+300\s+IN\s+A\s+192\.0\.2\.25$/m
const soa =
  /^mail\.example\.\s+60\s+IN\s+SOA\s+ns1\.mail\.example\. hostmaster\.mail\.example\. 2026 /m
const answers = (count: number): RegExp => new RegExp(`ANSWER: ${count}\\b`)
const status = (rcode: string): RegExp => new RegExp(`(status|rcode): ${rcode}\\b`)
const flags = (words: string): RegExp => new RegExp(`^;; (F|f)lags: ?${words} ?;`, 'm')
const edns = (version: string, words: string): RegExp =>
  new RegExp(`; EDNS: version: ${version}, flags:${words}; udp: 1232`)

const asked = (
  shows: string,
  tool: Tool,
  question: string,
  says: readonly RegExp[],
  more: Partial<Inquiry> = {},
): Inquiry => ({ shows, tool, question, says, ...more })

const dig = (shows: string, question: string, ...says: readonly RegExp[]): Inquiry =>
  asked(shows, 'dig', question, says)

const digs: readonly Inquiry[] = [
  dig(
    'MX with the addresses of the exchange, and a server cookie (RFC 9018)',
    'mail.example MX +cookie=0102030405060708',
    status('NOERROR'),
    flags('qr aa'),
    edns('0', ''),
    mx,
    mxAddress,
    /COOKIE: 0102030405060708… \(good\)/,
  ),
  dig('no such type (RFC 2308)', 'ns1.mail.example MX', status('NOERROR'), answers(0), soa),
  dig('no such name', 'nothing.mail.example A', status('NXDOMAIN'), flags('qr aa'), soa),
  dig('an empty non-terminal (RFC 8020)', 'new.mail.example A', status('NOERROR'), answers(0), soa),
  dig(
    'a wildcard (RFC 4592)',
    'x.y.wild.mail.example MX',
    /^x\.y\.wild\.mail\.example\.\s+300\s+IN\s+MX\s/m,
  ),
  dig(
    'an alias, with its target',
    'smtp.mail.example AAAA',
    flags('qr aa'),
    answers(2),
    /CNAME\s+relay\.mail\.example\.$/m,
    /AAAA\s+2001:db8::25$/m,
  ),
  dig('an alias that leads away', 'away.mail.example A', status('NOERROR'), answers(1)),
  dig('a loop of aliases', 'loop.mail.example A', status('NOERROR'), answers(2)),
  dig(
    'DNAME (RFC 6672)',
    'host.old.mail.example A',
    answers(3),
    /DNAME\s+new\.mail\.example\.$/m,
    /CNAME\s+host\.new\.mail\.example\.$/m,
  ),
  dig(
    'a referral with glue (RFC 9471)',
    'www.child.mail.example A',
    flags('qr'),
    answers(0),
    /^child\.mail\.example\..*NS\s+ns\.child/m,
    /^ns\.child.*192\.0\.2\.54$/m,
  ),
  dig(
    'DS at the parent side of the cut (RFC 4035 §3.1.4.1)',
    'child.mail.example DS',
    flags('qr aa'),
    answers(1),
    /^child\.mail\.example\..*DS\s+1 8 2 0101/m,
  ),
  dig('a type without a name (RFC 3597)', 'odd.mail.example TYPE65400', /\\# 2 0A00$/m),
  dig(
    'the case of letters is kept',
    'MaIl.ExAmPlE NS +question',
    /^;MaIl\.ExAmPlE\./m,
    /^MaIl\.ExAmPlE\./m,
  ),
  dig('ANY: one set (RFC 8482)', 'mail.example ANY +notcp', answers(1), mx),
  dig('too large for UDP', 'big.mail.example TXT +ignore', flags('qr aa tc'), answers(0)),
  dig('and whole over TCP', 'big.mail.example TXT +tcp +noanswer', flags('qr aa'), answers(12)),
  dig('no EDNS asked, none answered', 'mail.example NS +noedns', status('NOERROR'), answers(2)),
  dig(
    'a size below 512 counts as 512 (RFC 6891 §6.2.3)',
    'mail.example NS +bufsize=1',
    answers(2),
    edns('0', ''),
  ),
  dig('DO comes back (RFC 3225)', 'mail.example NS +dnssec', edns('0', ' do'), answers(2)),
  dig(
    'unknown options and flags are ignored (RFC 6891 §6.1)',
    'mail.example NS +ednsopt=65001:0102 +ednsflags=0x40',
    status('NOERROR'),
    answers(2),
    edns('0', ''),
  ),
  dig('BADVERS', 'mail.example NS +edns=1 +noednsneg +dnssec', status('BADVERS'), edns('0', ' do')),
  dig('NSID (RFC 5001)', 'mail.example NS +nsid', /NSID: .*\("?ns1"?\)/),
  dig(
    'a client subnet (RFC 7871)',
    'mail.example MX +subnet=198.51.100.0/24',
    /CLIENT-SUBNET: 198\.51\.100\.0\/24\/0/,
  ),
  dig('keepalive over TCP (RFC 7828)', 'mail.example NS +tcp +keepalive', /TCP.KEEPALIVE: [\d.]+/i),
  dig(
    'a name of no zone here (RFC 8914)',
    'www.other.example A',
    status('REFUSED'),
    /EDE: 20 \(Not Authoritative\)/,
  ),
  dig('a transfer that is not allowed', 'mail.example AXFR', /Transfer failed/),
  dig('AD and CD', 'mail.example NS +adflag +cdflag', flags('qr aa')),
  dig('another class', 'mail.example NS -c HS', status('REFUSED'), answers(0)),
  dig('who is there (RFC 4892)', 'id.server TXT -c CH', /^id\.server\.\s+0\s+CH\s+TXT\s+"ns1"$/m),
  dig('what is there', 'version.bind TXT -c CH', /^version\.bind\.\s+0\s+CH\s+TXT\s+"mxsteer"$/m),
  dig('an unassigned opcode', 'mail.example NS +opcode=STATUS', status('NOTIMP')),
  dig('NOTIFY', 'mail.example SOA +opcode=NOTIFY', status('REFUSED')),
  dig('UPDATE', 'mail.example SOA +opcode=UPDATE', status('REFUSED')),
]

const others: readonly Inquiry[] = [
  asked('MX', 'kdig', 'mail.example MX', [status('NOERROR'), flags('qr aa rd'), mx, mxAddress]),
  asked('over TCP', 'kdig', 'mail.example MX +tcp', [mx, mxAddress]),
  asked('NSID and a cookie', 'kdig', 'mail.example NS +nsid +cookie=0102030405060708', [
    /NSID: 6E7331 "ns1"|NSID: 6E7331/i,
    /COOKIE: 0102030405060708…|SERVER COOKIE: …/,
  ]),
  asked(
    'over TLS (RFC 7858), padded (RFC 7830)',
    'kdig',
    'mail.example MX +tls +padding=128',
    [/TLS session \(TLS1\.3\)/, mx, mxAddress, /PADDING: \d+ B/],
    { tls: true },
  ),
  asked('no such name', 'kdig', 'nothing.mail.example A', [status('NXDOMAIN'), soa]),
  asked('ANY', 'kdig', 'mail.example ANY', [status('NOERROR'), mx]),
  asked('BADVERS', 'kdig', 'mail.example NS +edns=1', [/BADVERS/]),
  asked('who is there', 'kdig', 'id.server TXT CH', [/"ns1"/]),
  asked('MX', 'drill', '@ mail.example MX', [status('NOERROR'), flags('qr aa rd'), mx, mxAddress]),
  asked('over TCP', 'drill', '-t @ mail.example MX', [mx, mxAddress]),
  asked('no such name', 'drill', '@ nothing.mail.example A', [status('NXDOMAIN'), soa]),
  asked('a referral', 'drill', '-o rd @ www.child.mail.example A', [
    flags('qr'),
    /^ns\.child.*192\.0\.2\.54$/m,
  ]),
  asked('ANY', 'drill', '@ mail.example ANY', [status('NOERROR'), mx]),
  asked('who is there', 'drill', '@ id.server CH TXT', [/"ns1"/]),
  asked('A', 'dns2', 'UDP relay.mail.example A', [/^relay\.mail\.example 300 A 192\.0\.2\.25$/m]),
  asked('MX', 'dns2', 'UDP mail.example MX', [/^mail\.example 300 MX 10 mx1\.mail\.example$/m]),
  asked('over TCP', 'dns2', 'TCP smtp.mail.example AAAA', [
    /^smtp\.mail\.example 300 CNAME relay\.mail\.example$/m,
    /^relay\.mail\.example 300 AAAA 2001:db8:(:|0:0:0:0:)25$/m,
  ]),
]

export const inquiries: readonly Inquiry[] = [...digs, ...others]
