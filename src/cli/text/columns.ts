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

/** Text of a cell; `style`: how it is painted where there are colours. */
export type Cell = string | { readonly text: string; readonly style: Style }

export type Style = 'bold' | 'red' | 'yellow' | 'green' | 'dim'

/** Puts the codes of a style around text, or nothing where there are no colours. */
export type Paint = (style: Style, text: string) => string

const textOf = (cell: Cell = ''): string => (typeof cell === 'string' ? cell : cell.text)

const minColumnWidth = 8

/** Lines that one cell is folded to, at most; what is more is cut. */
const maxFolds = 12

/**
 * As `tableLines`, but no wider than `width`: the widest columns are narrowed, and what does not fit them is folded
 * within its column.
 */
export function foldedTableLines(
  rows: readonly (readonly Cell[])[],
  width: number,
  paint: Paint,
): readonly string[] {
  const widths = narrowed(rows, width)
  return rows.flatMap((row) => {
    const folded = row.map((cell, i) => foldCell(textOf(cell), widths[i] ?? 0))
    const height = Math.max(1, ...folded.map((lines) => lines.length))
    return Array.from({ length: height }, (_, line) => {
      const texts = folded.map((lines, i) => (lines[line] ?? '').padEnd(widths[i] ?? 0))
      const last = texts.findLastIndex((text) => text.trim() !== '')
      return texts
        .slice(0, last + 1)
        .map((text, i) => paintCell(row[i], i === last ? text.trimEnd() : text, paint))
        .join('  ')
    })
  })
}

function paintCell(cell: Cell | undefined, padded: string, paint: Paint): string {
  if (cell === undefined || typeof cell === 'string') return padded
  const text = padded.trimEnd()
  return text === '' ? padded : paint(cell.style, text) + padded.slice(text.length)
}

function narrowed(rows: readonly (readonly Cell[])[], width: number): readonly number[] {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => textOf(row[i]).length)),
  )
  const room = width - 2 * (columns - 1)
  for (let excess = widths.reduce((sum, one) => sum + one, 0) - room; excess > 0; excess--) {
    const widest = Math.max(...widths)
    if (widest <= minColumnWidth) break
    widths[widths.indexOf(widest)] = widest - 1
  }
  return widths
}

/** Breaks after a space or a mark where one is in the second half of the line, else anywhere. */
function foldCell(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let rest = text
  while (rest.length > width && lines.length < maxFolds - 1) {
    const mark = /.*[\s.,:;/|-]/.exec(rest.slice(0, rest[width] === ' ' ? width + 1 : width))
    const at = mark && mark[0].length > width / 2 ? mark[0].length : width
    lines.push(rest.slice(0, at).trimEnd())
    rest = rest.slice(at).trimStart()
  }
  return [...lines, rest.length <= width ? rest : `${rest.slice(0, width - 1)}…`]
}

/**
 * Breaks text between words. Lines after the first are indented by `hang` more than the text is.
 * `indent`: the width of what will be put before each line.
 */
export function wrapText(
  text: string,
  indent: number,
  columns: number = terminalColumns,
  hang = 4,
): readonly string[] {
  const depth = text.length - text.trimStart().length
  const lines: string[] = []
  let line = ' '.repeat(depth)
  let isLineEmpty = true
  for (const word of text.trimStart().split(' ')) {
    if (!isLineEmpty && indent + line.length + 1 + word.length > columns) {
      lines.push(line)
      line = ' '.repeat(depth + hang)
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
