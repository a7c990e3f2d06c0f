import type { AuthorizationAnswer, EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs'
import { ACTION_CLASSES } from '../../aws/action-classes.ts'
import { BoundedMap } from '../../core/limits/bounded-map.ts'
import type { Policy } from '../policy.ts'
import { findReach, type Reach, type RequestShape, reachesAgent, reachesLabels } from './candidates.ts'
import { type CedarEngine, loadCedarEngine } from './cedar-engine.ts'
import { collectReads, keepRead, type Reads } from './policy-expression.ts'

/** One authorization: an agent, a pair's class, a resource pattern, and the context. */
export interface CedarRequest extends RequestShape {
  readonly agent: EntityJson
  readonly resource: EntityJson
  /** The entity that `context.conditions` names; its id tells conditions apart. */
  readonly conditions: EntityJson
  readonly context: Readonly<Record<string, string | number | string[] | { readonly __entity: TypeAndId }>>
}

/** Cedar's answer, by policy id. `failed` also stands for a request that Cedar would not judge at all. */
export interface Verdict {
  readonly allowed: boolean
  /** The permits, or the forbids, that applied. */
  readonly applied: readonly Policy[]
  /** Policies whose evaluation failed. */
  readonly erring: readonly Policy[]
  readonly failed: boolean
}

/** Policies held ready for Cedar over all slices; a slice is what one kind of request can meet. */
const MAX_PREPARED_POLICIES = 20_000
const MAX_SLICES = 256
/** References to policies that are remembered by kind of agent. */
const MAX_REACHING = 200_000

interface Indexed {
  readonly policy: Policy
  readonly reach: Reach
  readonly index: number
}

/** Cedar with one policy set. Only policies that can bear on a request are handed to it; see `candidates.ts`. */
export class CedarJudge {
  /** The attributes that the set's policies read. */
  readonly reads: Reads
  readonly #policies: readonly Indexed[]
  readonly #byId: ReadonlyMap<string, Policy>
  readonly #reaching = new BoundedMap<readonly Indexed[]>({ limit: MAX_REACHING })
  #engine: CedarEngine | undefined
  #slices: BoundedMap<string>
  #freeSlots: string[] = []

  /** @param engine one that nobody else uses. */
  constructor(policies: readonly Policy[], engine: CedarEngine) {
    this.reads = collectReads(policies.map(({ json }) => json))
    this.#policies = policies.map((policy, index) => ({ policy, index, reach: findReach(policy.json) }))
    this.#byId = new Map(policies.map((policy) => [policy.id, policy]))
    this.#slices = this.#start(engine)
  }

  /** Judges one request. Never throws: where Cedar cannot answer, the verdict is `failed`, which denies. */
  judge(request: CedarRequest): Verdict {
    if (!isWellFormed(request)) return FAILED
    try {
      return this.#verdict(this.#ask(this.#findSlot(this.#candidates(request)), request))
    } catch {
      // A trap leaves the engine unusable: the next request gets a new one, this one is denied.
      this.#engine = undefined
      return FAILED
    }
  }

  /** Ids of the policies that Cedar would be given for a request. */
  candidateIds(request: RequestShape): string[] {
    return this.#candidates(request).map(({ policy }) => policy.id)
  }

  #candidates(request: RequestShape): Indexed[] {
    const key = JSON.stringify([request.class, request.team, request.subject])
    let reaching = this.#reaching.get(key)
    if (!reaching) {
      reaching = this.#policies.filter(({ reach }) => reachesAgent(reach, request))
      this.#reaching.set(key, reaching, reaching.length + 1)
    }
    return reaching.filter(({ reach }) => reachesLabels(reach, request))
  }

  /**
   * Without the schema, which the policies were validated against, and with only what they read: a third of the time
   * and the same answer.
   */
  #ask(slot: string, { class: actionClass, agent, resource, conditions, context }: CedarRequest): AuthorizationAnswer {
    const known = keepRead(context, this.reads.context)
    return this.#running().statefulIsAuthorized({
      principal: agent.uid,
      action: { type: 'Stint::Action', id: actionClass },
      resource: resource.uid,
      context: known,
      entities: [
        { ...agent, attrs: keepRead(agent.attrs, this.reads.principal) },
        { ...resource, attrs: keepRead(resource.attrs, this.reads.resource) },
        ...('conditions' in known ? [conditions] : []),
      ],
      preparsedPolicySetId: slot,
    })
  }

  #verdict(answer: AuthorizationAnswer): Verdict {
    if (answer.type === 'failure') return FAILED
    const { decision, diagnostics } = answer.response
    const named = (id: string) => this.#byId.get(id) ?? throwError(`Cedar names the unknown policy ${id}`)
    const erring = diagnostics.errors.map(({ policyId }) => named(policyId))
    return { allowed: decision === 'allow', applied: diagnostics.reason.map(named), erring, failed: erring.length > 0 }
  }

  #findSlot(candidates: readonly Indexed[]): string {
    const engine = this.#running()
    const key = candidates.map(({ index }) => index).join(',')
    const known = this.#slices.get(key)
    if (known !== undefined) return known
    // Cedar has no way to drop a prepared set but to write over its name, so names are used again.
    const slot = this.#freeSlots.pop() ?? `slice-${this.#slices.size}`
    const staticPolicies = Object.fromEntries(candidates.map(({ policy }) => [policy.id, policy.text]))
    const answer = engine.preparsePolicySet(slot, { staticPolicies })
    if (answer.type === 'failure') throwError('Cedar refuses a slice of a policy set that it has checked')
    this.#slices.set(key, slot, Math.max(candidates.length, MAX_PREPARED_POLICIES / MAX_SLICES))
    return slot
  }

  #running(): CedarEngine {
    if (this.#engine) return this.#engine
    const engine = loadCedarEngine()
    this.#slices = this.#start(engine)
    return engine
  }

  #start(engine: CedarEngine): BoundedMap<string> {
    this.#engine = engine
    this.#freeSlots = []
    const onForget = (slot: string) => {
      engine.preparsePolicySet(slot, { staticPolicies: {} })
      this.#freeSlots.push(slot)
    }
    return new BoundedMap({ limit: MAX_PREPARED_POLICIES, onForget })
  }
}

const FAILED: Verdict = { allowed: false, applied: [], erring: [], failed: true }

/** Checks that the schema would make on a request and types cannot: the class exists, numbers are whole. */
function isWellFormed(request: CedarRequest): boolean {
  const numbers = Object.values(request.context).filter((value) => typeof value === 'number')
  return ACTION_CLASSES.includes(request.class) && numbers.every(Number.isSafeInteger)
}

function throwError(message: string): never {
  throw new Error(message)
}
