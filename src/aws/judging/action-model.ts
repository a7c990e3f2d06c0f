import model from './model/model.generated.json' with { type: 'json' }

/** Facts of AWS's service model about an action, beyond its access level. */
export const MODEL_FACT_KINDS = [
  'credentials',
  'token',
  'secret',
  'link',
  'environment',
  'role',
  'public',
  'admin-password',
] as const
/**
 * One of `MODEL_FACT_KINDS`. The answer holds temporary AWS credentials, a token, another secret, a signed link or
 * environment variables; or the call takes a role, decides whether something is public, or changes an administrator's password.
 */
export type ModelFactKind = (typeof MODEL_FACT_KINDS)[number]

/** A fact, and the members that it was read from. */
export interface ModelFact {
  readonly kind: ModelFactKind
  /** Member names of the answer, or of the call for the last three kinds, e.g. `Credentials.SessionToken`. */
  readonly path: string
}

/** The models that the facts were read from, e.g. `botocore 1.44.8`. */
export const ACTION_MODEL_SOURCE: string = model.source

const lines = new Map<string, readonly string[]>(Object.entries(model.services))
const services = new Map<string, ReadonlyMap<string, readonly ModelFact[]>>()

/**
 * The facts about one action; empty where the models say nothing.
 *
 * @param name canonical, without the service, e.g. `AssumeRole`.
 */
export function modelFacts(service: string, name: string): readonly ModelFact[] {
  const known = services.get(service) ?? readService(lines.get(service) ?? [])
  services.set(service, known)
  return known.get(name) ?? []
}

function readService(own: readonly string[]): ReadonlyMap<string, readonly ModelFact[]> {
  const facts = new Map<string, ModelFact[]>()
  for (const line of own) {
    const [name = '', kind = '', path = ''] = line.split(' ')
    const found = MODEL_FACT_KINDS.find((each) => each === kind)
    if (!found) throw new TypeError(`action model: ${line} has an unknown kind`)
    facts.set(name, [...(facts.get(name) ?? []), { kind: found, path }])
  }
  return facts
}
