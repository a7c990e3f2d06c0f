import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StintError } from '../../../src/core/errors.ts'
import type { BudgetDraw, BudgetMeter } from '../../../src/ledger/budgets/budget-records.ts'
import { type Drawing, drawnMeter, measureUse } from '../../../src/ledger/rules/budget-rules.ts'

const START = Date.parse('2026-11-28T12:00:00Z')
const MINUTE = 60_000
const HOUR = 60 * MINUTE

const draw = (limits: BudgetDraw['limits']): BudgetDraw => ({
  budget: 'team-day',
  holder: { kind: 'team', name: 'data' },
  limits,
})
const drawing = (over: Partial<Drawing> = {}): Drawing => ({
  at: new Date(START),
  state: 'active',
  isDestructive: false,
  recordBytes: 0,
  live: 0,
  pending: 0,
  ...over,
})
const at = (ms: number) => new Date(START + ms)

/** Draws one after the other; the error ends it. */
function drawAll(limits: BudgetDraw['limits'], drawings: readonly Partial<Drawing>[]) {
  let meter: BudgetMeter | undefined
  for (const [index, each] of drawings.entries()) {
    try {
      meter = drawnMeter(meter, draw(limits), drawing(each))
    } catch (error) {
      return { refused: index, error: error as StintError }
    }
  }
  return { meter }
}

describe('a budget', () => {
  test.each([
    { limits: { liveGrants: 3 }, over: { live: 3 }, fits: { live: 2 } },
    { limits: { approvalsPending: 2 }, over: { state: 'awaiting_approval', pending: 2 }, fits: { pending: 2 } },
  ] as const)('refuses one beyond what a holder has now: $limits', ({ limits, over, fits }) => {
    expect(drawAll(limits, [fits])).toHaveProperty('meter')
    const { error } = drawAll(limits, [over])
    const [[measure, limit]] = Object.entries(limits) as [[string, number]]
    expect(error).toMatchObject({
      code: 'BUDGET_EXCEEDED',
      retryable: true,
      details: { budget: 'team-day', holder: 'team data', measure, used: limit, limit },
    })
    expect(error?.details).not.toHaveProperty('retryAfterMs')
  })

  test.each([
    { limits: { grantsPerHour: 2 }, each: {}, other: { state: 'denied' }, freesMs: HOUR + 5 * MINUTE },
    {
      limits: { destructiveGrantsPerDay: 2 },
      each: { isDestructive: true },
      other: {},
      freesMs: 24 * HOUR + HOUR,
    },
    { limits: { deniedPerHour: 2 }, each: { state: 'denied' }, other: undefined, freesMs: HOUR + 5 * MINUTE },
    { limits: { recordBytesPerHour: 100 }, each: { recordBytes: 50 }, other: undefined, freesMs: HOUR + 5 * MINUTE },
  ] as const)('counts over a time that rolls on: $limits', ({ limits, each, other, freesMs }) => {
    const { refused, error } = drawAll(limits, [each, each, each])
    expect(refused).toBe(2)
    expect(error?.details).toMatchObject({ retryAfterMs: freesMs })
    expect(drawAll(limits, [each, each, { ...each, at: at(freesMs - 1) }])).toMatchObject({ refused: 2 })
    expect(drawAll(limits, [each, each, { ...each, at: at(freesMs) }])).toHaveProperty('meter')
    if (other) expect(drawAll(limits, [each, each, other])).toHaveProperty('meter')
  })

  test('that is used up by denials refuses every further request', () => {
    const denied = { state: 'denied' } as const
    expect(drawAll({ deniedPerHour: 2 }, [denied, denied, {}])).toMatchObject({ refused: 2 })
  })

  test('of no grants at all says that it does not free by itself', () => {
    const { error } = drawAll({ grantsPerHour: 0 }, [{}])
    expect(error?.details).toMatchObject({ used: 0, limit: 0 })
    expect(error?.details).not.toHaveProperty('retryAfterMs')
  })

  test('is not written where nothing rolls on', () => {
    const first = drawnMeter(undefined, draw({ liveGrants: 5 }), drawing())
    expect(drawnMeter(first, draw({ liveGrants: 5 }), drawing({ at: at(HOUR), live: 1 }))).toBe(first)
  })

  test('is not widened by a clock that was set back', () => {
    const { refused } = drawAll({ grantsPerHour: 2 }, [{ at: at(HOUR) }, {}, { at: at(HOUR + 6 * MINUTE) }])
    expect(refused).toBe(2)
  })

  test('never lets more than its limit through in any hour, and frees when it says so', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 20 * MINUTE }), { maxLength: 60 })
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5 }), (waits, limit) => {
        let [meter, now] = [undefined as BudgetMeter | undefined, START]
        const granted: number[] = []
        for (const waitMs of waits) {
          now += waitMs
          try {
            meter = drawnMeter(meter, draw({ grantsPerHour: limit }), drawing({ at: new Date(now) }))
            granted.push(now)
          } catch (error) {
            const { retryAfterMs } = (error as StintError).details
            const then = new Date(now + Number(retryAfterMs))
            expect(() => drawnMeter(meter, draw({ grantsPerHour: limit }), drawing({ at: then }))).not.toThrow()
          }
          expect(granted.filter((each) => each > now - HOUR).length).toBeLessThanOrEqual(limit)
        }
      }),
    )
  })

  test('shows its use and when it frees', () => {
    const { meter } = drawAll({ grantsPerHour: 2 }, [{}, { at: at(6 * MINUTE) }])
    if (!meter) throw new Error('refused')
    const used = { ...meter, live: 2, pending: 1 }
    expect(measureUse(used, 'grantsPerHour', 2, at(7 * MINUTE))).toEqual({ used: 2, freesAt: at(HOUR + 5 * MINUTE) })
    expect(measureUse(used, 'liveGrants', 9, at(0))).toEqual({ used: 2 })
  })
})
