#!/usr/bin/env node
// The command of the packages. Any Node reads this file, however old, and says what it lacks; the rest of mxsteer is for
// a newer one, and would fail in many ways, or do nothing, under another one.

'use strict'

var needed = 24

if (Number(process.versions.node.split('.')[0]) >= needed) {
  import('../dist/main.js').then(
    function (entry) {
      return entry.run(process.argv.slice(2))
    },
    function (error) {
      console.error('mxsteer: ' + (error.stack || error))
      process.exitCode = 1
    },
  )
} else {
  console.error(
    'mxsteer needs Node.js ' + needed + ' or newer; ' + process.execPath + ' is ' + process.version,
  )
  process.exitCode = 1
}
