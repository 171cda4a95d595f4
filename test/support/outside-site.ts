// A site over HTTP, run in a namespace of networks: node outside-site.ts ADDRESS PORT FOLDER
// FOLDER/answers.json says what it has, and is read for each request; what it was asked goes to FOLDER/asked. `/stop` ends it.

import { appendFileSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'

/** By path with query. */
export type SiteAnswers = Readonly<
  Record<
    string,
    {
      /** Of FOLDER. */
      readonly file: string
      /** USER:PASSWORD that have to come with the request. */
      readonly login?: string
    }
  >
>

if (import.meta.main) {
  const [, , address = '', port = '', folder = ''] = process.argv
  const server = createServer((request, response) => {
    const url = request.url ?? ''
    if (url === '/stop') {
      response.end()
      server.close()
      server.closeAllConnections()
      return
    }
    appendFileSync(join(folder, 'asked'), `${url}\n`)
    const answers = JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8')) as SiteAnswers
    const answer = answers[url]
    const given = request.headers.authorization?.replace(/^Basic /, '') ?? ''
    const isKnown = (answer?.login ?? '') === Buffer.from(given, 'base64').toString()
    response.statusCode = answer === undefined ? 404 : isKnown ? 200 : 401
    response.end(answer && isKnown ? readFileSync(join(folder, answer.file)) : 'no')
  })
  server.listen(Number(port), address, () => console.log('ready'))
  // Whoever has started it may be gone.
  setTimeout(() => process.exit(1), 600_000).unref()
}
