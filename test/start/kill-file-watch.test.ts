import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { StintError } from '../../src/core/errors.ts'
import { KillFileWatch } from '../../src/start/background/kill-file-watch.ts'
import { caller, type Harness, OSCAR, openHarness } from '../support/grant-harness.ts'

const AGENT = caller().subject

let h: Harness
let folder: string
let file: string
let watch: KillFileWatch
let problem: StintError | undefined
let killed: object[]
beforeEach(async () => {
  h = await openHarness()
  folder = mkdtempSync(join(tmpdir(), 'stint-kill-'))
  file = join(folder, 'kill')
  killed = []
  watch = new KillFileWatch({
    ...h.parts,
    file: () => file,
    onState: (state) => {
      problem = state
    },
    onKilled: (facts) => killed.push(facts),
  })
})
afterEach(async () => {
  await h.close()
  h.remove()
  rmSync(folder, { recursive: true, force: true })
})

const scopes = async () => (await h.ledger.holdsInForce()).map(({ scope, by, why }) => ({ ...scope, by, why }))

test('a file that is not there kills nothing, and is no problem', async () => {
  await watch.look()
  expect(await scopes()).toEqual([])
  expect(problem).toBeUndefined()
})

test('every line is a kill by the file, once, with its reason', async () => {
  writeFileSync(file, `# the night of 28 November\nagent ${AGENT} it deletes buckets\n\neverything\n`)
  await watch.look()
  await watch.look()
  expect(await scopes()).toEqual([
    { kind: 'agent', value: AGENT, by: 'file', why: 'it deletes buckets' },
    { kind: 'everything', value: '*', by: 'file', why: 'named in the break-glass file' },
  ])
  expect(killed).toHaveLength(2)
  expect(problem).toBeUndefined()
  await expect(h.request('key-00000001')).rejects.toMatchObject({ code: 'KILLED' })
})

test('a line that is none is named, and keeps no other from counting', async () => {
  writeFileSync(file, `planet earth\nagent nobody knows\naccount 12\nlease lse_01JD7Z0000EXAMP1E01EASE000\nteam data\n`)
  await watch.look()
  expect(await scopes()).toMatchObject([
    { kind: 'agent', value: 'nobody', why: 'knows' },
    { kind: 'team', value: 'data' },
  ])
  expect(problem?.message).toContain('Line 1')
  expect(problem?.message).toContain('Line 3')
  expect(problem?.message).toContain('lease')
})

// Teams and owners may have blanks in their names: without quotes the line would kill another team, and nobody would see it.
test('a value with blanks is in double quotes', async () => {
  writeFileSync(file, 'team "Data Platform" it deletes buckets\nowner "Ann\nowner "Ann" Lee\n')
  await watch.look()
  expect(await scopes()).toMatchObject([
    { kind: 'team', value: 'Data Platform', why: 'it deletes buckets' },
    { kind: 'owner', value: 'Ann', why: 'Lee' },
  ])
  expect(problem?.message).toContain('Line 2: the value has a double quote that is not closed.')
})

test('a file that is too long says which lines are not read', async () => {
  writeFileSync(file, `${'# nobody\n'.repeat(999)}team data\nteam web\n`)
  await watch.look()
  expect(await scopes()).toMatchObject([{ kind: 'team', value: 'data' }])
  expect(problem?.message).toContain('Lines after line 1000 are not read')
})

test('taking a line out lifts nothing; only then can the kill be lifted', async () => {
  writeFileSync(file, 'team data\n')
  await watch.look()
  expect(watch.names({ kind: 'team', value: 'data' })).toBe(true)
  rmSync(file)
  await watch.look()
  expect(watch.names({ kind: 'team', value: 'data' })).toBe(false)
  const [hold] = await h.ledger.holdsInForce()
  await h.kills.lift(OSCAR, hold?.id ?? '', 'looked at it')
  await watch.look()
  expect(await scopes()).toEqual([])
})

test('a file that everybody may write is not read', async () => {
  writeFileSync(file, 'everything\n')
  chmodSync(file, 0o666)
  await watch.look()
  expect(await scopes()).toEqual([])
  expect(problem?.code).toBe('CONFIG_INVALID')
  chmodSync(file, 0o640)
  await watch.look()
  expect(await scopes()).toHaveLength(1)
})
