import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'

/** Paths of the programs that the suite runs; absent where they cannot be had. */
export interface ChartTools {
  readonly helm: string
  /** A Python that has kubernetes-validate. */
  readonly python: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    tools: ChartTools | null
  }
}

/** Gets the tools before any suite runs. Where they cannot be had the suites are skipped; with CI set that is a failure. */
export default function setup(project: TestProject): void {
  project.provide('tools', toolsOrNull())
}

function toolsOrNull(): ChartTools | null {
  try {
    return { helm: get('get-helm.sh'), python: get('get-kubernetes-validate.sh') }
  } catch (error) {
    if (process.env.CI) throw error
    console.warn('the chart is not tested: helm or kubernetes-validate cannot be had')
    return null
  }
}

function get(script: string): string {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  return execFileSync('bash', [path], { encoding: 'utf8', stdio: [...stdio], timeout: 900_000 }).trim()
}
