import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { StintError } from '../../src/core/errors.ts'
import type { PracticeCloudOptions } from '../../src/practice/cloud.ts'
import type { PracticeKeys, PrincipalSpec, RoleSpec } from '../../src/practice/cloud-controls.ts'
import { CONTROL_TOKEN_HEADER } from '../../src/practice/control-routes.ts'

/** A practice cloud in another process. `call` reaches every method of the control surface. */
export interface RemotePracticeCloud {
  readonly endpoint: string
  readonly region: string
  readonly accountId: string
  readonly pid: number
  addPrincipal(spec: PrincipalSpec): Promise<PracticeKeys>
  createRole(spec: RoleSpec): Promise<{ readonly arn: string; readonly roleId: string }>
  /**
   * Any method of the control surface, with its arguments as one object; dates come back as ISO 8601 text.
   *
   * @throws {StintError} REQUEST_INVALID with the explanation of the other side; BROKER_UNAVAILABLE if it is gone.
   */
  call(method: string, input?: object): Promise<unknown>
  /** Ends the process and waits for its end. */
  close(): Promise<void>
}

/** What crosses to the other process. */
export type RemotePracticeCloudOptions = Omit<PracticeCloudOptions, 'clock' | 'signatureClock' | 'controlToken'>

/**
 * Starts `serve.ts` with this process's Node. The child ends with this process, also when that is killed.
 *
 * @throws {StintError} REQUEST_INVALID if it ends before it listens, or takes more than 15 s.
 */
export async function spawnPracticeCloud(options: RemotePracticeCloudOptions = {}): Promise<RemotePracticeCloud> {
  const program = fileURLToPath(new URL('../../src/practice/serve.ts', import.meta.url))
  const child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const { controlToken, ...served } = await firstLine(child)
  const call = (method: string, input: object = {}) =>
    post(`${served.endpoint}/_practice/${method}`, controlToken, input)
  return {
    ...served,
    call,
    addPrincipal: (spec) => call('addPrincipal', spec) as Promise<PracticeKeys>,
    createRole: (spec) => call('createRole', spec) as Promise<{ arn: string; roleId: string }>,
    close: () => end(child),
  }
}

interface Served {
  readonly endpoint: string
  readonly region: string
  readonly accountId: string
  readonly pid: number
  readonly controlToken: string
}

function firstLine(child: ChildProcess): Promise<Served> {
  return new Promise((resolve, reject) => {
    const fail = () => {
      child.kill('SIGKILL')
      reject(new StintError('REQUEST_INVALID', { explanation: 'The practice cloud process did not start.' }))
    }
    const timer = setTimeout(fail, 15_000)
    child.once('exit', fail)
    child.once('error', fail)
    if (child.stdout === null) return fail()
    createInterface(child.stdout).once('line', (line) => {
      clearTimeout(timer)
      child.off('exit', fail)
      resolve(JSON.parse(line) as Served)
    })
  })
}

async function post(url: string, controlToken: string, input: object): Promise<unknown> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { [CONTROL_TOKEN_HEADER]: controlToken },
    body: JSON.stringify(input),
    signal: AbortSignal.timeout(30_000),
  }).catch((error: unknown) => {
    throw new StintError('BROKER_UNAVAILABLE', { explanation: 'The practice cloud process does not answer.' }, error)
  })
  const { result, error } = (await answer.json()) as { result?: unknown; error?: { explanation: string } }
  if (error !== undefined) throw new StintError('REQUEST_INVALID', { explanation: error.explanation })
  return result
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
