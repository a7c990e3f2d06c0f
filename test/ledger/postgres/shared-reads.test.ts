import { DatabaseError } from 'pg'
import { expect, test } from 'vitest'
import { ConnectionLost } from '../../../src/ledger/postgres/database/pg-errors.ts'
import { SharedReads } from '../../../src/ledger/postgres/database/shared-reads.ts'
import type { Rows, Statement } from '../../../src/ledger/postgres/database/statement.ts'

/** A pool that answers each statement with its own text, when the test lets it. */
class HeldPool {
  readonly rounds: { readonly texts: readonly string[]; answer(): void; fail(error: unknown): void }[] = []

  read(statements: readonly Statement[]): Promise<Rows[]> {
    return new Promise((resolve, reject) => {
      const texts = statements.map(({ text }) => text)
      this.rounds.push({ texts, answer: () => resolve(texts.map((text) => [{ text }])), fail: reject })
    })
  }
}

const ask = (text: string): Statement[] => [{ text }]
const answerTo = (text: string) => [[{ text }]]
/** As for a text that holds a zero byte: 22021, postgresql.org/docs/current/errcodes-appendix.html */
const refusal = () => Object.assign(new DatabaseError('invalid byte sequence', 0, 'error'), { code: '22021' })
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('reads of one turn go in one round, and each gets its own rows', async () => {
  const pool = new HeldPool()
  const reads = new SharedReads(pool)
  const found = Promise.all([reads.read(ask('a')), reads.read([{ text: 'b' }, { text: 'c' }]), reads.read(ask('d'))])
  await turn()
  expect(pool.rounds.map(({ texts }) => texts)).toEqual([['a', 'b', 'c', 'd']])
  pool.rounds[0]?.answer()
  expect(await found).toEqual([answerTo('a'), [...answerTo('b'), ...answerTo('c')], answerTo('d')])
})

test('with two rounds under way the next reads wait, and go together', async () => {
  const pool = new HeldPool()
  const reads = new SharedReads(pool)
  const found: Promise<Rows[]>[] = []
  for (const text of ['a', 'b', 'c', 'd']) {
    found.push(reads.read(ask(text)))
    await turn()
  }
  expect(pool.rounds.map(({ texts }) => texts)).toEqual([['a'], ['b']])
  pool.rounds[0]?.answer()
  await found[0]
  await turn()
  await turn()
  expect(pool.rounds.map(({ texts }) => texts)).toEqual([['a'], ['b'], ['c', 'd']])
  for (const round of pool.rounds) round.answer()
  expect(await Promise.all(found)).toEqual(['a', 'b', 'c', 'd'].map(answerTo))
})

test('a read that the database refuses fails alone', async () => {
  const pool = new HeldPool()
  const reads = new SharedReads(pool)
  const found = Promise.allSettled(['good', 'bad', 'fair'].map((text) => reads.read(ask(text))))
  await turn()
  pool.rounds[0]?.fail(refusal())
  for (const at of [1, 2, 3]) {
    await turn()
    const round = pool.rounds[at]
    if (round?.texts[0] === 'bad') round.fail(refusal())
    else round?.answer()
  }
  expect((await found).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

test('reads of a round whose connection is lost all fail with it, and are not repeated one after the other', async () => {
  const pool = new HeldPool()
  const reads = new SharedReads(pool)
  const found = Promise.allSettled(['a', 'b', 'c'].map((text) => reads.read(ask(text))))
  await turn()
  const lost = new ConnectionLost('the server closed the connection')
  pool.rounds[0]?.fail(lost)
  expect((await found).map((one) => one.status === 'rejected' && one.reason)).toEqual([lost, lost, lost])
  expect(pool.rounds).toHaveLength(1)
})

test('a round has at most 64 statements', async () => {
  const pool = new HeldPool()
  const reads = new SharedReads(pool)
  for (let n = 0; n < 100; n += 1) void reads.read(ask(`${n}`))
  await turn()
  await turn()
  expect(pool.rounds.map(({ texts }) => texts.length)).toEqual([64, 36])
})
