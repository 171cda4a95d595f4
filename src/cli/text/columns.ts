// Text in columns, for terminals of 100 columns.

export const terminalColumns = 100

/** Each column as wide as its widest cell; those named in `right` are aligned there. Nothing trails. */
export function table(
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): readonly string[] {
  const widths: number[] = []
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  return rows.map((row) =>
    row
      .map((cell, i) => {
        const width = widths[i] ?? 0
        return right.includes(i) ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
}

/** Broken between words, what comes after the first line four deeper than that. */
export function wrapped(text: string, indent: number): readonly string[] {
  const depth = text.length - text.trimStart().length
  const lines: string[] = []
  let line = ' '.repeat(depth)
  let isFresh = true
  for (const word of text.trimStart().split(' ')) {
    if (!isFresh && indent + line.length + 1 + word.length > terminalColumns) {
      lines.push(line)
      line = ' '.repeat(depth + 4)
      isFresh = true
    }
    line += isFresh ? word : ` ${word}`
    isFresh = false
  }
  return [...lines, line]
}

/** Paragraphs beside a word in the margin: `Rules     1  continent EU`. */
export function beside(title: string, paragraphs: readonly string[]): string {
  const lines = paragraphs.flatMap((text) => wrapped(text, marginColumns))
  return lines
    .map((line, i) => `${(i === 0 ? title : '').padEnd(marginColumns)}${line}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('')
}

const marginColumns = 11

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

/** Four digits at most that count: 2, 0.25, 0.0123. */
export const number = (value: number): string => String(Number(value.toPrecision(4)))
