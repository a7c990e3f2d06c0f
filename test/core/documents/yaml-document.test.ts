import assert from 'node:assert/strict'
import { test } from 'vitest'
import { z } from '../../../src/core/documents/schema.ts'
import { fileError, YamlDocument } from '../../../src/core/documents/yaml-document.ts'
import { StintError } from '../../../src/core/errors.ts'

const schema = z.strictObject({ list: z.array(z.strictObject({ name: z.string(), tags: z.array(z.string()) })) })

for (const { name, text, place } of [
  { name: 'a value', text: 'list:\n  - { name: 1, tags: [] }\n', place: 'f.yaml:2:13: list.0.name must be a text' },
  {
    name: 'the key of a list',
    text: 'list:\n  - name: a\n    tags: { a: 1 }\n',
    place: 'f.yaml:3:5: list.0.tags must',
  },
  { name: 'the entry that lacks a key', text: 'list:\n  - tags: []\n', place: 'f.yaml:2:5: list.0.name is missing' },
  { name: 'the whole file', text: '- 1\n', place: 'f.yaml:1:1: must be an object' },
  { name: 'broken YAML', text: 'list:\n  - [', place: 'f.yaml:2:6: ' },
  { name: 'a key that is given twice', text: 'list: []\nlist: []\n', place: 'f.yaml:2:1: ' },
  {
    name: 'a document that is nested 5,000 deep',
    text: '['.repeat(5_000) + ']'.repeat(5_000),
    place: 'f.yaml:1:1: The document is nested too deep to be read',
  },
  { name: 'an alias', text: 'a: &a []\nlist: *a\n', place: 'f.yaml:1:1: YAML aliases are not supported' },
])
  test(`a problem of a file names file, line and column of ${name}`, () => {
    const source = { file: 'f.yaml', text, toError: fileError('CONFIG_INVALID') }
    const read = () => YamlDocument.parse(source).check(schema)
    assert.throws(read, (error: unknown) => {
      assert.ok(error instanceof StintError)
      const { explanation = '' } = error.details
      assert.ok(explanation.startsWith(place), explanation)
      return true
    })
  })
