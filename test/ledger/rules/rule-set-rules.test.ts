import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AdoptionFacts, judgeAdoption } from '../../../src/ledger/rules/rule-set-rules.ts'

const NEWEST = { number: 7, digest: 'new' }
const facts = (over: Partial<AdoptionFacts>): AdoptionFacts => ({
  digest: 'other',
  newest: NEWEST,
  own: undefined,
  isKnown: true,
  othersAtNewest: 1,
  ...over,
})

describe('the rules that a replica has loaded', () => {
  // No test.each: it cuts the names short, and the mutations find them by name.
  for (const { name, over, is } of [
    { name: 'the first rules of a ledger are the newest', over: { newest: undefined, isKnown: false }, is: 'adopt' },
    { name: 'the newest ones are current', over: { digest: 'new' }, is: 'current' },
    { name: 'rules that nobody had before are newer', over: { isKnown: false }, is: 'adopt' },
    { name: 'rules of before are newer if the replica comes from the newest', over: { own: 'new' }, is: 'adopt' },
    { name: 'rules of before are old while others work by the newest', over: { own: 'other' }, is: 'outdated' },
    { name: 'rules of before are old after a start while others work by the newest', over: {}, is: 'outdated' },
    { name: 'rules of before count where nobody works by the newest', over: { othersAtNewest: 0 }, is: 'adopt' },
  ])
    test(name, () => {
      expect(judgeAdoption(facts(over))).toBe(is)
    })

  test('whoever rolls files out in whatever order, all replicas end with the newest rules, and none is left outdated', () => {
    const files = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 6 })
    const order = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 40 })
    fc.assert(
      fc.property(files, order, (versions, steps) => {
        const cluster = new Cluster(versions.map(String))
        for (const replica of steps) cluster.step(replica)
        for (let left = versions.length; left >= 0; left -= 1) for (const replica of [0, 1, 2]) cluster.step(replica)
        expect(cluster.outcomes()).toEqual(['current', 'current', 'current'])
      }),
    )
  })
})

/** Three replicas that take each version of the files in its order, each in its own time. */
class Cluster {
  readonly #versions: readonly string[]
  readonly #known = new Set<string>()
  readonly #at: number[] = [-1, -1, -1]
  readonly #own: (string | undefined)[] = [undefined, undefined, undefined]
  #newest: { number: number; digest: string } | undefined

  constructor(versions: readonly string[]) {
    this.#versions = versions
  }

  step(replica: number): void {
    this.#at[replica] = Math.min((this.#at[replica] ?? 0) + 1, this.#versions.length - 1)
    this.#say(replica)
  }

  outcomes(): string[] {
    for (const replica of [0, 1, 2]) this.#say(replica)
    return [0, 1, 2].map((replica) => this.#say(replica))
  }

  #say(replica: number): string {
    const digest = this.#versions[this.#at[replica] ?? 0] ?? ''
    const outcome = judgeAdoption({
      digest,
      newest: this.#newest,
      own: this.#own[replica],
      isKnown: this.#known.has(digest),
      othersAtNewest: this.#own.filter((own, other) => other !== replica && own === this.#newest?.digest).length,
    })
    if (outcome === 'adopt') this.#newest = { number: (this.#newest?.number ?? 0) + 1, digest }
    this.#known.add(digest)
    this.#own[replica] = digest
    return outcome
  }
}
