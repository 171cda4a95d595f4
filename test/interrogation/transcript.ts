// The interrogation as docs/conformance.md prints it. `node test/interrogation/transcript.ts` puts it there anew.

import { readFileSync, writeFileSync } from 'node:fs'

import { inquiries } from './inquiries.ts'
import type { Tool } from './inquiries.ts'
import { commandLine, interrogate } from './interrogate.ts'
import { startInterrogated } from './server.ts'

export const conformanceFile: URL = new URL('../../docs/conformance.md', import.meta.url)

const [start, end] = ['<!-- transcript -->\n', '<!-- /transcript -->']

/** What the page has for each command, by the command. */
export function printedTranscripts(page: string): Map<string, string> {
  const block = page.slice(page.indexOf(start), page.indexOf(end))
  const printed = block.split(/^\$ /m).slice(1)
  return new Map(
    printed.map((part) => {
      const [command = '', ...lines] = part.split('\n')
      return [command, lines.filter((line) => !/^(# |```|###)/.test(line)).join('\n')]
    }),
  )
}

async function transcribe(): Promise<string> {
  const { server, ports } = await startInterrogated()
  const blocks = new Map<Tool, string[]>()
  for (const inquiry of inquiries) {
    const text = await interrogate(inquiry, ports)
    const block = blocks.get(inquiry.tool) ?? []
    block.push(`# ${inquiry.shows}\n$ ${commandLine(inquiry)}\n${text}\n`)
    blocks.set(inquiry.tool, block)
  }
  await server.stop()
  return [...blocks]
    .map(([tool, parts]) => `### ${tool}\n\n\`\`\`console\n${parts.join('\n')}\`\`\`\n`)
    .join('\n')
}

if (import.meta.main) {
  const page = readFileSync(conformanceFile, 'utf8')
  const [before, rest = ''] = page.split(start)
  const after = rest.slice(rest.indexOf(end))
  writeFileSync(conformanceFile, `${before}${start}\n${await transcribe()}\n${after}`)
}
