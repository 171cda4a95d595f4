// A TLS socket → what tls-judgement.ts needs of it.

import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { PeerCertificate, PeerTls } from './tls-judgement.ts'

const chainLimit = 10

/** Dates are judged by themselves, so that DANE can leave them aside. */
const faultsOfDates: ReadonlySet<string> = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])

/** `serverName`: what the certificate should name; null: anything will do. */
export function readPeer(socket: TLSSocket, serverName: string | null): PeerTls {
  const leaf = socket.getPeerX509Certificate()
  // The type says Error; what is there is OpenSSL's word.
  const fault = socket.authorizationError as unknown as string | Error | null | undefined
  const word = fault instanceof Error ? fault.message : (fault ?? null)
  return {
    version: socket.getProtocol() ?? 'unknown',
    chain: leaf ? chainOf(leaf) : [],
    chainFault: word === null || faultsOfDates.has(word) ? null : word,
    isNameRight:
      serverName === null ||
      leaf?.checkHost(serverName.toLowerCase(), { partialWildcards: false }) !== undefined,
  }
}

function chainOf(leaf: X509Certificate): readonly PeerCertificate[] {
  const chain: PeerCertificate[] = []
  let at: X509Certificate | undefined = leaf
  while (at && chain.length < chainLimit) {
    const issuer: X509Certificate | undefined = at.issuerCertificate
    chain.push({
      der: at.raw,
      publicKeyDer: at.publicKey.export({ type: 'spki', format: 'der' }),
      validFromMs: Date.parse(at.validFrom),
      validToMs: Date.parse(at.validTo),
      isSigned: isSignedBy(at, issuer ?? at),
    })
    at = issuer && issuer.fingerprint256 !== at.fingerprint256 ? issuer : undefined
  }
  return chain
}

function isSignedBy(one: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return one.checkIssued(issuer) && one.verify(issuer.publicKey)
  } catch {
    return false
  }
}
