// How the console becomes files of a browser; `npm run console` serves it from its sources beside a server that runs.

import { fileURLToPath } from 'node:url'

import { defineConfig, type Plugin, type UserConfig } from 'vite'

import { worldPlugin } from './map/world-plugin.ts'

/** The admin HTTP that the development server asks; its first segments of paths. */
const admin = process.env['MXSTEER_URL'] ?? 'http://127.0.0.1:8053'
const asked =
  '^/(status|targets|overview|stream|events|history|traffic|overrides|explain|budgets|names|zones|who|simulate|session|metrics)(/|\\?|$)'

/** Vite writes the tag of the script itself. Without this the browser draws an empty frame while it waits for it. */
const drawnByScript: Plugin = {
  name: 'drawn-by-script',
  transformIndexHtml: {
    order: 'post',
    handler: (html) => html.replace('<script type="module"', '$& blocking="render"'),
  },
}

const config: UserConfig = defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // A proxy may serve it below any prefix.
  base: './',
  logLevel: 'warn',
  plugins: [worldPlugin(), drawnByScript],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    // light-dark() and nesting as they are written.
    cssTarget: ['chrome125', 'firefox128', 'safari18'],
    modulePreload: { polyfill: false },
    // The Content-Security-Policy has no `data:` for fonts.
    assetsInlineLimit: 0,
    emptyOutDir: true,
    // One script for the first view: what views share is in it anyway, and a second file is a second way to the server.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] } },
    },
  },
  server: { proxy: { [asked]: { target: admin, changeOrigin: true } } },
})

export default config
