// The steps of a Dockerfile, of the forms that this project's one has: any other is an error, so that none is passed over.

export type Step =
  | { readonly kind: 'from'; readonly image: string; readonly name: string }
  | { readonly kind: 'workdir'; readonly path: string }
  /** `from`: the name of a stage; null: what .dockerignore lets through. */
  | {
      readonly kind: 'copy'
      readonly from: string | null
      readonly sources: readonly string[]
      readonly to: string
    }
  | { readonly kind: 'run'; readonly command: string }
  | { readonly kind: 'env'; readonly variables: Readonly<Record<string, string>> }
  | { readonly kind: 'user'; readonly name: string }
  | { readonly kind: 'entrypoint' | 'cmd'; readonly words: readonly string[] }
  | {
      readonly kind: 'healthcheck'
      readonly options: readonly string[]
      readonly words: readonly string[]
    }
  /** What says something of the image, and does nothing to it. */
  | { readonly kind: 'note'; readonly name: 'EXPOSE' | 'STOPSIGNAL'; readonly value: string }

/** Throws where a line is not of a form that is known here. */
export const stepsOf = (dockerfile: string): readonly Step[] =>
  dockerfile
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(stepOf)

function stepOf(line: string): Step {
  const [, instruction = '', rest = ''] = /^([A-Z]+) +(.+)$/.exec(line) ?? []
  const step = formOf(instruction, rest)
  if (step === null) throw new Error(`no step of the Dockerfile that is known here: ${line}`)
  return step
}

const unknown = /["'$<`]/

function formOf(instruction: string, rest: string): Step | null {
  const [first = '', ...others] = rest.split(/ +/)
  const isOne = others.length === 0 && !unknown.test(first)
  switch (instruction) {
    case 'FROM': {
      const [as, name = ''] = others
      return unknown.test(rest) || (as !== undefined && as !== 'AS') || others.length > 2
        ? null
        : { kind: 'from', image: first, name }
    }
    case 'WORKDIR':
      return isOne ? { kind: 'workdir', path: first } : null
    case 'COPY':
      return copyOf(rest)
    case 'RUN':
      // A shell reads it, but for files within a Dockerfile, mounts, and lists of words.
      return /^(?:\[|--)|<</.test(rest) ? null : { kind: 'run', command: rest }
    case 'ENV': {
      const pairs = rest.split(/ +/).map((word) => /^(\w+)=([^"'$<`\\]*)$/.exec(word))
      if (pairs.includes(null)) return null
      const variables = pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? ''] as const)
      return { kind: 'env', variables: Object.fromEntries(variables) }
    }
    case 'USER':
      return isOne ? { kind: 'user', name: first } : null
    case 'ENTRYPOINT':
    case 'CMD': {
      const words = wordsOf(rest)
      return words && { kind: instruction === 'CMD' ? 'cmd' : 'entrypoint', words }
    }
    case 'HEALTHCHECK': {
      const [, options = '', list = ''] = /^((?:--[a-z-]+=\w+ +)*)CMD +(\[.*)$/.exec(rest) ?? []
      const words = wordsOf(list)
      return words && { kind: 'healthcheck', options: options.trim().split(/ +/), words }
    }
    case 'EXPOSE':
    case 'STOPSIGNAL':
      return { kind: 'note', name: instruction, value: rest }
    default:
      return null
  }
}

function copyOf(rest: string): Step | null {
  const words = rest.split(/ +/)
  const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : null
  const to = words.pop()
  const isKnown = words.length > 0 && !/^(?:\[|--)/.test(words[0] ?? '') && !/["'$<*?[`]/.test(rest)
  return isKnown && to !== undefined && from !== undefined
    ? { kind: 'copy', from, sources: words, to }
    : null
}

/** Of the form with JSON, which no shell reads. */
function wordsOf(text: string): readonly string[] | null {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) && list.every((word) => typeof word === 'string') ? list : null
  } catch {
    return null
  }
}
