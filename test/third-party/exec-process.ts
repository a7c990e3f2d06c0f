import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Stage } from '../../src/practice/stage/stage.ts'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** How a run of `stint exec` ended. */
export interface ExecEnd {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const running = new Set<ChildProcess>()

/** `stint exec` as a process of its own, with a child that can be talked to line by line. */
export class ExecProcess {
  readonly ended: Promise<ExecEnd>
  readonly #child: ChildProcess
  readonly #waiting: ((line: string) => void)[] = []
  #stdout = ''
  #stderr = ''

  constructor(argv: readonly string[], env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [CLI, 'exec', ...argv], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    const { stdout, stderr } = this.#child
    if (stdout) {
      createInterface(stdout).on('line', (line) => {
        this.#stdout += `${line}\n`
        this.#waiting.shift()?.(line)
      })
    }
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    running.add(this.#child)
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code) => {
        running.delete(this.#child)
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr })
      })
    })
  }

  /** What `stint exec` and its child have said to a person so far. */
  get stderr(): string {
    return this.#stderr
  }

  /** Sends a line to the child's input, and reads the JSON line that it answers with. @throws {Error} when it ends instead */
  async ask(line: string): Promise<Record<string, unknown>> {
    const answer = new Promise<string>((resolve) => this.#waiting.push(resolve))
    this.tell(line)
    const end = this.ended.then(({ code, stderr }) => {
      throw new Error(`stint exec ended with ${code} instead of answering:\n${stderr}`)
    })
    return JSON.parse(await Promise.race([answer, end])) as Record<string, unknown>
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }
}

/** Ends every run that a test left, by its own process id; their children end when their input does. */
export function endExecs(): void {
  for (const child of running) child.kill('SIGTERM')
}

/** The environment of an agent on a machine that has nothing but its SVID. */
export async function agentEnvironment(
  stage: Stage,
  { address, awsEndpoint }: { address: string; awsEndpoint: string },
): Promise<Record<string, string>> {
  const svid = await stage.issueSvid('/agents/invoice-bot')
  return {
    PATH: process.env.PATH ?? '',
    HOME: stage.folder,
    TMPDIR: stage.folder,
    STINT_ADDRESS: address,
    STINT_SERVER_ID: stage.brokerId,
    STINT_SVID_CERT: svid.certificateFile,
    STINT_SVID_KEY: svid.privateKeyFile,
    STINT_BUNDLE: stage.rootsFile,
    AWS_ENDPOINT_URL: awsEndpoint,
  }
}
