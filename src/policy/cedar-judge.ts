import type { AuthorizationAnswer, EntityJson } from '@cedar-policy/cedar-wasm/nodejs'
import { BoundedMap } from './bounded-map.ts'
import { canApply, type Reach, type RequestShape, reachOf } from './candidates.ts'
import { CEDAR_SCHEMA, type CedarEngine, loadCedarEngine } from './cedar-engine.ts'
import { type Reads, readsOf } from './policy-expression.ts'
import type { Policy } from './policy-set.ts'

/** One authorization: an agent, a pair's class, a resource pattern, and the context. */
export interface CedarRequest extends RequestShape {
  readonly agent: EntityJson
  readonly resource: EntityJson
  readonly context: Readonly<Record<string, string | number | string[]>>
}

/** What Cedar says, by policy id. `failed` also stands for a request that Cedar would not judge at all. */
export interface Verdict {
  readonly allowed: boolean
  /** The permits, or the forbids, that applied. */
  readonly applied: readonly Policy[]
  /** Policies whose evaluation failed. */
  readonly erring: readonly Policy[]
  readonly failed: boolean
}

const SCHEMA_NAME = 'stint'
/** Policies held ready for Cedar over all slices; a slice is what one kind of request can meet. */
const MAX_PREPARED_POLICIES = 20_000
const MAX_SLICES = 256

/** Cedar with one policy set. Only policies that can bear on a request are handed to it; see `candidates.ts`. */
export class CedarJudge {
  /** What the set's policies look at. */
  readonly reads: Reads
  readonly #policies: readonly { readonly policy: Policy; readonly reach: Reach; readonly index: number }[]
  readonly #byId: ReadonlyMap<string, Policy>
  #engine: CedarEngine | undefined
  #slices: BoundedMap<string>
  #freeSlots: string[] = []

  /** @param engine one that nobody else uses. */
  constructor(policies: readonly Policy[], engine: CedarEngine) {
    this.reads = readsOf(policies.map(({ json }) => json))
    this.#policies = policies.map((policy, index) => ({ policy, index, reach: reachOf(policy.json) }))
    this.#byId = new Map(policies.map((policy) => [policy.id, policy]))
    this.#slices = this.#start(engine)
  }

  /** Judges one request. Never throws: where Cedar cannot answer, the verdict is `failed`, which denies. */
  judge(request: CedarRequest): Verdict {
    const candidates = this.#policies.filter(({ reach }) => canApply(reach, request))
    try {
      return this.#verdict(this.#ask(this.#slotOf(candidates), request))
    } catch {
      // A trap leaves the engine unusable: the next request gets a new one, this one is denied.
      this.#engine = undefined
      return { allowed: false, applied: [], erring: [], failed: true }
    }
  }

  /** Ids of the policies that Cedar would be given for a request. */
  candidateIds(request: RequestShape): string[] {
    return this.#policies.filter(({ reach }) => canApply(reach, request)).map(({ policy }) => policy.id)
  }

  #ask(slot: string, { class: actionClass, agent, resource, context }: CedarRequest): AuthorizationAnswer {
    return this.#running().statefulIsAuthorized({
      principal: agent.uid,
      action: { type: 'Stint::Action', id: actionClass },
      resource: resource.uid,
      context,
      entities: [agent, resource],
      preparsedSchemaName: SCHEMA_NAME,
      validateRequest: true,
      preparsedPolicySetId: slot,
    })
  }

  #verdict(answer: AuthorizationAnswer): Verdict {
    if (answer.type === 'failure') return { allowed: false, applied: [], erring: [], failed: true }
    const { decision, diagnostics } = answer.response
    const named = (id: string) => this.#byId.get(id) ?? raise(`Cedar names the unknown policy ${id}`)
    const erring = diagnostics.errors.map(({ policyId }) => named(policyId))
    return { allowed: decision === 'allow', applied: diagnostics.reason.map(named), erring, failed: erring.length > 0 }
  }

  #slotOf(candidates: readonly { policy: Policy; index: number }[]): string {
    const engine = this.#running()
    const key = candidates.map(({ index }) => index).join(',')
    const known = this.#slices.get(key)
    if (known !== undefined) return known
    // Cedar has no way to drop a prepared set but to write over its name, so names are used again.
    const slot = this.#freeSlots.pop() ?? `slice-${this.#slices.size}`
    const staticPolicies = Object.fromEntries(candidates.map(({ policy }) => [policy.id, policy.text]))
    const answer = engine.preparsePolicySet(slot, { staticPolicies })
    if (answer.type === 'failure') raise('Cedar refuses a slice of a policy set that it has checked')
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
    if (engine.preparseSchema(SCHEMA_NAME, CEDAR_SCHEMA).type === 'failure') raise('Cedar refuses the shipped schema')
    this.#engine = engine
    this.#freeSlots = []
    const onForget = (slot: string) => {
      engine.preparsePolicySet(slot, { staticPolicies: {} })
      this.#freeSlots.push(slot)
    }
    return new BoundedMap({ limit: MAX_PREPARED_POLICIES, onForget })
  }
}

function raise(message: string): never {
  throw new Error(message)
}
