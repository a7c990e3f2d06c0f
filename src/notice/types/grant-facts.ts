import { hasCode } from '../../core/errors.ts'
import { BoundedMap } from '../../core/limits/bounded-map.ts'
import type { LedgerReads } from '../../ledger/ledger.ts'
import { roleAccountId } from '../../ledger/rules/hold-rules.ts'
import type { Plan } from '../../plan/plan.ts'
import type { GrantFacts, NoticeContent } from './notice-content.ts'

const REMEMBERED = 500
/** Maximum length of each list, so that no plan makes a message that a receiver refuses. */
const MAX_LISTED = 50
const MAX_PURPOSE = 300

/** The facts about a grant that notices contain. */
export interface DescribedGrant {
  readonly grant: GrantFacts
  readonly agentSays: NonNullable<NoticeContent['agentSays']>
}

type BookReads = Pick<LedgerReads, 'getGrant' | 'getPlan' | 'findApproval'>

/** Looks up what notices say of grants; what never changes of a grant is remembered. */
export class GrantBook {
  readonly #ledger: BookReads
  readonly #known = new BoundedMap<DescribedGrant>({ limit: REMEMBERED })

  constructor(ledger: BookReads) {
    this.#ledger = ledger
  }

  /** @returns undefined for a grant that retention has removed, or whose row is damaged */
  async find(grantId: string): Promise<DescribedGrant | undefined> {
    const known = this.#known.get(grantId)
    if (known) return known
    const found = await this.#read(grantId).catch(ignoreDamage)
    if (found) this.#known.set(grantId, found)
    return found
  }

  /** The id of the approval of a grant. */
  async findApproval(grantId: string): Promise<string | undefined> {
    return (await this.#ledger.findApproval(grantId).catch(ignoreDamage))?.id
  }

  async #read(grantId: string): Promise<DescribedGrant | undefined> {
    const grant = await this.#ledger.getGrant(grantId)
    if (!grant) return undefined
    const plan = await this.#ledger.getPlan(grant.planHash).catch(ignoreDamage)
    const { id, subject: agent, owner, team, registration, roleArn, planHash, purpose } = grant
    const account = roleAccountId(roleArn) ?? ''
    const facts = { id, agent, owner, team, registration, roleArn, account, planHash, ...planFacts(plan) }
    return { grant: facts, agentSays: { purpose: cut(purpose) } }
  }
}

function planFacts(plan: Plan | undefined): Pick<GrantFacts, 'classes' | 'labels'> {
  if (!plan) return { classes: [], labels: [] }
  return { classes: [...plan.classes], labels: Object.keys(plan.blastRadius.byLabel).slice(0, MAX_LISTED) }
}

function cut(text: string): string {
  const characters = [...text]
  return characters.length <= MAX_PURPOSE ? text : `${characters.slice(0, MAX_PURPOSE).join('')}…`
}

function ignoreDamage(error: unknown): undefined {
  if (!hasCode(error, 'LEDGER_CORRUPT')) throw error
  return undefined
}
