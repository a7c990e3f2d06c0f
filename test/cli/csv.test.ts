import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'vitest'
import { printCsv } from '../../src/cli/output.ts'

// RFC 4180, and OWASP "CSV Injection" for cells that a spreadsheet would run.
for (const { what, cell, line } of [
  { what: 'plain text', cell: 'ada', line: 'ada' },
  { what: 'a comma', cell: 'a,b', line: '"a,b"' },
  { what: 'a quote', cell: 'a "b"', line: '"a ""b"""' },
  { what: 'a formula', cell: '=HYPERLINK("http://x")', line: `"'=HYPERLINK(""http://x"")"` },
  { what: 'a plus', cell: '+1', line: `"'+1"` },
  { what: 'a minus', cell: '-1', line: `"'-1"` },
  { what: 'an at sign', cell: '@SUM(A1)', line: `"'@SUM(A1)"` },
  { what: 'nothing', cell: undefined, line: '' },
])
  test(`a CSV cell with ${what}`, () => {
    const stdout = new PassThrough()
    const io = { argv: [], env: {}, stdin: new PassThrough(), stdout, stderr: new PassThrough() }
    printCsv(io, [{ cell }], [['WHAT', (row) => row.cell]])
    assert.equal(String(stdout.read()), `WHAT\r\n${line}\r\n`)
  })
