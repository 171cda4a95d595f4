// Links of pages in Markdown, as in the repository and as in a package.

import { existsSync, globSync, readFileSync } from 'node:fs'

/** Those of the pages of `root` that lead to no file or heading, as `PAGE: LINK`. */
export function brokenLinks(root: URL): readonly string[] {
  const pages = ['*.md', 'docs/**/*.md', 'examples/**/*.md'].flatMap((glob) =>
    globSync(glob, { cwd: root }),
  )
  return pages.flatMap((page) => {
    const url = new URL(page, root)
    return matches(readFileSync(url, 'utf8'), /\]\(([^)\s]+)\)/g)
      .filter((link) => !/^[a-z]+:/.test(link) && !isThere(link, url))
      .map((link) => `${page}: ${link}`)
  })
}

function isThere(link: string, page: URL): boolean {
  const [path = '', anchor] = link.split('#')
  const file = path === '' ? page : new URL(path, page)
  if (!existsSync(file)) return false
  if (anchor === undefined) return true
  const headings = matches(readFileSync(file, 'utf8'), /^#+ (.+)$/gm).map(anchorOf)
  return headings.includes(anchor)
}

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

const matches = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map(([, found]) => found ?? '')
