import { describe, expect, test } from 'vitest'
import { asStintError, type ErrorDetails, type StintError } from '../../src/core/errors.ts'
import { inputError } from '../../src/core/input-error.ts'
import { readTask, type Task, type TaskLimits, taskHash } from '../../src/plan/task.ts'

const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }
const good = {
  purpose: 'Read the invoices',
  roleArn: 'arn:aws:iam::123456789012:role/x',
  access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::data/*'] }],
  ttlSeconds: 600,
}
const entry = good.access[0]

/** The task alone; its mistakes as the planner throws them. */
function parseTask(input: unknown, limits: TaskLimits): Task {
  const reading = readTask(input, limits)
  if ('task' in reading) return reading.task
  throw inputError(reading.problems, 'TASK_INVALID')
}

function refusalOf(work: () => unknown): StintError {
  try {
    work()
  } catch (error) {
    return asStintError(error)
  }
  throw new Error('nothing was refused')
}

function fieldsOf({ errors }: ErrorDetails): string[][] {
  return (errors as unknown as { field: string; code: string }[]).map(({ field, code }) => [field, code]).sort()
}

describe('a task', () => {
  for (const { name, code, change } of [
    { name: 'without a purpose', code: 'PURPOSE_MISSING', change: { purpose: undefined } },
    { name: 'with a blank purpose', code: 'PURPOSE_MISSING', change: { purpose: '            ' } },
    { name: 'with a purpose of seven characters', code: 'PURPOSE_MISSING', change: { purpose: 'testing' } },
    { name: 'with a purpose without a word', code: 'PURPOSE_MISSING', change: { purpose: '..........' } },
    { name: 'with a purpose of 501 characters', code: 'TASK_INVALID', change: { purpose: 'a'.repeat(501) } },
    { name: 'with a purpose that is a number', code: 'PURPOSE_MISSING', change: { purpose: 12345678 } },
    { name: 'with a line break in the purpose', code: 'TASK_INVALID', change: { purpose: 'Read\nthe invoices' } },
    { name: 'with text that turns around', code: 'TASK_INVALID', change: { purpose: 'Read the \u202esecivni' } }, // Unicode TR36
    // UAX 44, Default_Ignorable_Code_Point: tags are read by models, fillers and soft hyphens by nobody.
    { name: 'with text in tags', code: 'TASK_INVALID', change: { purpose: 'Read them \u{e0041}\u{e0042}' } },
    {
      name: 'with a filler that shows as nothing',
      code: 'TASK_INVALID',
      change: { purpose: 'Read the in\u3164voices' },
    },
    { name: 'with a soft hyphen', code: 'TASK_INVALID', change: { purpose: 'Read the in\u00advoices' } },
    // An approver's screen shows the padding, and what follows it is out of sight.
    {
      name: 'with a purpose that is padded',
      code: 'TASK_INVALID',
      change: { purpose: `Read${'\u00a0'.repeat(90)}them` },
    },
    { name: 'with Braille blanks', code: 'TASK_INVALID', change: { purpose: `Read${'\u2800'.repeat(90)}them` } },
    { name: 'with stacked marks', code: 'TASK_INVALID', change: { purpose: `Read e${'\u0301\u0302'.repeat(9)} them` } },
    {
      name: 'with a padded resource',
      code: 'TASK_INVALID',
      change: { access: [{ ...entry, resources: [`arn:aws:s3:::a/${' '.repeat(300)}*`] }] },
    },
    {
      name: 'with a no-break space in a resource',
      code: 'TASK_INVALID',
      change: { access: [{ ...entry, resources: ['arn:aws:s3:::a/b\u00a0c'] }] },
    },
    { name: 'with a padded reference', code: 'TASK_INVALID', change: { reference: `PAY-1${'\u2003'.repeat(50)}x` } },
    { name: 'with a lone surrogate', code: 'TASK_INVALID', change: { purpose: 'Read the \ud800 invoices' } },
    { name: 'below the shortest time', code: 'TTL_OUT_OF_RANGE', change: { ttlSeconds: 59 } },
    { name: 'above the longest time', code: 'TTL_OUT_OF_RANGE', change: { ttlSeconds: 3_601 } },
    { name: 'with a fraction of a second', code: 'TASK_INVALID', change: { ttlSeconds: 60.5 } },
    { name: 'with no number as time', code: 'TASK_INVALID', change: { ttlSeconds: Number.NaN } },
    { name: 'without access', code: 'TASK_INVALID', change: { access: [] } },
    { name: 'with 51 entries', code: 'TASK_INVALID', change: { access: Array(51).fill(entry) } },
    {
      name: 'with 101 actions',
      code: 'TASK_INVALID',
      change: { access: [{ ...entry, actions: Array(101).fill('s3:GetObject') }] },
    },
    {
      name: 'with 101 resources',
      code: 'TASK_INVALID',
      change: { access: [{ ...entry, resources: Array(101).fill('*') }] },
    },
    { name: 'with no action', code: 'TASK_INVALID', change: { access: [{ ...entry, actions: [] }] } },
    { name: 'with an empty resource', code: 'TASK_INVALID', change: { access: [{ ...entry, resources: [''] }] } },
    {
      name: 'with a resource of 2,049 characters',
      code: 'TASK_INVALID',
      change: { access: [{ ...entry, resources: ['a'.repeat(2_049)] }] },
    },
    {
      name: 'with a control character in a resource',
      code: 'TASK_INVALID',
      change: { access: [{ ...entry, resources: ['arn:aws:s3:::a\u0000'] }] },
    },
    { name: 'with a field nobody knows', code: 'TASK_INVALID', change: { policy: '{}' } },
    { name: 'with a reference of 129 characters', code: 'TASK_INVALID', change: { reference: 'r'.repeat(129) } },
  ])
    test(`${name} is refused: ${code}`, () => {
      expect(() => parseTask({ ...good, ...change }, limits)).toThrow(
        expect.objectContaining({
          code,
          details: expect.objectContaining({
            errors: [expect.objectContaining({ field: expect.stringMatching(/^task/), code })],
            explanation: expect.stringMatching(/^task.*\.$/),
          }),
        }),
      )
    })

  for (const input of [undefined, null, 1, 'x', [], [good]])
    test(`that is ${JSON.stringify(input)?.slice(0, 20)} is refused`, () => {
      expect(() => parseTask(input, limits)).toThrow(expect.objectContaining({ name: 'StintError' }))
    })

  test('is told all its mistakes at once, each by its field', () => {
    const access = [entry, { actions: [], resources: ['a', ''] }, { actions: ['s3:A'] }, 7]
    const all = { purpose: 'short', roleArn: '', access, ttlSeconds: 59, reference: 'r'.repeat(129), policy: '{}' }
    const { code, details } = refusalOf(() => parseTask(all, limits))
    expect(code).toBe('TASK_INVALID')
    expect(fieldsOf(details)).toEqual([
      ['task', 'TASK_INVALID'],
      ['task.access[1].actions', 'TASK_INVALID'],
      ['task.access[1].resources[1]', 'TASK_INVALID'],
      ['task.access[2].resources', 'TASK_INVALID'],
      ['task.access[3]', 'TASK_INVALID'],
      ['task.purpose', 'PURPOSE_MISSING'],
      ['task.reference', 'TASK_INVALID'],
      ['task.roleArn', 'TASK_INVALID'],
      ['task.ttlSeconds', 'TTL_OUT_OF_RANGE'],
    ])
    expect(details.explanation).toContain('task.ttlSeconds must be between 60 and 3600 seconds (got 59)')
  })

  test('with more mistakes than anyone reads is told their number', () => {
    const access = [{ actions: Array(80).fill(''), resources: ['a'] }]
    const { details } = refusalOf(() => parseTask({ ...good, access }, limits))
    expect([(details.errors as unknown[]).length, details.omittedErrors]).toEqual([50, 30])
    expect(details.explanation).toMatch(/; and 30 more\.$/)
  })

  test('comes back trimmed, in NFC, sorted and without repeats', () => {
    const parsed = parseTask(
      {
        ...good,
        purpose: '  Lire le re\u0301sume\u0301 ',
        access: [
          { actions: ['s3:PutObject', 's3:GetObject', 's3:PutObject'], resources: ['b', 'a'] },
          { actions: ['s3:A'], resources: ['c'] },
        ],
      },
      limits,
    )
    expect(parsed.purpose).toBe('Lire le r\u00e9sum\u00e9')
    const joined = 'Tidy up \u{1f9d1}\u200d\u{1f4bb} \u2764\ufe0f'
    expect(parseTask({ ...good, purpose: joined }, limits).purpose).toBe(joined)
    expect(parsed.access).toEqual([
      { actions: ['s3:A'], resources: ['c'] },
      { actions: ['s3:GetObject', 's3:PutObject'], resources: ['a', 'b'] },
    ])
  })

  test('has one hash for one meaning', () => {
    const hash = taskHash(parseTask(good, limits))
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    expect(
      taskHash(parseTask({ ...good, purpose: ` ${good.purpose} `, access: [...good.access, ...good.access] }, limits)),
    ).toBe(hash)
    expect(taskHash(parseTask({ ...good, reference: 'x' }, limits))).not.toBe(hash)
  })

  test('a refusal repeats no value of the task', () => {
    try {
      parseTask({ ...good, secretAccessKey: 'canary', reference: 'canary\u0000' }, limits)
      expect.unreachable()
    } catch (error) {
      expect(JSON.stringify([(error as Error).message, error])).not.toContain('canary')
    }
  })
})
