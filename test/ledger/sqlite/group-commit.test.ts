import { describe, expect, test } from 'vitest'
import { StintError } from '../../../src/core/errors.ts'
import { type CommitTarget, GroupCommit } from '../../../src/ledger/sqlite/database/group-commit.ts'

/** A store in memory: what is committed, and what fails when told to. */
class MemoryTarget implements CommitTarget {
  committed: string[][] = []
  pending: string[] = []
  failBegin: Error | undefined
  failCommit: Error | undefined

  begin(): void {
    if (this.failBegin) throw this.failBegin
    this.pending = []
  }
  isBusy(error: unknown): boolean {
    return error instanceof Error && error.message === 'busy'
  }
  unguarded<T>(run: () => T): T {
    return run()
  }
  unit<T>(run: () => T): T {
    const before = [...this.pending]
    try {
      return run()
    } catch (error) {
      this.pending = before
      throw error
    }
  }
  commit(): void {
    if (this.failCommit) throw this.failCommit
    this.committed.push(this.pending)
  }
  rollback(): void {
    this.pending = []
  }
  isFatal(error: unknown): boolean {
    return error instanceof Error && error.message === 'disk'
  }
}

function setUp(options: ConstructorParameters<typeof GroupCommit>[1] = {}) {
  const target = new MemoryTarget()
  const commits = new GroupCommit(target, options)
  const put = (name: string, kind?: 'settling') => commits.write(() => target.pending.push(name), kind)
  const fail = (error: Error) =>
    commits.write(() => {
      target.pending.push('half')
      throw error
    })
  return { target, commits, put, fail }
}

describe('GroupCommit', () => {
  test('writes of one turn share a commit, in their order', async () => {
    const { target, put } = setUp()
    await Promise.all(['a', 'b', 'c'].map((name) => put(name)))
    expect(target.committed).toEqual([['a', 'b', 'c']])
  })

  test('a commit holds no more than its share; the rest follows', async () => {
    const { target, put } = setUp({ maxBatch: 2 })
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => put(name)))
    expect(target.committed).toEqual([['a', 'b'], ['c', 'd'], ['e']])
  })

  test('a write resolves only after its commit', async () => {
    const { target, put } = setUp()
    let seen: number | undefined
    const written = put('a').then(() => {
      seen = target.committed.length
    })
    expect(target.committed).toEqual([])
    await written
    expect(seen).toBe(1)
  })

  test('a unit that fails is undone alone', async () => {
    const { target, put, fail } = setUp()
    const conflict = new StintError('LEDGER_CONFLICT')
    const [a, bad, b] = await Promise.allSettled([put('a'), fail(conflict), put('b')])
    expect([a?.status, b?.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(bad).toEqual({ status: 'rejected', reason: conflict })
    expect(target.committed).toEqual([['a', 'b']])
  })

  test('every unit that fails of several is undone, and the rest are in the commit once', async () => {
    const { target, put, fail } = setUp()
    const conflict = new StintError('LEDGER_CONFLICT')
    const answers = await Promise.allSettled([put('a'), fail(conflict), put('b'), fail(conflict), put('c')])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'])
    expect(target.committed).toEqual([['a', 'b', 'c']])
  })

  test('another writer that comes between the two runs of a batch only delays', async () => {
    const { target, commits, put, fail } = setUp()
    const beginBusy = commits.write(() => {
      target.failBegin = new Error('busy')
    })
    const answers = await Promise.allSettled([beginBusy, fail(new StintError('LEDGER_CONFLICT'))])
    for (const answer of answers) expect(answer).toMatchObject({ reason: { code: 'LEDGER_UNAVAILABLE' } })
    target.failBegin = undefined
    await put('b')
    expect(target.committed).toEqual([['b']])
  })

  test('an error of the caller that is none of ours comes back as INTERNAL', async () => {
    const { fail } = setUp()
    await expect(fail(new TypeError('x'))).rejects.toMatchObject({ code: 'INTERNAL' })
  })

  for (const { name, step } of [
    { name: 'a commit that fails', step: 'failCommit' },
    { name: 'a commit that cannot begin', step: 'failBegin' },
  ] as const) {
    test(`after ${name} its writes, those that wait and all later ones are refused`, async () => {
      const { target, commits, put } = setUp({ maxBatch: 2 })
      target[step] = new Error('EIO')
      const answers = await Promise.allSettled(['a', 'b', 'c'].map((one) => put(one)))
      target[step] = undefined
      answers.push(...(await Promise.allSettled([put('d'), put('e', 'settling')])))
      const reason = { code: 'LEDGER_UNAVAILABLE', details: { poisoned: true } }
      for (const answer of answers) expect(answer).toMatchObject({ reason })
      expect(target.committed).toEqual([])
      await commits.close()
    })
  }

  test('a unit that meets a failing disk takes its neighbours with it', async () => {
    const { target, put, fail } = setUp()
    const answers = await Promise.allSettled([put('a'), fail(new Error('disk')), put('b')])
    for (const answer of answers) expect(answer).toMatchObject({ reason: { code: 'LEDGER_UNAVAILABLE' } })
    expect(target.committed).toEqual([])
  })

  test('another writer on the file only delays', async () => {
    const { target, put } = setUp()
    target.failBegin = new Error('busy')
    await expect(put('a')).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    target.failBegin = undefined
    await put('b')
    expect(target.committed).toEqual([['b']])
  })

  test('a full queue refuses grants before it refuses what takes access away', async () => {
    const { target, put } = setUp({ maxQueue: 2, reserved: 1 })
    const waiting = [put('a'), put('b')]
    await expect(put('c')).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    waiting.push(put('d', 'settling'))
    await expect(put('e', 'settling')).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    await Promise.all(waiting)
    expect(target.committed).toEqual([['a', 'b', 'd']])
  })

  test('closing waits for what is in hand and refuses the rest', async () => {
    const { target, commits, put } = setUp({ maxBatch: 1 })
    const writes = [put('a'), put('b')]
    await commits.close()
    expect(target.committed).toEqual([['a'], ['b']])
    await Promise.all(writes)
    await expect(put('c')).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
  })
})
