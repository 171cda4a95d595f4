// A strict reader of Prometheus' text format 0.0.4: what a scraper would refuse is an error here.

export interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const sampleLine = new RegExp(`^(${metricName})(?:\\{(.*)\\})? (\\S+)$`)
const typeLine = new RegExp(`^# TYPE (${metricName}) (counter|gauge|histogram|summary)$`)
const helpLine = new RegExp(`^# HELP (${metricName}) (.*)$`)
const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)/

/** Every sample; throws where the text breaks the format. */
export function parsePrometheus(text: string): readonly Sample[] {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const types = new Map<string, string>()
  const helps = new Set<string>()
  const seen = new Set<string>()
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const type = typeLine.exec(line)
    const help = helpLine.exec(line)
    if (type)
      once(types.has(type[1] as string), line, () =>
        types.set(type[1] as string, type[2] as string),
      )
    else if (help) once(helps.has(help[1] as string), line, () => helps.add(help[1] as string))
    else {
      const sample = parseSample(line)
      if (!familyOf(sample.name, types)) throw new Error(`no TYPE before: ${line}`)
      once(seen.has(line.slice(0, line.lastIndexOf(' '))), line, () =>
        seen.add(line.slice(0, line.lastIndexOf(' '))),
      )
      samples.push(sample)
    }
  }
  return samples
}

function once(isThere: boolean, line: string, add: () => unknown): void {
  if (isThere) throw new Error(`twice: ${line}`)
  add()
}

function familyOf(name: string, types: ReadonlyMap<string, string>): string | undefined {
  const family = name.replace(/_(?:bucket|sum|count)$/, '')
  return types.get(name) ?? (types.get(family) === 'histogram' ? 'histogram' : types.get(family))
}

function parseSample(line: string): Sample {
  const [, name, labelText = '', valueText] = sampleLine.exec(line) ?? []
  if (name === undefined || valueText === undefined) throw new Error(`no sample: ${line}`)
  const labels = new Map<string, string>()
  for (let rest = labelText; rest !== '';) {
    const found = label.exec(rest)
    if (!found) throw new Error(`bad labels: ${line}`)
    once(labels.has(found[1] as string), line, () =>
      labels.set(found[1] as string, found[2] as string),
    )
    rest = rest.slice(found[0].length)
  }
  const value = /^[+-]Inf$/.test(valueText) ? Infinity : Number(valueText)
  if (Number.isNaN(value) && valueText !== 'NaN') throw new Error(`bad value: ${line}`)
  return { name, labels, value }
}
