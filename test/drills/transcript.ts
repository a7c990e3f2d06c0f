import type { Ledger } from '../../src/ledger/ledger.ts'
import type { CrashStage } from '../crash/crash-stage.ts'
import { allGrants, verifyLedger } from '../support/audit-record.ts'
import type { SteadyAgents } from '../upgrade/steady-agents.ts'

/** What a drill did and what it counted, line by line. */
export class Transcript {
  readonly lines: string[] = []
  readonly broken: string[] = []
  readonly #fromMs = performance.now()
  readonly #print: (line: string) => void

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  /** A step, with the seconds since the beginning. */
  step(what: string): void {
    this.#say(`${((performance.now() - this.#fromMs) / 1_000).toFixed(1).padStart(6)} s  ${what}`)
  }

  /** A figure of the end. @param wanted what it has to be, where anything else breaks a promise */
  count(what: string, figure: number | string, wanted?: number | string): void {
    const isBroken = wanted !== undefined && figure !== wanted
    if (isBroken) this.broken.push(`${what}: ${figure} instead of ${wanted}`)
    this.#say(`          ${what}: ${figure}${isBroken ? `  <- has to be ${wanted}` : ''}`)
  }

  #say(line: string): void {
    this.lines.push(line)
    this.#print(line)
  }
}

/** What has to hold after every drill: of the grants that agents finished, none is lost or doubled, and no session is unknown. */
export async function countRecord(
  transcript: Transcript,
  ledger: Ledger,
  stage: CrashStage,
  agents: SteadyAgents,
): Promise<void> {
  const grants = await allGrants(ledger)
  const byKey = Map.groupBy(grants, ({ idempotencyKey }) => idempotencyKey)
  const leases = (await Promise.all(grants.map(({ id }) => ledger.listLeases(id)))).flat()
  const bySession = new Map(leases.map((lease) => [lease.sessionName, lease]))
  const sessions = stage.stage.cloud.sessions()
  const over = sessions.filter(({ sessionName }) => bySession.get(sessionName)?.state === 'ended')
  transcript.count('grants that agents requested, renewed and completed', agents.done.length)
  transcript.count('of these missing in the ledger', agents.done.filter((key) => !byKey.has(key)).length, 0)
  transcript.count('keys with two grants', [...byKey.values()].filter((same) => same.length > 1).length, 0)
  transcript.count('sessions that STS made', sessions.length)
  transcript.count(
    'of these not on record',
    sessions.filter(({ sessionName }) => !bySession.has(sessionName)).length,
    0,
  )
  transcript.count(
    'sessions that work, of leases that are called ended',
    over.filter((one) => stage.works(one.accessKeyId)).length,
    0,
  )
  transcript.count('audit chains', (await verifyLedger(ledger)).problem?.kind ?? 'whole', 'whole')
}
