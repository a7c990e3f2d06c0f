import { expect, test } from 'vitest'
import { StintError } from '../../../src/core/errors.ts'
import { ProblemBoard } from '../../../src/core/health/problem-board.ts'

const T0 = new Date('2026-11-27T10:00:00Z')
const T1 = new Date('2026-11-27T10:05:00Z')

const broken = (explanation: string) => new StintError('BUNDLE_INVALID', { explanation })
const finding = (name: string, explanation = 'A key does not count.') => ({
  finding: name,
  code: 'BUNDLE_INVALID' as const,
  explanation,
})
const shown = (board: ProblemBoard) => board.list().map(({ component, finding: found }) => [component, found])

test('a problem stays when another part works again', () => {
  const board = new ProblemBoard()
  board.report('bundle:a.example', broken('not JSON'), T0)
  board.report('bundle:b.example', broken('not JSON'), T0)
  board.clear('bundle:b.example')
  expect(shown(board)).toEqual([['bundle:a.example', undefined]])
})

test('a problem that is reported again keeps its beginning and takes the newer sentence', () => {
  const board = new ProblemBoard()
  board.report('policy', broken('first'), T0)
  board.report('policy', broken('second'), T1)
  expect(board.list()).toEqual([
    { component: 'policy', code: 'BUNDLE_INVALID', explanation: expect.stringContaining('second'), since: T0 },
  ])
})

test('a problem that ended and comes back begins anew', () => {
  const board = new ProblemBoard()
  board.report('policy', broken('first'), T0)
  board.clear('policy')
  board.report('policy', broken('first'), T1)
  expect(board.list()[0]?.since).toEqual(T1)
})

test('findings are replaced whole, and those that stay keep their beginning', () => {
  const board = new ProblemBoard()
  board.setFindings('bundle:a.example', [finding('kid-repeated'), finding('x5c-many')], T0)
  board.setFindings('bundle:a.example', [finding('x5c-many'), finding('key-unusable')], T1)
  expect(board.list().map(({ finding: found, since }) => [found, since])).toEqual([
    ['key-unusable', T1],
    ['x5c-many', T0],
  ])
  board.setFindings('bundle:a.example', [], T1)
  expect(board.list()).toEqual([])
})

test('a part that works again keeps the findings of what it has loaded', () => {
  const board = new ProblemBoard()
  board.setFindings('bundle:a.example', [finding('x5c-many')], T0)
  board.report('bundle:a.example', broken('unreadable'), T1)
  expect(shown(board)).toEqual([
    ['bundle:a.example', undefined],
    ['bundle:a.example', 'x5c-many'],
  ])
  board.clear('bundle:a.example')
  expect(shown(board)).toEqual([['bundle:a.example', 'x5c-many']])
})

test('many findings of one name are one line with their number', () => {
  const board = new ProblemBoard()
  board.setFindings(
    'bundle:a.example',
    Array.from({ length: 3 }, () => finding('key-unusable')),
    T0,
  )
  expect(board.list().map(({ explanation }) => explanation)).toEqual(['A key does not count. (3 times)'])
})

test('findings of one name that say different things are not told as one that repeats', () => {
  const board = new ProblemBoard()
  const other = { ...finding('keys'), explanation: 'Another key does not count.' }
  board.setFindings('issuer:ci', [finding('keys'), other], T0)
  expect(board.list().map(({ explanation }) => explanation)).toEqual([
    'A key does not count. (and 1 more of this kind; see the log)',
  ])
})

test('a foreign document cannot fill the status with names of its own', () => {
  const board = new ProblemBoard()
  board.setFindings(
    'bundle:a.example',
    Array.from({ length: 1_000 }, (_, n) => finding(`name-${n}`)),
    T0,
  )
  expect(board.list()).toHaveLength(50)
})
