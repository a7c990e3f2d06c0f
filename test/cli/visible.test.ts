import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { printList, printValue } from '../../src/cli/output.ts'
import { visible } from '../../src/cli/visible.ts'

const NASTY = [
  { name: 'an ANSI escape', text: '\u001b[2Kapproved', hidden: '\u001b' },
  { name: 'an eight-bit CSI', text: '\u009b2K', hidden: '\u009b' },
  { name: 'a carriage return', text: 'a\rb', hidden: '\r' },
  { name: 'a line end', text: 'a\nState: approved', hidden: '\nState' },
  { name: 'a bell and an OSC title', text: '\u001b]0;x\u0007', hidden: '\u0007' },
  { name: 'a bidirectional override', text: 'a\u202eb', hidden: '\u202e' }, // Unicode TR36, 2.4
  { name: 'an isolate', text: 'a\u2066b', hidden: '\u2066' },
  { name: 'a zero-width space', text: 'a\u200bb', hidden: '\u200b' },
  { name: 'a line separator', text: 'a\u2028b', hidden: '\u2028' },
  { name: 'a tag character', text: 'a\u{e0041}b', hidden: '\u{e0041}' },
  { name: 'a filler that shows as nothing', text: 'a\u3164b', hidden: '\u3164' },
  { name: 'a lone surrogate', text: 'a\ud800b', hidden: '\ud800' },
  { name: 'a no-break space', text: 'a\u00a0b', hidden: '\u00a0' },
  { name: 'a Braille blank', text: 'a\u2800b', hidden: '\u2800' },
  { name: 'a delete', text: 'a\u007fb', hidden: '\u007f' },
]

function capture(isTTY = false) {
  const out = Object.assign(new PassThrough(), { isTTY })
  const io = { argv: [], stdin: new PassThrough(), stdout: out, stderr: out, env: { NO_COLOR: '1' } }
  return { io, text: () => String(out.read() ?? '') }
}

for (const { name, text, hidden } of NASTY) {
  test(`${name} shows as an escape in text, tables, JSON and YAML`, () => {
    expect(visible(text)).not.toContain(hidden)
    for (const isTTY of [false, true]) {
      const { io, text: printed } = capture(isTTY)
      printList(io, 'table', { rows: [text], columns: [['HEAD', (row) => row]], value: [] })
      expect(printed()).not.toContain(hidden)
    }
    const json = capture()
    printValue(json.io, 'json', { purpose: text })
    const jsonText = json.text()
    expect(jsonText).not.toContain(hidden)
    expect(JSON.parse(jsonText)).toEqual({ purpose: text })
    const yaml = capture()
    printValue(yaml.io, 'yaml', { purpose: text })
    const yamlText = yaml.text()
    expect(yamlText).not.toContain(hidden)
    if (text.isWellFormed()) expect(parse(yamlText)).toEqual({ purpose: text })
  })
}

test('letters of any script and emoji stay as they are', () => {
  expect(visible('Zażółć gęślą 東京 😀')).toBe('Zażółć gęślą 東京 😀')
})

test('a list is a table on a terminal and tab-separated lines elsewhere', () => {
  const list = {
    rows: [{ a: 1, b: 'x\ty' }],
    columns: [
      ['A', (r) => r.a],
      ['B', (r) => r.b],
    ],
    value: [],
  } as Parameters<typeof printList<{ a: number; b: string }>>[2]
  const plain = capture()
  printList(plain.io, 'table', list)
  expect(plain.text()).toBe('A\tB\n1\tx\\u{9}y\n')
  const terminal = capture(true)
  printList(terminal.io, 'table', list)
  expect(terminal.text()).toContain('│')
})

test('a terminal gets colours unless NO_COLOR is set', () => {
  const list = { rows: [], columns: [['A', () => '']], value: [] } as Parameters<typeof printList<never>>[2]
  const quiet = capture(true)
  printList(quiet.io, 'table', list)
  expect(quiet.text()).not.toContain('\u001b[')
  const loud = capture(true)
  printList({ ...loud.io, env: {} }, 'table', list)
  expect(loud.text()).toContain('\u001b[1m')
})
