import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { childEnvironment } from '../../src/cli/exec/child-environment.ts'
import { type CredentialEndpoint, serveCredentials } from '../../src/cli/exec/credential-endpoint.ts'
import { StintError } from '../../src/core/errors.ts'
import type { AwsCredentials } from '../../src/sdk/types.ts'
import { chainsHere, instanceMetadata, OTHER, serveElsewhere, TEMPTATIONS, tempt, whoIs } from './sdk-chains.ts'
import { describeWithService } from './service.ts'

const GRANTED = 'ASIAGRANTEDEXAMPLE00'

/** Real SDKs in an environment full of other identities: as a child of `stint exec` they are the grant's, or nobody. */
describeWithService(
  'a child of stint exec among other identities',
  ['STINT_PYTHON_ENV'],
  'test/third-party/python-env.sh; test/third-party/sdk-chains.sh',
  () => {
    const here = chainsHere()
    let elsewhere: Awaited<ReturnType<typeof serveElsewhere>>
    let endpoint: CredentialEndpoint
    let answer: () => Promise<AwsCredentials>
    let home: string

    beforeAll(async () => {
      elsewhere = await serveElsewhere()
      endpoint = await serveCredentials({ credentials: () => answer(), ended: new AbortController().signal })
    })
    afterAll(async () => {
      await endpoint?.close()
      elsewhere?.server.close()
      elsewhere?.server.closeAllConnections()
    })
    beforeEach(() => {
      home = mkdtempSync(join(tmpdir(), 'stint-test-'))
      const expiration = new Date(Date.now() + 3_600_000)
      answer = async () => ({ accessKeyId: GRANTED, secretAccessKey: 'secret', sessionToken: 'token', expiration })
    })
    afterEach(() => rmSync(home, { recursive: true, force: true }))

    /** The home directory and PATH are the person's: `exec` leaves them. */
    const person = () => ({ PATH: process.env.PATH ?? '', HOME: home, AWS_REGION: 'eu-west-1' })
    const asChild = async <T>(env: Record<string, string>, work: (env: Record<string, string>) => Promise<T>) => {
      const child = await childEnvironment({ env: { ...person(), ...env }, endpoint, grantId: 'grt_1' })
      try {
        return await work(child.env)
      } finally {
        await child.remove()
      }
    }
    /** The same environment with the endpoint in it and nothing taken out. */
    const asNeighbour = (env: Record<string, string>): Record<string, string> => ({
      ...person(),
      ...env,
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: endpoint.url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: endpoint.authorization.reveal(),
    })
    const askAll = async (env: Record<string, string>, chains = here) =>
      Object.fromEntries(
        await Promise.all(chains.map(async (chain) => [chain, (await whoIs(chain, env, elsewhere.url)) ?? 'nobody'])),
      )
    const all = (who: string, chains: readonly string[] = here) =>
      Object.fromEntries(chains.map((chain) => [chain, who]))

    for (const temptation of TEMPTATIONS) {
      const takers = temptation.takes.filter((chain) => here.includes(chain))
      test(`${temptation.name}: tempts ${takers.join(', ')}, and not as a child`, async () => {
        const env = tempt(home, elsewhere.url, [temptation])
        expect(await askAll(asNeighbour(env), takers)).toEqual(all(OTHER, takers))
        expect(await asChild(env, (child) => askAll(child, takers))).toEqual(all(GRANTED, takers))
      })
    }

    test('all of it at once tempts nobody', async () => {
      const env = tempt(home, elsewhere.url, TEMPTATIONS)
      const containers = {
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/other',
        AWS_CONTAINER_AUTHORIZATION_TOKEN: 'other',
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(home, 'token'),
      }
      expect(await asChild({ ...env, ...containers }, askAll)).toEqual(all(GRANTED))
    })

    test('where the grant is over, nobody is somebody else', async () => {
      answer = () => Promise.reject(new StintError('GRANT_NOT_ACTIVE', { explanation: 'It was revoked.' }))
      const env = { ...tempt(home, elsewhere.url, TEMPTATIONS), ...instanceMetadata(elsewhere.url) }
      expect(await asChild(env, askAll)).toEqual(all('nobody'))
    })

    test('without an endpoint the metadata service is what they ask', async () => {
      const asked = await askAll({ ...person(), AWS_DEFAULT_REGION: 'eu-west-1', ...instanceMetadata(elsewhere.url) })
      expect(Object.values(asked)).toContain(OTHER)
    })
  },
)
