// dig, kdig, drill and dns2 against the running server: each answer says what it should, and so does what is printed
// of it in docs/conformance.md.

import { readFileSync } from 'node:fs'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { inquiries } from './inquiries.ts'
import type { Inquiry } from './inquiries.ts'
import { commandLine, interrogate } from './interrogate.ts'
import { startInterrogated } from './server.ts'
import type { Interrogated } from './server.ts'
import { conformanceFile, printedTranscripts } from './transcript.ts'

let interrogated: Interrogated
beforeAll(async () => {
  interrogated = await startInterrogated()
})
afterAll(async () => void (await interrogated?.server.stop()))

const rows = inquiries.map((one): [string, string, Inquiry] => [one.shows, commandLine(one), one])

describe('from outside', () => {
  it.each(rows)('%s: %s', async (_, _command, inquiry) => {
    const text = await interrogate(inquiry, interrogated.ports)
    for (const pattern of inquiry.says) expect(text).toMatch(pattern)
  })
})

describe('docs/conformance.md', () => {
  const printed = printedTranscripts(readFileSync(conformanceFile, 'utf8'))

  it('prints every question, and no other', () => {
    expect([...printed.keys()]).toEqual(inquiries.map(commandLine))
  })

  it.each(rows)('%s: %s', (_, command, { says }) => {
    for (const pattern of says) expect(printed.get(command)).toMatch(pattern)
  })
})
