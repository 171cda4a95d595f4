// Names of master files, as `records_file` and `$INCLUDE` give them: relative to the zones folder, and below it.

const maxCharacters = 1024

type FileName =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'bad'; readonly why: string }

const bad = (why: string): FileName => ({ kind: 'bad', why })

/** The path without `.` and empty steps. `why` is a sentence. */
export function readFileName(text: string): FileName {
  if (text.length > maxCharacters)
    return bad(`a path of ${text.length} characters, expected at most ${maxCharacters}`)
  if (text.startsWith('/'))
    return bad(`${text} is absolute, expected a path below the zones folder`)
  // oxlint-disable-next-line no-control-regex -- no name of a file has them
  if (/[\u0000-\u001f]/.test(text)) return bad('a path with a control character')
  const steps = text.split('/').filter((step) => step !== '' && step !== '.')
  if (steps.includes('..'))
    return bad(`${text} leads upwards, expected a path below the zones folder`)
  return steps.length > 0 ? { kind: 'name', name: steps.join('/') } : bad('an empty path')
}
