import { asStintError, type ErrorCode } from '../errors.ts'

/** A problem of a part of the process now, for operators and probes. */
export interface Problem {
  /** e.g. `policy`, `bundle:example.org`, `reconcile`. */
  readonly component: string
  /** Set for a finding of a part that works otherwise, e.g. `kid-repeated`. */
  readonly finding?: string
  readonly code: ErrorCode
  readonly explanation: string
  readonly since: Date
}

/** Something that a part which works still wants a person to see, e.g. a key of a bundle that does not count. */
export interface Finding {
  /** Names the finding within its component. Several of one name are shown as the first, with their number. */
  readonly finding: string
  readonly code: ErrorCode
  readonly explanation: string
}

/** More distinct findings of one component than this are cut: their texts may come from a foreign document. */
const MAX_FINDINGS = 50

/**
 * The problems of each part now. An entry belongs to one component and stays until that component says that it works
 * again; no other part touches it.
 */
export class ProblemBoard {
  readonly #problems = new Map<string, Problem>()
  readonly #findings = new Map<string, readonly Problem[]>()

  /** The component does not work; `since` is when it first said so. */
  report(component: string, thrown: unknown, at: Date): void {
    const { code, message } = asStintError(thrown)
    const since = this.#problems.get(component)?.since ?? at
    this.#problems.set(component, { component, code, explanation: message, since })
  }

  /** The component works again. Its findings stay: they belong to what it has loaded. */
  clear(component: string): void {
    this.#problems.delete(component)
  }

  /** Replaces all findings of the component; none takes them off. One that was there before keeps its `since`. */
  setFindings(component: string, findings: readonly Finding[], at: Date): void {
    const before = this.#findings.get(component) ?? []
    const counted = countByName(findings).slice(0, MAX_FINDINGS)
    if (counted.length === 0) return void this.#findings.delete(component)
    this.#findings.set(
      component,
      counted.map((found) => ({
        component,
        ...found,
        since: before.find(({ finding }) => finding === found.finding)?.since ?? at,
      })),
    )
  }

  /** By component, its problem before its findings. */
  list(): Problem[] {
    const all = [...this.#problems.values(), ...[...this.#findings.values()].flat()]
    return all.sort((a, b) => compare(a.component, b.component) || compare(a.finding ?? '', b.finding ?? ''))
  }
}

function countByName(findings: readonly Finding[]): Finding[] {
  const byName = Map.groupBy(findings, ({ finding }) => finding)
  return [...byName.values()].flatMap(([first, ...more]) => {
    if (!first) return []
    return [{ ...first, explanation: first.explanation + suffixFor(first, more) }]
  })
}

function suffixFor(first: Finding, more: readonly Finding[]): string {
  if (more.length === 0) return ''
  const isSame = more.every(({ explanation }) => explanation === first.explanation)
  return isSame ? ` (${more.length + 1} times)` : ` (and ${more.length} more of this kind; see the log)`
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
