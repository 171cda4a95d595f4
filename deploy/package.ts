// The packages, all by one command: npm run package -- [--out DIR] [--version VERSION] [--repository URL]
//
//   mxsteer-VERSION.tgz          what `npm install` takes: dist/ and its entry
//   mxsteer_VERSION_ARCH.deb     the same with the Node that it runs on, for the Debian of the machine that builds it
//   mxsteer-VERSION.cdx.json     what is in them (CycloneDX), by npm
//
// Needs what `npm ci` installs, and dpkg-deb.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'

import { completions } from '../src/cli/commands/completion.ts'
import { manualPages } from '../src/cli/commands/man-pages.ts'
import { repositoryOf, repositoryOfClone, type RepositoryOutcome } from './repository.ts'

const project = new URL('../', import.meta.url).pathname
const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly files: readonly string[]
  readonly devDependencies: object
  readonly scripts: object
  readonly allowScripts: object
}

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'packages' },
    /** Of the .deb alone, as `0.1.0+local1`: the others have that of package.json. */
    version: { type: 'string', default: manifest.version },
    /** Where the project lives; else the remote `origin` says it. */
    repository: { type: 'string' },
  },
})
const out = resolve(values.out)
const repository = repositoryToName(values.repository)

function repositoryToName(given: string | undefined): RepositoryOutcome {
  const outcome = given === undefined ? repositoryOfClone(project) : repositoryOf(given)
  if (outcome.kind === 'none' && given !== undefined) {
    const form = 'https://git.example.org/mail/mxsteer'
    console.error(`package: what --repository names ${outcome.why}: give it as ${form}`)
    process.exit(2)
  }
  console.log(
    outcome.kind === 'public'
      ? `repository: ${outcome.npm}`
      : `repository: left out, ${outcome.why}; --repository URL names one`,
  )
  return outcome
}

/** Of package.json, what packages have in addition. */
const added =
  repository.kind === 'public' ? { repository: { type: 'git', url: repository.npm } } : {}

/** Where `npm ci` leaves what comes with the Node of package.json; `npm install` takes it away again. */
const runtime = join(
  project,
  `node_modules/node/node_modules/node-${process.platform}-${process.arch}`,
)

/** What the build leaves outside: the part of koffi that is no JavaScript, and the country database. */
const besideTheBuild = ['koffi', '@koromix', '@ip-location-db']

function main(): void {
  if (!existsSync(join(runtime, 'LICENSE')))
    throw new Error(`no license of Node in ${runtime}: run npm ci first`)
  mkdirSync(out, { recursive: true })
  const folder = mkdtempSync(join(tmpdir(), 'mxsteer-package-'))
  const stage = join(folder, 'root')
  try {
    run('npm', ['run', '--silent', 'build'])
    const archive = packed(folder)
    writeFileSync(join(out, `mxsteer-${manifest.version}.cdx.json`), billOfMaterials(folder))
    mkdirSync(stage, { mode: 0o755 })
    layOut(stage, archive)
    const architecture = run('dpkg', ['--print-architecture']).trim()
    writeControl(stage, architecture)
    const file = join(out, `mxsteer_${values.version}_${architecture}.deb`)
    run('dpkg-deb', ['--root-owner-group', '-Zzstd', '--build', stage, file])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  for (const name of readdirSync(out)) console.log(join(out, name))
}

/** What `npm pack` makes, of a folder whose package.json names the repository. */
function packed(beside: string): string {
  const folder = join(beside, 'packed')
  mkdirSync(folder)
  for (const name of [...manifest.files, 'README.md', 'LICENSE'])
    cpSync(join(project, name), join(folder, name), { recursive: true })
  // What is for development would have npm ask whether it may run scripts.
  const { scripts: _s, allowScripts: _a, devDependencies: _d, ...shipped } = manifest
  const text = JSON.stringify({ ...shipped, ...added }, null, 2)
  writeFileSync(join(folder, 'package.json'), `${text}\n`)
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', out], folder)
  return join(out, `mxsteer-${manifest.version}.tgz`)
}

/** Of a folder without what only development needs: with `--omit dev` npm 11 forgets packages that such ones may use too. */
function billOfMaterials(beside: string): string {
  const folder = join(beside, manifest.name)
  mkdirSync(folder)
  const { devDependencies: _, ...shipped } = { ...manifest, ...added }
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as Lock
  const needed = Object.entries(lock.packages).filter(([, one]) => one.dev !== true)
  const packages = { ...Object.fromEntries(needed), '': shipped }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(shipped))
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...lock, packages }))
  const flags = ['--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only']
  return run('npm', ['sbom', ...flags], folder)
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>
}

const run = (command: string, args: readonly string[], folder = project): string =>
  execFileSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  })

/** Files at their places in the root of a Debian system. */
function layOut(stage: string, archive: string): void {
  const place = (from: string, to: string, mode = 0o644): void => {
    const file = join(stage, to)
    mkdirSync(join(file, '..'), { recursive: true })
    cpSync(join(project, from), file)
    chmodSync(file, mode)
  }
  const library = join(stage, 'usr/lib/mxsteer')
  mkdirSync(library, { recursive: true })
  run('tar', ['-xzf', archive, '--strip-components=1', '-C', library])
  for (const name of besideTheBuild)
    cpSync(join(project, 'node_modules', name), join(library, 'node_modules', name), {
      recursive: true,
      dereference: true,
      // Not what compiles the addon where no binary fits, nor the one for another C library, nor databases of one family.
      filter: (path) =>
        !/\/koffi\/(?:vendor|doc|lib)$|\.(?:cc|hh|inc|S|asm|def)$|CMakeLists\.txt$|\/musl_\w+$|-ipv[46]\.mmdb$/.test(
          path,
        ),
    })
  place('node_modules/node/bin/node', 'usr/lib/mxsteer/node', 0o755)
  place('deploy/debian/mxsteer', 'usr/bin/mxsteer', 0o755)
  place('deploy/debian/mxsteer.yaml', 'etc/mxsteer/mxsteer.yaml')
  mkdirSync(join(stage, 'etc/mxsteer/zones'))
  place('deploy/debian/sysusers.conf', 'usr/lib/sysusers.d/mxsteer.conf')
  place('deploy/debian/tmpfiles.conf', 'usr/lib/tmpfiles.d/mxsteer.conf')
  layOutUnit(join(stage, 'lib/systemd/system'))
  place('deploy/mxsteer.socket', 'lib/systemd/system/mxsteer.socket')
  for (const name of filesBelow(join(project, 'deploy/systemd')))
    if (/\.(?:service|timer|conf)$/.test(name))
      place(`deploy/systemd/${name}`, `lib/systemd/system/${name}`)
    else place(`deploy/systemd/${name}`, `usr/lib/mxsteer/${name}`, 0o755)
  place('src/cli/zones/zone.schema.json', 'usr/share/mxsteer/zone.schema.json')
  layOutDocs(join(stage, 'usr/share/doc/mxsteer'))
  layOutForShells(join(stage, 'usr/share'))
}

/** The unit with the paths of the package. */
function layOutUnit(folder: string): void {
  const unit = readFileSync(join(project, 'deploy/mxsteer.service'), 'utf8')
  write(
    join(folder, 'mxsteer.service'),
    unit
      .replace(
        /^# .*\n# in \/opt.*\n/,
        '# Settings in /etc/mxsteer/mxsteer.yaml, zone files in /etc/mxsteer/zones.\n',
      )
      .replaceAll('/usr/bin/node /opt/mxsteer/dist/main.js', '/usr/bin/mxsteer'),
  )
}

/** What shells complete by, and manual pages. */
function layOutForShells(share: string): void {
  const files = {
    bash: 'bash-completion/completions/mxsteer',
    zsh: 'zsh/vendor-completions/_mxsteer',
    fish: 'fish/vendor_completions.d/mxsteer.fish',
  }
  for (const [shell, file] of Object.entries(files))
    write(join(share, file), completions.get(shell)?.() ?? '')
  const date = new Date().toISOString().slice(0, 10)
  for (const { file, text } of manualPages(values.version, date))
    write(join(share, 'man/man1', `${file}.gz`), gzipSync(text, { level: 9 }))
}

function write(file: string, content: string | Uint8Array): void {
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, content)
}

/** What of the repository is for operators. It lies as it does there, so that the pages find each other. */
const pages = ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'docs', 'examples', 'zones', 'deploy']
const notForOperators = /^deploy\/(?:debian|compose-zones|[\w-]+\.[jt]s$)/

function layOutDocs(folder: string): void {
  for (const name of pages)
    cpSync(join(project, name), join(folder, name), {
      recursive: true,
      filter: (path) => !notForOperators.test(relative(project, path)),
    })
  for (const name of filesBelow(folder).filter((file) => /\.(?:md|yaml)$/.test(file))) {
    const file = join(folder, name)
    writeFileSync(file, shippedText(readFileSync(file, 'utf8'), join(file, '..')))
  }
  writeFileSync(join(folder, 'copyright'), copyright())
}

/** A page without the links to what stays in the repository, and with the schema where the package has it. */
const shippedText = (text: string, folder: string): string =>
  text
    .replaceAll('../src/cli/zones/zone.schema.json', '/usr/share/mxsteer/zone.schema.json')
    .replaceAll(/\[([^\]]*)\]\(([^)\s]+)\)/g, (link, words: string, target: string) => {
      const [path = ''] = target.split('#')
      const isThere = path === '' || /^[a-z]+:/.test(path) || existsSync(join(folder, path))
      return isThere ? link : words
    })

const copyright =
  (): string => `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: mxsteer

Files: *
Copyright: the authors of mxsteer
License: MIT
${indented(readFileSync(join(project, 'LICENSE'), 'utf8'))}

Files: usr/lib/mxsteer/node
Copyright: Node.js contributors, and others
License: Node
${indented(readFileSync(join(runtime, 'LICENSE'), 'utf8'))}

Files: usr/lib/mxsteer/dist/*
Copyright: see usr/lib/mxsteer/dist/LICENSES.txt
License: several
 The licenses of what is built in are in /usr/lib/mxsteer/dist/LICENSES.txt.
`

const indented = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line}`))
    .join('\n')

function writeControl(stage: string, architecture: string): void {
  const control = join(stage, 'DEBIAN')
  mkdirSync(control)
  const files = filesBelow(stage).filter((file) => !file.startsWith('DEBIAN/'))
  const octets = files.reduce((sum, file) => sum + statSync(join(stage, file)).size, 0)
  const fields = {
    Package: 'mxsteer',
    Version: values.version,
    Architecture: architecture,
    Section: 'net',
    Priority: 'optional',
    Maintainer: 'The authors of mxsteer <mxsteer@localhost>',
    ...(repository.kind === 'public' ? { Homepage: repository.page } : {}),
    'Installed-Size': String(Math.ceil(octets / 1024)),
    // Those of the Node that comes along.
    Suggests: 'curl',
    Depends: 'libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 8)',
    Description: `${manifest.description}\n An authoritative DNS server for delegated subdomains: weighted, GeoIP-aware and\n health-checked MX and address answers. With the Node.js that it runs on.`,
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`)
  writeFileSync(join(control, 'control'), lines.join(''))
  writeFileSync(join(control, 'conffiles'), '/etc/mxsteer/mxsteer.yaml\n')
  const sums = files.filter((file) => !file.startsWith('etc/')).map((file) => sumLine(stage, file))
  writeFileSync(join(control, 'md5sums'), sums.join(''))
  for (const name of ['postinst', 'prerm', 'postrm']) {
    cpSync(join(project, 'deploy/debian', name), join(control, name))
    chmodSync(join(control, name), 0o755)
  }
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()

const sumLine = (stage: string, file: string): string =>
  `${createHash('md5')
    .update(readFileSync(join(stage, file)))
    .digest('hex')}  ${file}\n`

main()
