// The OPT record of an answer (RFC 6891 §6.1.1, §7): present if and only if the query had one, even if truncated.
//
//   option           sent if the query has it and …       space
//   cookie           cookies are enabled                  reserved
//   client subnet    always                               reserved
//   keepalive        the transport is TCP or TLS          reserved
//   NSID             an NSID is configured                reserved
//   extended error   (whenever the answer has one)        what the records leave
//   padding          the transport is TLS                 the rest, up to a multiple of 468 octets (RFC 8467 §4.1)
//
// Reserved options fit any limit: 512 octets hold all of them and the longest question. An answer that the rate limiter
// slips has the cookie only, so that it is hardly longer than its query.

import { EdnsOption, optionHeadOctets } from '../wire/edns.ts'
import { optOctets } from '../wire/header.ts'
import { RRType } from '../wire/rrtype.ts'
import { patch16, put16, putOctets, type MessageWriter } from '../wire/writer.ts'
import { scopePrefixLength } from './client-subnet.ts'
import type { Transaction } from './transaction.ts'

/** Client cookie (8 octets) and server cookie (16), as admission/server-cookie.ts writes them. */
const cookieOctets = 24
const timeoutOctets = 2
const paddingBlockOctets = 468

/** Octets to reserve for the OPT record and its reserved options; 0 where the answer has no OPT. */
export function reservedOctets(transaction: Transaction): number {
  const { query, cookie, context } = transaction
  if (!query.hasOpt) return 0
  let octets = optOctets
  if (cookie.verdict !== 'none') octets += optionHeadOctets + cookieOctets
  if (transaction.isSlipped) return octets
  const { subnetOctets, hasNsid } = query.options
  if (subnetOctets > 0) octets += optionHeadOctets + subnetOctets
  if (wantsKeepalive(transaction)) octets += optionHeadOctets + timeoutOctets
  if (hasNsid && context.identity.nsid !== null)
    octets += optionHeadOctets + context.identity.nsid.length
  return octets
}

/** RFC 7828 §3.3: edns-tcp-keepalive is answered on connections only. */
const wantsKeepalive = ({ query, peer }: Transaction): boolean =>
  query.options.hasKeepalive && peer.transport !== 'udp'

/** Appends the OPT record, in the space that `reservedOctets` was asked for, and increments ARCOUNT. */
export function putOpt(writer: MessageWriter, transaction: Transaction): void {
  const { query, plan, context, cookie } = transaction
  const { out, at, start } = writer
  out[at] = 0
  out[at + 1] = 0
  out[at + 2] = RRType.OPT
  out[at + 3] = context.maxUdpOctets >> 8
  out[at + 4] = context.maxUdpOctets
  // Upper bits of the rcode, version 0, DO copied from the query (RFC 3225 §3), no other flag.
  out[at + 5] = plan.rcode >> 4
  out[at + 6] = 0
  out[at + 7] = query.dnssecOk ? 0x80 : 0
  out[at + 8] = 0
  writer.at = at + optOctets
  if (cookie.verdict !== 'none') putCookie(writer, transaction)
  if (!transaction.isSlipped) {
    if (query.options.subnetOctets > 0) putSubnet(writer, transaction)
    putOptions(writer, transaction)
  }
  const octets = writer.at - at - optOctets
  out[at + 9] = octets >> 8
  out[at + 10] = octets
  const additionals = ((out[start + 10] as number) << 8) | (out[start + 11] as number)
  patch16(writer, start + 10, additionals + 1)
}

/** Every option except cookie and client subnet. */
function putOptions(writer: MessageWriter, transaction: Transaction): void {
  const { query, context } = transaction
  const { nsid } = context.identity
  if (wantsKeepalive(transaction)) {
    put16(writer, EdnsOption.KEEPALIVE)
    put16(writer, timeoutOctets)
    // In units of 100 ms (RFC 7828 §3.1).
    put16(writer, Math.min(0xffff, Math.floor(context.tcpIdleMs() / 100)))
  }
  if (query.options.hasNsid && nsid !== null) {
    put16(writer, EdnsOption.NSID)
    put16(writer, nsid.length)
    putOctets(writer, nsid, 0, nsid.length)
  }
  if (transaction.extendedError !== null) putExtendedError(writer, transaction.extendedError)
  if (query.options.hasPadding && transaction.peer.transport === 'tls') putPadding(writer)
}

/** The cookie of the query while it is valid, else a new one for the same client cookie (RFC 9018 §4.3). */
function putCookie(writer: MessageWriter, { query, peer, cookie, context }: Transaction): void {
  const { packet, options } = query
  put16(writer, EdnsOption.COOKIE)
  put16(writer, cookieOctets)
  if (cookie.verdict === 'valid') {
    putOctets(writer, packet, options.cookieOffset, options.cookieOffset + cookieOctets)
    return
  }
  const { out, at } = writer
  const from = options.cookieOffset
  context.cookies?.write(packet, from, peer.octets, cookie.nowSeconds, out, at)
  writer.at += cookieOctets
}

/** The option of the query with the scope prefix length filled in (RFC 7871 §7.2.1). */
function putSubnet(writer: MessageWriter, transaction: Transaction): void {
  const { packet, options } = transaction.query
  const { subnetOffset, subnetOctets } = options
  const { out, at } = writer
  out[at] = 0
  out[at + 1] = EdnsOption.SUBNET
  out[at + 2] = subnetOctets >> 8
  out[at + 3] = subnetOctets
  const from = at + optionHeadOctets
  for (let i = 0; i < subnetOctets; i++) out[from + i] = packet[subnetOffset + i] as number
  out[from + 3] = scopePrefixLength(transaction.plan, transaction.scopePrefixLength)
  writer.at = from + subnetOctets
}

/** INFO-CODE and EXTRA-TEXT (RFC 8914 §2). Omits the text, or the whole option, where it does not fit. */
function putExtendedError(
  writer: MessageWriter,
  { code, text }: { readonly code: number; readonly text: Uint8Array },
): void {
  const room = writer.limit - writer.at - optionHeadOctets - 2
  if (room < 0) return
  const textOctets = text.length <= room ? text.length : 0
  put16(writer, EdnsOption.EXTENDED_ERROR)
  put16(writer, 2 + textOctets)
  put16(writer, code)
  putOctets(writer, text, 0, textOctets)
}

/** Pads the message to a multiple of 468 octets, or to the limit; no padding where not even its header fits. */
function putPadding(writer: MessageWriter): void {
  const unpadded = writer.at - writer.start + optionHeadOctets
  const wanted = (paddingBlockOctets - (unpadded % paddingBlockOctets)) % paddingBlockOctets
  const octets = Math.min(wanted, writer.limit - writer.at - optionHeadOctets)
  if (octets < 0) return
  put16(writer, EdnsOption.PADDING)
  put16(writer, octets)
  writer.out.fill(0, writer.at, writer.at + octets)
  writer.at += octets
}
