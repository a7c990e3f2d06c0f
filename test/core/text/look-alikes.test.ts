import { expect, test } from 'vitest'
import { lookAlikes } from '../../../src/core/text/look-alikes.ts'

for (const { name, text, words } of [
  { name: 'Cyrillic letters in a Latin word', text: 'Read the р\u0430yments table', words: ['р\u0430yments'] },
  { name: 'a Greek letter in a Latin word', text: 'pr\u03bfd', words: ['pr\u03bfd'] },
  {
    name: 'a Cyrillic word that reads as a Latin one',
    text: 'Delete \u0430\u0441\u0435 only',
    words: ['\u0430\u0441\u0435'],
  },
  { name: 'full-width letters', text: 'Read \uff50\uff52\uff4f\uff44', words: ['\uff50\uff52\uff4f\uff44'] },
  {
    name: 'mathematical letters',
    text: 'Read \u{1d429}\u{1d42b}\u{1d428}\u{1d41d}',
    words: ['\u{1d429}\u{1d42b}\u{1d428}\u{1d41d}'],
  },
  { name: 'a dotless i', text: 'stag\u0131ng', words: ['stag\u0131ng'] },
]) {
  test(`points out ${name}`, () => expect(lookAlikes(text).map(({ word }) => word)).toEqual(words))
}

for (const { name, text } of [
  { name: 'plain words', text: 'Read the November invoices' },
  { name: 'accents', text: 'Lire les factures déjà reçues, naïvement' },
  { name: 'a Russian sentence', text: 'Прочитать счета за ноябрь' },
  { name: 'a Russian word beside an English one', text: 'Прочитать invoices' },
  { name: 'a Greek sentence', text: 'Διάβασε τα τιμολόγια' },
  { name: 'Japanese in three scripts', text: '請求書データを読む' },
  { name: 'Korean', text: '송장 읽기' },
]) {
  test(`has nothing to say about ${name}`, () => expect(lookAlikes(text)).toEqual([]))
}

test('is bounded, whatever the text', () => {
  const text = Array.from({ length: 500 }, (_, n) => `w\u043erd${n}`).join(' ')
  expect(lookAlikes(text)).toHaveLength(20)
})
