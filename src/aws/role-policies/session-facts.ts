import type { Condition } from '../conditions/condition.ts'
import { sessionTagValue } from '../session-tag.ts'

/** The facts about one condition key in every request of a session that is yet to be minted. */
export type KeyFact =
  /** No request carries it. */
  | { readonly kind: 'absent' }
  /** Every request carries it, with an unknown value. */
  | { readonly kind: 'present' }
  /** Every request carries it, with this value. */
  | { readonly kind: 'value'; readonly value: string }
  /** Every request carries it, with one of these patterns' texts; `all` values of it, where it may have several. */
  | { readonly kind: 'within'; readonly patterns: readonly string[]; readonly wildcards: boolean }
  /** Every request carries it, with an instant after this one. */
  | { readonly kind: 'after'; readonly ms: number }
  /** Every request carries it, with a name that nobody has used before: no text that was written down earlier is equal to it. */
  | { readonly kind: 'fresh' }

/** The session whose policies are judged. */
export interface JudgedSession {
  readonly roleArn: string
  readonly accountId: string
  /** The agent; undefined where the answer is for any. */
  readonly subject?: string
  /** When the policies were read. Sessions are issued later. */
  readonly readAtMs: number
}

/** The facts of a request, by lower-case key; undefined for a key of which nobody knows anything. */
export type FindFact = (key: string) => KeyFact | undefined

/**
 * Watermarks lie two seconds ahead of their writing, and a document may be read right then. A session that is minted within this
 * time of the reading may still be cut by one; the deny list says so elsewhere.
 */
const WATERMARK_MS = 60_000

const ABSENT: KeyFact = { kind: 'absent' }
const PRESENT: KeyFact = { kind: 'present' }
const value = (text: string): KeyFact => ({ kind: 'value', value: text })

/**
 * The facts of the sessions that Stint mints.
 *
 * @see IAM User Guide, "AWS global condition context keys": the availability of each key
 */
export function sessionFacts({ roleArn, accountId, subject, readAtMs }: JudgedSession): FindFact {
  const facts = new Map<string, KeyFact>([
    ['aws:principalarn', value(roleArn)],
    ['aws:principaltype', value('AssumedRole')],
    ['aws:principalisawsservice', value('false')],
    ['aws:principalservicename', ABSENT],
    ['aws:principalservicenameslist', ABSENT],
    ['aws:username', ABSENT],
    ['aws:federatedprovider', ABSENT],
    ['aws:multifactorauthage', ABSENT],
    ['aws:multifactorauthpresent', value('false')],
    // Requests without TLS are not considered: a session that wants access uses TLS.
    ['aws:securetransport', value('true')],
    ['aws:sourceidentity', { kind: 'fresh' }],
    ['aws:userid', { kind: 'fresh' }],
    ['aws:principaltag/stint:grant', { kind: 'fresh' }],
    ['aws:principaltag/stint:agent', subject === undefined ? PRESENT : value(sessionTagValue(subject))],
    ['aws:principaltag/stint:owner', PRESENT],
    ['aws:principaltag/stint:team', PRESENT],
    ['aws:viaawsservice', PRESENT],
    ['aws:tokenissuetime', { kind: 'after', ms: readAtMs + WATERMARK_MS }],
    ['aws:currenttime', { kind: 'after', ms: readAtMs }],
    ['aws:epochtime', { kind: 'after', ms: readAtMs }],
    ...(accountId === '' ? [] : [['aws:principalaccount', value(accountId)] as const]),
  ])
  return (key) => facts.get(key)
}

/** The facts of the session, and those that a pair's own conditions make sure of. */
export function withConditions(facts: FindFact, conditions: readonly Condition[] = []): FindFact {
  if (conditions.length === 0) return facts
  const own = new Map(
    conditions.map(({ key, operator, values }): [string, KeyFact] => [
      key.toLowerCase(),
      { kind: 'within', patterns: values, wildcards: operator === 'StringLike' },
    ]),
  )
  return (key) => own.get(key) ?? facts(key)
}
