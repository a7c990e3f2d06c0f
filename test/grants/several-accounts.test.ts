import { afterEach, beforeEach, expect, test } from 'vitest'
import { idBody } from '../../src/core/ids.ts'
import { type AwsStsProvider, createAwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import { DenyMemory } from '../../src/grants/deny/deny-memory.ts'
import { DenyProblems } from '../../src/grants/deny/deny-problems.ts'
import { beginDenyWrites } from '../../src/grants/deny/deny-reconciler.ts'
import { caller, OSCAR, openHarness, task, WRITE } from '../support/grant-harness.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { StsServer } from '../support/sts-server.ts'

const ACCOUNTS = ['111111111111', '222222222222', '333333333333'] as const
const [HANGING, ...OTHERS] = ACCOUNTS
const roleIn = (account: string) => `arn:aws:iam::${account}:role/stint/deployer`
const boundaryIn = (account: string) => `arn:aws:iam::${account}:policy/stint-boundary`

let server: StsServer
let h: Awaited<ReturnType<typeof openHarness<AwsStsProvider>>>
beforeEach(async () => {
  const clock = new ManualClock()
  server = await StsServer.start({ clock })
  for (const account of ACCOUNTS) server.addManagedPolicy(boundaryIn(account))
  const provider = createAwsStsProvider({
    region: 'eu-west-1',
    stsEndpoint: server.endpoint,
    iamEndpoint: server.endpoint,
    credentials: { accessKeyId: 'BROKEREXAMPLE', secretAccessKey: 'secret' },
    roles: [
      {
        arn: roleIn('*'),
        accounts: ACCOUNTS,
        revocation: {
          kind: 'boundary',
          policyArn: boundaryIn('{account}'),
          revoker: { roleArn: 'arn:aws:iam::{account}:role/stint/revoker' },
        },
      },
    ],
    clock,
  })
  h = await openHarness({ clock, provider, roles: ACCOUNTS.map(roleIn) })
})
afterEach(async () => {
  await h.close()
  h.remove()
  h.provider.close()
  await server.stop()
})

async function revokedGrantIn(account: string): Promise<string> {
  const { grant } = await h.request(`key-of-${account}`, task(WRITE, { roleArn: roleIn(account) }), caller())
  expect(grant.state).toBe('active')
  await h.operators.revokeGrant(OSCAR, grant.id, 'to test')
  return grant.id
}

test("one account's IAM hangs, and the grants of the others are denied in the first pass", async () => {
  const ids = new Map<string, string>()
  for (const account of ACCOUNTS) ids.set(account, await revokedGrantIn(account))
  const hangs = (text: string | undefined) => text?.includes(`:${HANGING}:`) === true
  server.whenever((request) =>
    hangs(request.parameters.PolicyArn) || hangs(request.parameters.RoleArn) ? { kind: 'hang' } : undefined,
  )

  const stop = new AbortController()
  const writes: Promise<void>[] = []
  const memory = new DenyMemory()
  const problems = new DenyProblems({ ...h.parts, ...reports() })
  const parts = { ...h.parts, owner: 'test', random: () => 0.5, memory, problems }
  await beginDenyWrites(parts, stop.signal, (write) => {
    writes.push(write)
  })
  expect(writes).toHaveLength(3)
  // The clock stands still: nothing here waits for a time to pass.
  let written = 0
  const two = Promise.withResolvers<void>()
  for (const write of writes) void write.then(() => ++written === 2 && two.resolve())
  await two.promise

  for (const account of OTHERS) {
    const id = ids.get(account) ?? ''
    expect(server.managedDocument(boundaryIn(account))).toContain(idBody(id))
    expect((await h.ledger.findDenyEntry(id))?.writtenAt).toEqual(h.clock.now())
  }
  expect((await h.ledger.findDenyEntry(ids.get(HANGING) ?? ''))?.writtenAt).toBeUndefined()
  stop.abort()
  await Promise.all(writes)
})

test('an account that answers again gets what it has missed', async () => {
  const id = await revokedGrantIn(HANGING)
  server.whenever(() => ({ kind: 'error', status: 403, code: 'AccessDenied' }))
  await h.sweeper.reconcile()
  expect(h.problems.map(({ component }) => component)).toEqual([`deny:boundary:${boundaryIn(HANGING)}`])
  server.whenever(undefined)
  await h.clock.advance(60_000)
  await h.sweeper.reconcile()
  expect(server.managedDocument(boundaryIn(HANGING))).toContain(idBody(id))
  expect(h.well).toContain(`deny:boundary:${boundaryIn(HANGING)}`)
})

test('an account that never answered is let go once nothing there needs a deny, and one that did is not', async () => {
  const [never, before] = [HANGING, OTHERS[0] ?? '']
  const gone = await revokedGrantIn(never)
  await revokedGrantIn(before)
  const isIn = (account: string, text = '') => text.includes(`:${account}:`)
  server.whenever(({ parameters }) =>
    isIn(never, parameters.RoleArn) ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined,
  )
  await h.sweeper.reconcile()
  server.whenever(() => ({ kind: 'error', status: 403, code: 'AccessDenied' }))
  const end = (await h.ledger.findDenyEntry(gone))?.until.getTime() ?? 0
  // Until then it is tried again and again.
  while (h.clock.now().getTime() <= end) {
    expect(await h.ledger.findDenyEntry(gone)).toBeDefined()
    await h.clock.advance(61_000)
    await h.sweeper.reconcile()
  }
  expect(await h.ledger.findDenyEntry(gone)).toBeUndefined()
  expect(h.well).toContain(`deny:boundary:${boundaryIn(never)}`)
  expect(await h.ledger.getDenyList(`boundary:${boundaryIn(never)}`)).not.toHaveProperty('nextAttemptAt')
  // What was written stays looked at until AWS itself has told that it is over.
  expect(await h.ledger.getDenyList(`boundary:${boundaryIn(before)}`)).toHaveProperty('nextAttemptAt')
})

function reports() {
  return { onProblem: () => undefined, onWell: () => undefined }
}
