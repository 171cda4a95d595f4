// For the second reader of mistakes: `node test/mistakes/judge.ts` prints the rows that are not judged as they are, with
// what is said of them now. Once they are read, and messages or rows are mended, `--judged` writes what is said and the
// digest of the judgement into the rows.

import { readFileSync, writeFileSync } from 'node:fs'
import { isMap, isSeq, parseDocument } from 'yaml'

import {
  digestOf,
  kinds,
  linesOf,
  type Mistake,
  openMistakes,
  pathOf,
  writtenIn,
} from './mistakes.ts'

const isJudging = process.argv.includes('--judged')
const { say, close } = openMistakes()
try {
  for (const kind of kinds) {
    const document = parseDocument(readFileSync(pathOf(kind), 'utf8'))
    const rows = document.get('mistakes')
    for (const node of isSeq(rows) ? rows.items : []) {
      if (!isMap(node)) continue
      const row = node.toJSON() as Mistake
      const said = await say(kind, row)
      const left = row.fixed === undefined ? [] : await say(kind, row, row.fixed)
      const now = { ...row, says: said.length === 1 ? (said[0] ?? '') : said }
      if (left.length === 0 && digestOf(now) === row.judged) continue
      const before = linesOf(row).filter((line) => !said.includes(line))
      process.stdout.write(
        [
          `${kind}: ${JSON.stringify(writtenIn(row))}`,
          ...before.map((line) => `  - ${line}`),
          ...said.map((line) => `  ${before.length > 0 ? '+' : ' '} ${line}`),
          ...(row.fixed === undefined
            ? [`  open: ${row.open}`]
            : [`  fixed: ${JSON.stringify(row.fixed)}`]),
          ...left.map((line) => `  LEFT  ${line}`),
          '',
        ].join('\n'),
      )
      if (!isJudging) continue
      node.set('says', document.createNode(now.says))
      node.set('judged', digestOf(now))
    }
    if (isJudging) writeFileSync(pathOf(kind), document.toString({ lineWidth: 0 }))
  }
} finally {
  close()
}
