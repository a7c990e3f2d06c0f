import { describe, expect, test } from 'vitest'
import { fromServiceError, toGrpcStatus } from '../../src/contract/error-status.ts'
import { type ErrorDetails, StintError } from '../../src/core/errors.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import { EVERYDAY_ROLE, everydayTasks, type TaskEntry } from '../bench/tasks/everyday-tasks.ts'

const planner = createPlanner({
  labels: NO_LABELS,
  roles: new Map([[EVERYDAY_ROLE, { allowWildcard: true }]]),
  limits: { minTtlSeconds: 60, maxTtlSeconds: 3_600 },
})
const plan = (access: readonly TaskEntry[]) =>
  planner.plan('spiffe://example.org/a', {
    purpose: 'a task that may be large',
    roleArn: EVERYDAY_ROLE,
    access,
    ttlSeconds: 600,
  })

interface Split {
  readonly characters: number
  readonly entries: readonly {
    readonly field: string
    readonly resources?: readonly [number, number]
    readonly actions?: readonly [number, number]
  }[]
}
interface Refusal {
  readonly characters: number
  readonly limit: number
  readonly explanation: string
  readonly largest: readonly { readonly field: string; readonly characters: number; readonly resources: number }[]
  readonly split?: readonly Split[]
}

/** What a task is refused with; undefined if it has a plan. */
function refusal(access: readonly TaskEntry[]): Refusal | undefined {
  try {
    plan(access)
    return undefined
  } catch (error) {
    if (!(error instanceof StintError) || error.code !== 'SESSION_POLICY_TOO_LARGE') throw error
    return error.details as unknown as Refusal
  }
}

/** The access of one proposed task, made from nothing but the refusal and the task as it was sent. */
function accessOf(access: readonly TaskEntry[], { entries }: Split): TaskEntry[] {
  return entries.map(({ field, resources, actions }) => {
    const entry = access[Number(/^task\.access\[(\d+)\]$/.exec(field)?.[1])] as TaskEntry
    const run = (items: readonly string[], [from, to]: readonly [number, number]) =>
      [...items].sort().slice(from - 1, to)
    if (resources !== undefined) return { ...entry, resources: run(entry.resources, resources) }
    return actions === undefined ? entry : { ...entry, actions: run(entry.actions, actions) }
  })
}

const pairsOf = (entries: readonly TaskEntry[]) =>
  new Set(plan(entries).pairs.map(({ action, resource }) => `${action} ${resource}`))

/** As it leaves the broker: what finds no room there is left out. */
function onTheWire(found: Refusal | undefined): Refusal {
  const error = new StintError('SESSION_POLICY_TOO_LARGE', found as unknown as ErrorDetails)
  const { code, details, metadata } = toGrpcStatus(error)
  return fromServiceError(Object.assign(new Error(details), { code, details, metadata })).details as unknown as Refusal
}

describe('the refusal of a task that is too large', () => {
  test('proposes tasks of which each fits, and which together are the task', () => {
    let refused = 0
    for (const access of everydayTasks(11, 150)) {
      const found = refusal(access)
      if (!found) continue
      refused += 1
      expect(found.split?.length).toBeGreaterThan(1)
      const tasks = (found.split ?? []).map((task) => ({ task, entries: accessOf(access, task) }))
      for (const { task, entries } of tasks) {
        expect(plan(entries).sessionPolicyCharacters).toBe(task.characters)
        expect(task.characters).toBeLessThanOrEqual(2_048)
      }
      const declared = access.flatMap((entry) => [...pairsOf([entry])])
      expect(new Set(tasks.flatMap(({ entries }) => [...pairsOf(entries)]))).toEqual(new Set(declared))
    }
    expect(refused).toBeGreaterThan(10)
  })

  const buckets = Array.from({ length: 90 }, (_, n) => `arn:aws:s3:::data-bucket-${100 + n}/reports/*`)
  const READS = { actions: ['s3:GetObject'], resources: buckets }
  const LIST = { actions: ['s3:ListAllMyBuckets'], resources: ['*'] }

  test('names the entries that cost most, as they were sent, with the numbers', () => {
    const found = refusal([LIST, READS])
    expect(found).toMatchObject({
      limit: 2_048,
      largest: [
        { field: 'task.access[1]', actions: 1, resources: 90, longestResource: buckets[0] },
        { field: 'task.access[0]', actions: 1, resources: 1 },
      ],
    })
    expect(found?.characters).toBeGreaterThan(2_048)
    expect(found?.explanation).toContain(`access[1] has ${found?.largest[0]?.characters} (actions: 1, resources: 90)`)
  })

  test('divides an entry that does not fit alone by runs of its resources', () => {
    const found = refusal([LIST, READS])
    const parts =
      found?.split?.flatMap(({ entries }) => entries.filter(({ resources }) => resources !== undefined)) ?? []
    expect(parts.map(({ resources }) => resources)).toEqual([
      [1, 30],
      [31, 60],
      [61, 90],
    ])
    for (const task of found?.split ?? []) expect(() => plan(accessOf([LIST, READS], task))).not.toThrow()
    expect(found?.explanation).toContain('access[1] with resources 1 to 30 in sorted order')
  })

  test('reaches the agent whole', () => {
    const found = onTheWire(refusal([LIST, READS]))
    expect(found.split).toEqual(refusal([LIST, READS])?.split)
    expect(found.largest).toHaveLength(2)
    expect(found.explanation).toMatch(/in sorted order\.$/)
  })

  test('and proposes nothing where one pair alone does not fit', () => {
    const found = refusal([{ actions: ['s3:GetObject'], resources: [`arn:aws:s3:::data/${'k'.repeat(2_020)}`] }])
    expect(found?.explanation).toMatch(/Split the task, or name fewer or wider resources\.$/)
    expect(found).not.toHaveProperty('split')
  })

  test('ends soon and keeps to a bounded answer for a task made to cost much', () => {
    const long = (n: number) => `arn:aws:s3:::${'b'.repeat(20)}-${n}/*`
    const access = Array.from({ length: 50 }, (_, n) => ({
      actions: ['s3:GetObject*', 's3:PutObject'],
      resources: [long(2 * n), long(2 * n + 1)],
    }))
    const found = refusal(access)
    expect(JSON.stringify(found).length).toBeLessThan(8_000)
  })
})
