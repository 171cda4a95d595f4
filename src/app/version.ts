// The version of this build, from package.json beside src/ or dist/.

import { readFileSync } from 'node:fs'

const manifest = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as {
  version: string
}
export const version: string = manifest.version
