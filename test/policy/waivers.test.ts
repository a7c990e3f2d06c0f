import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import type { ActionClass } from '../../src/aws/action-classes.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { decide } from '../../src/policy/decide.ts'
import { compilePolicySet } from '../../src/policy/policy-set.ts'
import { inputOf, pairOf, setOf } from './policy-fixtures.ts'

const MARKS: Plan['labelMarks'] = {
  prod: ['production'],
  staging: ['nonproduction'],
  tables: ['stateful'],
  site: ['public'],
}
const PLAIN = '@id("plain") permit (principal, action, resource) when { true };'
const WAIVER =
  '@id("waives") @approval("none") @reason("Nightly load, reviewed by Mara") permit (principal, action, resource) when { true };'
const OWNERS = '@id("asks") @approval("owners:1") permit (principal, action, resource) when { true };'

interface Case {
  readonly policies: string
  readonly class: ActionClass
  readonly within?: string[]
  readonly touches?: string[]
  readonly requiredFor?: readonly ActionClass[]
  readonly allowWaivers?: boolean
  /** Who is asked, and why. */
  readonly asks?: string
  /** Which policy waives what. */
  readonly waives?: string
}

const judge = ({
  policies,
  requiredFor = ['destructive', 'permissions', 'escalation'],
  allowWaivers,
  ...pair
}: Case) => {
  const { within = [], touches = within } = pair
  const input = inputOf([pairOf({ class: pair.class, within, touches })], { approvalsRequiredFor: requiredFor })
  const plan = { ...input.plan, labelMarks: MARKS }
  return decide(setOf(policies), { ...input, plan, ...(allowWaivers !== undefined && { allowWaivers }) })
}
const say = ({ approval, waivers = [] }: ReturnType<typeof judge>) => ({
  asks: approval.map(({ anyOf, because }) => `${anyOf.join('|')} for ${because.join()}`).join('; '),
  waives: waivers.map(({ policy, because }) => `${policy}: ${because.join()}`).join('; '),
})

// docs/policy.md, "Approvals", "Marks of labels" and "Waivers".
const cases: Case[] = [
  // A mark asks whatever a permit says, from tag upwards.
  { policies: PLAIN, class: 'write', touches: ['prod'], asks: 'any for label:prod' },
  { policies: PLAIN, class: 'tag', touches: ['tables'], asks: 'any for label:tables' },
  { policies: PLAIN, class: 'write', within: ['site', 'prod'], asks: 'any for label:prod,label:site' },
  { policies: PLAIN, class: 'destructive', touches: ['prod'], asks: 'any for class:destructive,label:prod' },
  { policies: PLAIN, class: 'read', touches: ['prod', 'tables', 'site'] },
  { policies: PLAIN, class: 'list', touches: ['prod'] },
  { policies: PLAIN, class: 'write', within: ['staging'] },
  { policies: PLAIN, class: 'write', within: ['unmarked'] },
  // The name of a property that every object has.
  { policies: PLAIN, class: 'write', within: ['constructor'] },
  // Who asks for a group is asked for, mark or not.
  { policies: OWNERS, class: 'write', touches: ['prod'], asks: 'owners for asks' },
  { policies: OWNERS, class: 'read', asks: 'owners for asks' },
  // A waiver has no effect unless the configuration allows it.
  { policies: WAIVER, class: 'write', touches: ['prod'], asks: 'any for label:prod' },
  { policies: WAIVER, class: 'destructive', within: ['staging'], asks: 'any for class:destructive' },
  { policies: WAIVER + OWNERS, class: 'write', asks: 'owners for asks' },
  { policies: WAIVER, class: 'write', allowWaivers: true, touches: ['prod'], waives: 'waives: label:prod' },
  { policies: WAIVER, class: 'read', requiredFor: ['read'], allowWaivers: true, waives: 'waives: class:read' },
  { policies: WAIVER + PLAIN, class: 'write', touches: ['prod'], allowWaivers: true, waives: 'waives: label:prod' },
  { policies: WAIVER + OWNERS, class: 'write', allowWaivers: true, waives: 'waives: asks' },
  // Nothing to waive is no waiver.
  { policies: WAIVER, class: 'write', allowWaivers: true },
  // Never permissions or escalation, wherever.
  {
    policies: WAIVER,
    class: 'permissions',
    within: ['staging'],
    allowWaivers: true,
    asks: 'any for class:permissions',
  },
  { policies: WAIVER, class: 'escalation', within: ['staging'], allowWaivers: true, asks: 'any for class:escalation' },
  // Destroying: only wholly within nonproduction, and nothing guarded touched.
  {
    policies: WAIVER,
    class: 'destructive',
    within: ['staging'],
    allowWaivers: true,
    waives: 'waives: class:destructive',
  },
  { policies: WAIVER, class: 'destructive', allowWaivers: true, asks: 'any for class:destructive' },
  {
    policies: WAIVER,
    class: 'destructive',
    touches: ['staging'],
    allowWaivers: true,
    asks: 'any for class:destructive',
  },
  ...['prod', 'tables', 'site'].map((label) => ({
    policies: WAIVER,
    class: 'destructive' as const,
    within: ['staging'],
    touches: [label, 'staging'],
    allowWaivers: true,
    asks: `any for class:destructive,label:${label}`,
  })),
]
describe('P15: an approval is waived only where the configuration and the marks allow it', () => {
  for (const each of cases) {
    const { policies, asks = '', waives = '', ...shown } = each
    const ids = [...policies.matchAll(/@id\("(.+?)"\)/g)].map(([, id]) => id).join(' and ')
    test(`${ids} on ${JSON.stringify(shown)}: ${asks || 'nobody is asked'}${waives && `, waived by ${waives}`}`, () => {
      const decision = judge(each)
      assert.deepEqual(say(decision), { asks, waives })
      assert.equal(decision.outcome, asks === '' ? 'permit' : 'approval')
      assert.deepEqual(Object.hasOwn(decision, 'waivers'), waives !== '')
    })
  }
})

test('a decision with a waiver carries the reason of the policy', () => {
  const decision = judge({ policies: WAIVER, class: 'write', touches: ['prod'], allowWaivers: true })
  assert.equal(decision.waivers?.[0]?.reason, 'Nightly load, reviewed by Mara')
})

for (const { name, text, says } of [
  { name: 'a waiver without a reason', text: WAIVER.replace(/@reason\(.+?\) /, ''), says: /A waiver needs a reason/ },
  {
    name: 'a waiver with a blank reason',
    text: WAIVER.replace(/@reason\(.+?\)/, '@reason("         ")'),
    says: /A waiver needs a reason/,
  },
  { name: 'a waiver on a forbid', text: WAIVER.replace('permit', 'forbid'), says: /A forbid cannot waive/ },
  {
    name: 'a reason without a waiver',
    text: OWNERS.replace('permit', '@reason("because of it") permit'),
    says: /@reason belongs to/,
  },
  {
    name: 'a waiver for permissions and escalation alone',
    text: WAIVER.replace('action,', 'action in [Stint::Action::"permissions", Stint::Action::"escalation"],'),
    says: /This waiver never applies/,
  },
])
  test(`a set with ${name} is refused`, () => {
    const { set, problems } = compilePolicySet([{ name: 'a.cedar', text }])
    assert.equal(set, undefined)
    assert.match(problems.map(({ message }) => message).join('\n'), says)
  })

// docs/actions.md: an override may lower destructive to write.
for (const { name, within, waived } of [
  { name: 'outside of labels marked nonproduction', within: [], waived: false },
  { name: 'on production', within: ['prod'], waived: false },
  { name: 'within a label marked nonproduction', within: ['staging'], waived: true },
])
  test(`what destroys and counts as a write ${name} is ${waived ? '' : 'not '}waived`, () => {
    const pair = pairOf({ action: 'ec2:TerminateInstances', class: 'write', within, touches: within })
    const input = inputOf([pair], { approvalsRequiredFor: ['write'] })
    const { outcome } = decide(setOf(WAIVER), {
      ...input,
      allowWaivers: true,
      plan: { ...input.plan, labelMarks: MARKS },
    })
    assert.equal(outcome, waived ? 'permit' : 'approval')
  })
