import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const CHAIN = new URL('../../../src/credentials/aws-sts/own-credentials/default-chain.ts', import.meta.url).href

/** A metadata service of an instance, or a proxy: it keeps what it is asked. */
function listen(asked: string[]) {
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    if (request.url?.endsWith('/token')) return response.end('token-of-the-instance')
    if (request.url?.endsWith('/security-credentials/')) return response.end('broker')
    const Expiration = new Date(Date.now() + 3_600_000).toISOString()
    const keys = { AccessKeyId: 'ASIAINSTANCE', SecretAccessKey: 'secret', Token: 'token' }
    response.end(JSON.stringify({ Code: 'Success', ...keys, Expiration }))
  })
  return new Promise<{ url: string; close: () => void }>((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      resolve({ url, close: () => server.close() })
    }),
  )
}

const asked = { instance: [] as string[], proxy: [] as string[] }
const ends: (() => void)[] = []
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  const [instance, proxy] = await Promise.all([listen(asked.instance), listen(asked.proxy)])
  ends.push(instance.close, proxy.close)
  env = {
    NODE_USE_ENV_PROXY: '1',
    HTTP_PROXY: proxy.url,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: instance.url,
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    AWS_CONFIG_FILE: '/nowhere',
  }
})
afterAll(() => {
  for (const end of ends) end()
})

// Node 24, `NODE_USE_ENV_PROXY`: the global agents follow HTTP_PROXY.
test('the credentials of an instance never pass a proxy, whatever the environment says', async () => {
  const code = `
    const { readDefaultChain } = await import(${JSON.stringify(CHAIN)})
    const read = readDefaultChain({ region: 'eu-west-1', http: { connectionTimeoutMs: 5000, requestTimeoutMs: 5000 } })
    console.log((await read()).accessKeyId)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { env, timeout: 60_000 })
  expect(stdout.trim()).toBe('ASIAINSTANCE')
  expect(asked.instance.length).toBeGreaterThan(1)
  expect(asked.proxy).toEqual([])
})
