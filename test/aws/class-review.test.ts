import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ACTION_CLASSES, type ActionClass } from '../../src/aws/action-classes.ts'
import { classify } from '../../src/aws/classify.ts'

/**
 * Verdicts on actions whose class was disputed or moved, one a line. `agreed`: an independent reading asked for it. `milder`
 * and `stricter`: it asked for something else, and `why` says why not. `kept`: it asked whether the class is meant.
 * `same kind`: the reading missed it, and a rule for its kind moved it too.
 */
const rows = readFileSync(new URL('../vectors/aws/class-review.tsv', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [action = '', risk = '', flags = '', verdict = '', asked = '', why = ''] = line.split('\t')
    return { action, class: risk, flags: flags.split('+').filter(Boolean), verdict, asked, why }
  })

describe('the review of classes', () => {
  test('holds: each of its actions has the class and the flags that were settled', () => {
    const moved = rows.flatMap((row) => {
      const { class: now, flags } = classify(row.action)
      const settled = `${row.class} [${row.flags.join(' ')}]`
      const found = `${now} [${flags.join(' ')}]`
      return found === settled ? [] : [`${row.action}: settled as ${settled} because ${row.why}; is ${found} now`]
    })
    expect(moved).toEqual([])
  })

  test('names every action once, and gives a reason for each', () => {
    expect(new Set(rows.map(({ action }) => action)).size).toBe(rows.length)
    expect(rows.length).toBeGreaterThan(1_200)
    for (const { action, verdict, why } of rows) {
      expect(['agreed', 'milder', 'stricter', 'kept', 'same kind'], action).toContain(verdict)
      expect(why.length, action).toBeGreaterThan(10)
    }
  })

  test('calls milder whatever is below what was asked', () => {
    const rank = (risk: string): number => ACTION_CLASSES.indexOf(risk as ActionClass)
    const below = rows.filter(({ verdict, asked, ...row }) => {
      const [class_, ...flags] = asked.includes(' ') || asked === '' ? [row.class] : asked.split('+')
      const isClass = rank(class_ ?? '') >= 0
      const missing = [...flags, ...(isClass ? [] : [class_ ?? ''])].filter((flag) => flag && !row.flags.includes(flag))
      return verdict === 'agreed' && ((isClass && rank(row.class) < rank(class_ ?? '')) || missing.length > 0)
    })
    // Only `list` where `read` was asked for: the name says so, and the two are judged alike.
    expect(below.filter((row) => !(row.class === 'list' && row.asked === 'read'))).toEqual([])
  })
})
