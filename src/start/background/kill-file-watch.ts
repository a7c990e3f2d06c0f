import { asStintError, StintError } from '../../core/errors.ts'
import { openToOthers } from '../../core/files/open-to-others.ts'
import { readSmallFile, UnusableFileError } from '../../core/files/read-small-file.ts'
import { parseKillFile } from '../../grants/kill/kill-file.ts'
import { type KillOrder, type SetKillParts, setKill } from '../../grants/kill/set-kill.ts'
import type { Hold, HoldScope } from '../../ledger/holds/hold-records.ts'
import type { Ledger } from '../../ledger/ledger.ts'

/** Dependencies of watching the break-glass file. */
export interface KillFileParts extends SetKillParts {
  readonly ledger: SetKillParts['ledger'] & Pick<Ledger, 'holdsInForce'>
  /** The file of now; undefined: none is named. */
  readonly file: () => string | undefined
  /** Told what is wrong with the file; undefined: nothing. */
  readonly onState: (problem: StintError | undefined) => void
  readonly onKilled: (facts: { hold: string; scope: string; value: string; file: string }) => void
}

const MAX_NAMED = 5
const MAX_FILE_BYTES = 65_536

/**
 * The break-glass file: every scope that it names is killed, and stays so when its line goes. A line that cannot be used keeps no other
 * from counting.
 */
export class KillFileWatch {
  readonly #parts: KillFileParts
  /** The result of the lines of the file. */
  #named: readonly HoldScope[] = []

  constructor(parts: KillFileParts) {
    this.#parts = parts
  }

  /** True for a scope that the file named when it was looked at last. */
  names({ kind, value }: HoldScope): boolean {
    return this.#named.some((scope) => scope.kind === kind && scope.value === value)
  }

  /** Looks at the file once; whatever is wrong is on the status, and nothing is thrown. */
  async look(): Promise<void> {
    const file = this.#parts.file()
    try {
      const problems = file === undefined ? [] : await this.#apply(file)
      this.#parts.onState(file === undefined ? undefined : toProblem(file, problems))
    } catch (error) {
      this.#parts.onState(asStintError(error))
    }
  }

  async #apply(file: string): Promise<readonly string[]> {
    const text = await readIfThere(file)
    if (typeof text !== 'string') {
      this.#named = []
      return text
    }
    const { orders, problems } = parseKillFile(text)
    const held =
      orders.length === 0 ? [] : (await this.#parts.ledger.holdsInForce()).filter(({ kind }) => kind === 'kill')
    const applied = []
    for (const order of orders) applied.push(await this.#kill(order, held, file))
    this.#named = applied.flatMap((scope) => (typeof scope === 'string' ? [] : [scope]))
    return [...problems, ...applied.filter((problem) => typeof problem === 'string')]
  }

  /** @returns the scope that is killed now, or what keeps it from being killed */
  async #kill(order: KillOrder, held: readonly Hold[], file: string): Promise<HoldScope | string> {
    const known = held.find(({ scope }) => scope.kind === order.scope && scope.value === order.value)
    if (known) return known.scope
    try {
      const { kill, isExisting } = await setKill(this.#parts, 'file', order)
      if (!isExisting) this.#parts.onKilled({ hold: kill.id, scope: kill.scope, value: kill.value, file })
      return { kind: kill.scope, value: kill.value }
    } catch (error) {
      return `${order.scope} ${order.value ?? ''}: ${asStintError(error).message}`
    }
  }
}

/** The text of the file, or what keeps it from being used; no sentence if there is none, which is the usual thing. */
async function readIfThere(file: string): Promise<string | readonly string[]> {
  const open = openToOthers(file)
  if (open) return [`${open} Until then it is not read, since anybody could have written it.`]
  try {
    return (await readSmallFile(file, { maxBytes: MAX_FILE_BYTES })).text
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    const { cause } = error
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return []
    return [`The file ${error.message}.`]
  }
}

function toProblem(file: string, problems: readonly string[]): StintError | undefined {
  if (problems.length === 0) return undefined
  const explanation = `The break-glass file ${file} cannot be used as it is: ${problems.slice(0, MAX_NAMED).join(' ')}`
  return new StintError('CONFIG_INVALID', { explanation })
}
