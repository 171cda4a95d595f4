// What signing costs where nothing is kept yet, and what it keeps: `npm run bench -- --rows signing`.
//
// Answers in this process, without sockets. Memory is what a thread keeps beside the zone, after the same questions with DO to a
// zone that is signed and to one that is not.

import { sign } from 'node:crypto'
import { memoryUsage } from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { createRespond } from '../src/answer/respond.ts'
import { createBeginTransfer } from '../src/answer/transfer/transfer.ts'
import { raiseInliningLimits } from '../src/app/app.ts'
import { keyOfName } from '../src/wire/name.ts'
import type { Zone, ZoneNode } from '../src/zone/zone.ts'
import { contextOf, fixedClock, peerOf } from '../test/support/ask-catalog.ts'
import { compiledZone } from '../test/support/compiled-zone.ts'
import { buildQuery } from '../test/support/packet-builder.ts'
import { fixedKey, signedLadderText, signersOf } from '../test/support/signers.ts'
import { catalogOf, nameOf } from '../test/support/zone-builder.ts'
import { median } from './measure.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const mx = 15

const staticText = (names: number): string => `
zone: bench.test
dnssec: {}
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: ns1 }
  ns1: { A: 192.0.2.53 }
${Array.from({ length: names }, (_, i) => `  host${i}: { A: 192.0.2.1 }\n`).join('')}`

/** Milliseconds of each first answer with DO, in order. */
function firstAnswers(zones: readonly Zone[], asked: readonly [string, number][]): number[] {
  const signers = signersOf(zones, fixedClock, fixedKey(13))
  const respond = createRespond(contextOf(catalogOf(...zones), { signers, maxUdpOctets: 4096 }))
  const out = new Uint8Array(65_535)
  // Over TCP no budget of signatures stands in the way.
  const peer = peerOf('tcp')
  return asked.map(([name, type]) => {
    const packet = buildQuery({ name, type, opts: [{ dnssecOk: true }] })
    const sinceMs = performance.now()
    respond(packet, 0, packet.length, peer, out, 0)
    return performance.now() - sinceMs
  })
}

/** The code is compiled by then. */
const warmedUp = 500

function firstMxMs(isSigned: boolean): number {
  const apexes = Array.from({ length: 2 * warmedUp }, (_, i) => `z${i}.bench.test`)
  const unsigned = (text: string): string => text.replace('dnssec: {}\n', '')
  const zones = apexes.map((apex) => {
    const text = signedLadderText(apex)
    return compiledZone(isSigned ? text : unsigned(text)).zone
  })
  const times = firstAnswers(
    zones,
    apexes.map((apex) => [apex, mx]),
  )
  return median(times.slice(warmedUp))
}

function signatureMs(): number {
  const names = 8 * warmedUp
  const { zone } = compiledZone(staticText(names))
  const asked = Array.from({ length: names }, (_, i): [string, number] => [
    `host${i}.bench.test`,
    1,
  ])
  return median(firstAnswers([zone], asked).slice(warmedUp))
}

/** A signature all in: octets in canonical form, looked up by content, made, and kept. */
function newSignatureMs(): number {
  const { zone } = compiledZone(staticText(1))
  const signer = signersOf([zone], fixedClock, fixedKey(13)).of(zone)
  if (signer === null) throw new Error('the zone is not signed')
  const { owner } = zone.nodes.get(keyOfName(nameOf('host0.bench.test'))) as ZoneNode
  const times = Array.from({ length: 8 * warmedUp }, (_, i) => {
    const rdata = [{ octets: Uint8Array.of(192, 0, i >> 8, i & 0xff), compressible: [] }]
    const sinceMs = performance.now()
    signer.sign({ owner, type: 1, originalTtl: 60, rdata }, false)
    return performance.now() - sinceMs
  })
  return median(times.slice(warmedUp))
}

const transferredNames = 1000

/** A transfer of which nothing is signed yet: two signatures a name. */
function firstTransferMs(): number {
  const packet = buildQuery({ name: 'bench.test', type: 252 })
  const out = new Uint8Array(65_535)
  const times = Array.from({ length: 5 }, () => {
    const { zone } = compiledZone(staticText(transferredNames))
    const signers = signersOf([zone], fixedClock, fixedKey(13))
    const context = contextOf(catalogOf(zone), { signers, mayTransfer: () => true })
    const sinceMs = performance.now()
    const transfer = createBeginTransfer(context)(packet, 0, packet.length, peerOf('tcp'))
    if (transfer === null) throw new Error('the zone is not transferred')
    while (transfer.next(out, 0, out.length) > 0);
    return performance.now() - sinceMs
  })
  return median(times.slice(1))
}

/** A signature of node:crypto and nothing else, over as many octets as a set of one address has. */
function bareSignatureMs(): number {
  const { privateKey: key } = fixedKey(13)
  const octets = new Uint8Array(180)
  const times = Array.from({ length: 8 * warmedUp }, () => {
    const sinceMs = performance.now()
    sign('sha256', octets, key)
    return performance.now() - sinceMs
  })
  return median(times.slice(warmedUp))
}

/** More than a worker keeps signatures of: what it keeps is full then. */
const hosts = 20_000

/** Octets that a thread keeps once it has been asked for all names with DO, and for as many that are none. */
function keptOctets(isSigned: boolean): number {
  const text = staticText(hosts)
  const { zone } = compiledZone(isSigned ? text : text.replace('dnssec: {}\n', ''))
  const signers = signersOf([zone], fixedClock, fixedKey(13))
  const before = usedOctets()
  const respond = createRespond(contextOf(catalogOf(zone), { signers }))
  for (let i = 0; i < hosts; i++)
    for (const label of ['host', 'none']) {
      const packet = buildQuery({ name: `${label}${i}.bench.test`, opts: [{ dnssecOk: true }] })
      respond(packet, 0, packet.length, peerOf('tcp'), new Uint8Array(1500), 0)
    }
  const kept = usedOctets() - before
  // What it keeps is in use until here.
  return respond.length > 0 ? kept : 0
}

function usedOctets(): number {
  collectGarbage()
  const { heapUsed, external } = memoryUsage()
  return heapUsed + external
}

const mib = (octets: number): string => (octets / 2 ** 20).toFixed(1)

const us = (ms: number): string => (ms * 1000).toFixed(1)

export function reportSigning(): void {
  raiseInliningLimits()
  const [signature, first] = [signatureMs(), firstMxMs(true)]
  const [unsigned, signed] = [keptOctets(false), keptOctets(true)]
  console.log('\n### signing: what is not kept yet, and what is kept\n')
  console.log('| | measured | goal |\n|---|---|---|')
  const rows = [
    ['a signature of node:crypto alone, µs', us(bareSignatureMs()), ''],
    ['a signature all in, µs', us(newSignatureMs()), '35'],
    ['first answer of a static A, with one signature, µs', us(signature), ''],
    ['first answer of MX, ladder of 4 with A and AAAA, 9 signatures, µs', us(first), '500'],
    ['the same unsigned, µs', us(firstMxMs(false)), ''],
    [`first transfer of ${transferredNames} names, ms`, firstTransferMs().toFixed(0), '150'],
    [`MiB kept by a worker, ${hosts} names and as many that are none, unsigned`, mib(unsigned), ''],
    ['the same, signed', `${mib(signed)}: ${mib(signed - unsigned)} more`, '14 more'],
  ]
  for (const row of rows) console.log(`| ${row.join(' | ')} |`)
}
