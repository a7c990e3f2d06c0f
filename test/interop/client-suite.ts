import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ForeignClient, type InteropStage, type Run, setInteropStage } from './interop-stage.ts'

/** What a client in any language has to come to: run by each of them. */
export function describeClient(title: string, client: ForeignClient): void {
  describe(title, () => {
    let stage: InteropStage
    beforeAll(async () => {
      stage = await setInteropStage()
    })
    afterAll(() => stage?.close())

    for (const { name, run, authMethod } of [
      { name: 'an X.509-SVID', run: { auth: 'mtls' }, authMethod: 'x509-svid' },
      { name: 'a JWT-SVID', run: { auth: 'jwt' }, authMethod: 'jwt-svid' },
      { name: 'both together', run: { auth: 'both' }, authMethod: 'x509-svid+jwt-svid' },
      {
        name: 'an X.509-SVID of the Workload API that the other tests use',
        run: { auth: 'mtls', socket: 'watched' },
        authMethod: 'x509-svid',
      },
    ] satisfies { name: string; run: Run; authMethod: string }[])
      test(`it requests, reads, renews, reads, completes and is then refused by the cloud, by ${name}`, async () => {
        const story = await stage.run(client, run)
        expect(story).toMatchObject({
          subject: stage.agentId,
          leases: [1, 2],
          reads: ['{"invoice":1}', '{"invoice":1}'],
          reason: 'completed',
          afterEnd: 'AccessDenied',
        })
        expect((story.states as string[]).at(-1)).toBe('ENDED')
        expect(await stage.grant(story.grantId)).toMatchObject({ subject: stage.agentId, authMethod, leaseCount: 2 })
        if (run.auth !== 'mtls') expect(stage.audiences).toContain(stage.brokerId)
      })

    for (const { name, run, refused } of [
      {
        name: 'a token for another audience', // JWT-SVID, section 4.3
        run: { auth: 'jwt', audience: 'spiffe://practice.example/another' },
        refused: { status: 'UNAUTHENTICATED', reason: 'TOKEN_INVALID' },
      },
      {
        name: 'a token for another audience beside a good certificate',
        run: { auth: 'both', audience: 'spiffe://practice.example/another' },
        refused: { status: 'UNAUTHENTICATED', reason: 'TOKEN_INVALID' },
      },
      {
        name: 'the SVID of an agent that nobody registered',
        run: { auth: 'mtls', socket: 'unregistered' },
        refused: { status: 'PERMISSION_DENIED', reason: 'AGENT_UNREGISTERED' },
      },
      {
        name: 'the token of an agent that nobody registered',
        run: { auth: 'jwt', socket: 'unregistered' },
        refused: { status: 'PERMISSION_DENIED', reason: 'AGENT_UNREGISTERED' },
      },
    ] satisfies { name: string; run: Run; refused: object }[])
      test(`it reads the code with which ${name} is refused`, async () => {
        expect(await stage.run(client, run)).toEqual({ refused: { ...refused, domain: 'stint.v1' } })
      })
  })
}
