// Lays text out for terminals: tables, wrapped lines, titles in a margin, and numbers.

export const terminalColumns = 100

/**
 * Returns a line for each row. Each column is as wide as its widest cell. `right` has the
 * indexes of columns that are aligned to the right. Lines do not end in spaces.
 */
export function tableLines(
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

/**
 * Breaks text between words. Lines after the first are indented by four more than the text is.
 * `indent`: the width of what will be put before each line.
 */
export function wrapText(text: string, indent: number): readonly string[] {
  const depth = text.length - text.trimStart().length
  const lines: string[] = []
  let line = ' '.repeat(depth)
  let isLineEmpty = true
  for (const word of text.trimStart().split(' ')) {
    if (!isLineEmpty && indent + line.length + 1 + word.length > terminalColumns) {
      lines.push(line)
      line = ' '.repeat(depth + 4)
      isLineEmpty = true
    }
    line += isLineEmpty ? word : ` ${word}`
    isLineEmpty = false
  }
  return [...lines, line]
}

/** Puts paragraphs beside a title in the margin: `Rules     1  continent EU`. */
export function besideTitle(title: string, paragraphs: readonly string[]): string {
  const lines = paragraphs.flatMap((text) => wrapText(text, marginColumns))
  return lines
    .map((line, i) => `${(i === 0 ? title : '').padEnd(marginColumns)}${line}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('')
}

const marginColumns = 11

export const percentText = (share: number): string => `${(share * 100).toFixed(1)} %`

/** At most four significant digits: 2, 0.25, 0.0123. */
export const numberText = (value: number): string => String(Number(value.toPrecision(4)))
