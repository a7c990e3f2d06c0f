/**
 * Tasks as agents declare them, and what comes of them. `docs/tasks.md` has the table that this test writes with
 * `STINT_UPDATE_DOCS=1`; `before` is the answer of Stint before reads on `*`, conditions and shorter session policies.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import type { RoleSettings } from '../../src/plan/role-settings.ts'
import tasks from './everyday-tasks.json' with { type: 'json' }

interface Row {
  readonly name: string
  /** `accepted`, or the code of the refusal. */
  readonly before: string
  readonly access: readonly object[]
  /** Of a refusal. */
  readonly why?: string
  /** What makes it a task that is accepted. */
  readonly changed?: {
    readonly how: string
    readonly access?: readonly object[]
    readonly allowWildcard?: readonly string[]
    /** The rest, as a task of its own. */
    readonly also?: readonly object[]
  }
}

const ROLE = 'arn:aws:iam::123456789012:role/stint/agent'
const PAGE = new URL('../../docs/tasks.md', import.meta.url)
const rows: readonly Row[] = tasks

function judge(access: readonly object[], settings: RoleSettings = {}): Plan | string {
  const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }
  const planner = createPlanner({ labels: NO_LABELS, roles: new Map([[ROLE, settings]]), limits })
  try {
    return planner.plan('spiffe://example.org/a', {
      purpose: 'An everyday task',
      roleArn: ROLE,
      access,
      ttlSeconds: 600,
    })
  } catch (error) {
    if (error instanceof StintError) return error.code
    throw error
  }
}

function judgeChanged({ access, changed }: Row): Plan | string {
  const { allowWildcard } = changed ?? {}
  return judge(changed?.access ?? access, allowWildcard ? { allowWildcard } : {})
}

describe('everyday tasks', () => {
  for (const row of rows) {
    test(`${row.name}: ${row.changed ? 'refused, and accepted once changed' : 'accepted'}`, () => {
      const outcome = judge(row.access)
      if (!row.changed) return expect(outcome).toHaveProperty('hash')
      expect(outcome).toBeTypeOf('string')
      expect(row.why).toBeDefined()
      expect(judgeChanged(row)).toHaveProperty('hash')
      if (row.changed.also) expect(judge(row.changed.also)).toHaveProperty('hash')
    })
  }

  test('none that was accepted is refused now', () => {
    expect(rows.filter(({ before, changed }) => before === 'accepted' && changed)).toEqual([])
  })

  test('docs/tasks.md shows each of them', () => {
    const page = readFileSync(PAGE, 'utf8')
    const [head = '', , tail = ''] = page.split(/(<!-- tasks:[^>]*-->\n)[\s\S]*(?=<!-- \/tasks -->)/)
    const written = `${head}<!-- tasks: written by STINT_UPDATE_DOCS=1 npm test -- test/plan/everyday-tasks.test.ts -->\n${table()}${tail}`
    if (process.env.STINT_UPDATE_DOCS) writeFileSync(PAGE, written)
    else expect(page).toBe(written)
  })
})

function table(): string {
  const accepted = rows.filter(({ changed }) => !changed).length
  const before = rows.filter((row) => row.before === 'accepted').length
  const lines = rows.map(
    (row) => `| ${row.name} | ${row.before === 'accepted' ? 'accepted' : `\`${row.before}\``} | ${now(row)} |`,
  )
  const sum = `Before, ${before} of ${rows.length} were accepted as written; now ${accepted} are, and the others once changed.`
  return `${[sum, '', '| task | before | now |', '| --- | --- | --- |', ...lines].join('\n')}\n`
}

function now(row: Row): string {
  const outcome = judge(row.access)
  if (typeof outcome !== 'string') return `accepted${describePlan(outcome)}`
  const changed = judgeChanged(row)
  const size = typeof changed === 'string' ? '' : describePlan(changed)
  return `\`${outcome}\`: ${row.why} Accepted with: ${row.changed?.how}${size}`
}

function describePlan({ sessionPolicyCharacters, dropped = [] }: Plan): string {
  const left = dropped.map(({ explanation }) => explanation.replace(/\S+:\S*\*/, '`$&`'))
  return `; ${sessionPolicyCharacters} characters${left.length > 0 ? `; ${left.join('; ')}` : ''}`
}
