import { execFile, execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { parseAllDocuments } from 'yaml'

/** The chart's folder. */
export const CHART = fileURLToPath(new URL('../../helm', import.meta.url))
export const RELEASE = 'stint'
const NAMESPACE = 'security'

/** A rendered object. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels: Record<string, string>
    readonly annotations?: Record<string, string>
  }
  readonly data?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

export type Values = Record<string, unknown>

/** What helm said; `code` is 0 when it did as it was told. */
export interface HelmAnswer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `helm <args…> -f <values>`; JSON, since no YAML can be taken for it in another way. */
export function helm(args: readonly string[], values: Values): Promise<HelmAnswer> {
  const { helm: program } = inject('tools') ?? { helm: 'helm' }
  return new Promise((resolve) => {
    const child = execFile(program, [...args, '--namespace', NAMESPACE, '-f', '-'], (error, stdout, stderr) => {
      resolve({ code: error ? 1 : 0, stdout, stderr })
    })
    child.stdin?.end(JSON.stringify(values))
  })
}

/** The objects that the chart comes to. */
export async function render(values: Values, release: string = RELEASE): Promise<KubeObject[]> {
  const { code, stdout, stderr } = await helm(['template', release, CHART], values)
  if (code !== 0) throw new Error(stderr)
  // As Kubernetes reads it: YAML 1.1.
  return parseAllDocuments(stdout, { version: '1.1' })
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null)
}

/** Why helm does not render these values. */
export async function refusal(values: Values): Promise<string> {
  const { code, stderr } = await helm(['template', RELEASE, CHART], values)
  if (code === 0) throw new Error('helm has rendered it')
  return stderr
}

/** Problems that Kubernetes' own schemas have with the objects, as `name: problem`. Kinds of operators are not Kubernetes' own. */
export function kubernetesProblems(
  named: readonly (readonly [name: string, object: KubeObject])[],
): (readonly [string, string])[] {
  const { python } = inject('tools') ?? { python: 'python3' }
  const script = fileURLToPath(new URL('validate.py', import.meta.url))
  const answer = execFileSync(python, [script], {
    input: JSON.stringify(named.filter(([, { apiVersion }]) => !apiVersion.startsWith('monitoring.coreos.com/'))),
    encoding: 'utf8',
    maxBuffer: 64 * 1_048_576,
  })
  return JSON.parse(answer) as [string, string][]
}

/** The one object of that kind and name. */
export function find(objects: readonly KubeObject[], kind: string, name: string = RELEASE): KubeObject | undefined {
  return objects.find((object) => object.kind === kind && object.metadata.name === name)
}
