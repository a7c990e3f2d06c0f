import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readText } from '../../../src/core/text/readable-text.ts'

describe('a text that a person judges by', () => {
  for (const { name, text, read = text } of [
    { name: 'plain words', text: 'Read the November invoices' },
    { name: 'other scripts', text: 'Прочитать счета за ноябрь' },
    { name: 'Japanese with an ideographic space', text: '請求書を\u3000読む', read: '請求書を 読む' },
    { name: 'French blanks before marks', text: 'Lire\u00a0: les factures\u202f!', read: 'Lire : les factures !' },
    { name: 'Persian with a non-joiner', text: 'فاکتورها را می\u200cخوانم' }, // Unicode Standard 23.2
    { name: 'Sinhala with a joiner', text: 'ශ්\u200dරී ලංකාව ගිණුම්' },
    { name: 'Vietnamese in decomposed form', text: 'Đọc hóa đơn'.normalize('NFD'), read: 'Đọc hóa đơn' },
    { name: 'Hebrew with points', text: 'בְּרֵאשִׁית' },
    { name: 'a family emoji', text: 'Tidy up \u{1f9d1}\u200d\u{1f4bb} \u2764\ufe0f' },
    { name: 'a heart on fire', text: 'Prod \u2764\ufe0f\u200d\u{1f525} down' },
    { name: 'a keycap', text: 'Step 1\ufe0f\u20e3 of the plan' },
    { name: 'an id with zeros', text: 'Run 00000000000000000017 again' },
  ]) {
    test(`may be ${name}`, () => expect(readText(text)).toEqual({ text: read.normalize('NFC') }))
  }

  for (const { name, text } of [
    { name: 'no-break blanks as padding', text: `Read${'\u00a0'.repeat(300)}and delete` },
    { name: 'thin blanks as padding', text: `Read${'\u2009'.repeat(8)}and delete` },
    { name: 'Braille blanks', text: `Read${'\u2800'.repeat(100)}and delete` },
    { name: 'one Braille blank', text: 'Read\u2800and delete' },
    { name: 'an object replacement', text: 'Read \ufffc them' },
    { name: 'variation selectors that hide bits', text: 'R\ufe0fe\ufe0ea\ufe0fd them' },
    { name: 'a run of variation selectors', text: `Read \u2764${'\ufe0f'.repeat(50)}` },
    { name: 'supplementary variation selectors', text: 'Read them\u{e0101}\u{e0102}' },
    { name: 'a joiner between Latin letters', text: 'del\u200dete' },
    { name: 'a joiner at the end', text: 'Read them \u{1f9d1}\u200d' },
    { name: 'stacked marks', text: `Read z${'\u0300\u0301\u0302\u0303\u0304'} them` },
    { name: 'one mark over and over', text: 'Read z\u0489\u0489 them' },
    { name: 'a mark on nothing', text: 'Read \u0301 them' },
    { name: 'a wall of one letter', text: `Read ${'a'.repeat(21)}` },
    { name: 'a wall of dashes and blanks', text: `Read ${'- '.repeat(30)} them` },
    { name: 'a wall of different emoji', text: `Read ${'\u{1f525}\u{1f4a5}'.repeat(25)}` },
    { name: 'text that turns around', text: 'Read the \u202esecivni' }, // Unicode TR36
    { name: 'an isolate that is never ended', text: 'Read \u2067 them' },
    { name: 'tags', text: 'Read them \u{e0041}\u{e0042}' },
    { name: 'a filler', text: 'Read the in\u3164voices' },
    { name: 'a soft hyphen', text: 'Read the in\u00advoices' },
    { name: 'a byte order mark', text: 'Read\ufeff them' },
    { name: 'a line break', text: 'Read\nthem' },
    { name: 'a line separator', text: 'Read\u2028them' },
    { name: 'an escape sequence', text: 'Read \u001b[2J them' },
    { name: 'a lone surrogate', text: 'Read \ud800 them' },
    { name: 'a private-use character', text: 'Read \ue000 them' },
  ]) {
    test(`must not hold ${name}`, () => expect(readText(text)).toEqual({ problem: expect.any(String) }))
  }

  test('may have lines where that is said, and no wall of empty ones', () => {
    expect(readText('First.\n\n\tSecond.', { lines: true })).toEqual({ text: 'First.\n\n\tSecond.' })
    expect(readText(`First.${'\n'.repeat(30)}Second.`, { lines: true })).toEqual({ problem: expect.any(String) })
  })

  test('comes out the same when read twice, and never longer in blanks than the rule says', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (input) => {
        const read = readText(input)
        if ('problem' in read) return
        expect(readText(read.text)).toEqual(read)
        expect(read.text).not.toMatch(/\s{4,}|[\u2800\u00a0]|\p{M}{5,}/u)
      }),
    )
  })
})
