import { z } from '../core/documents/schema.ts'
import { nameProblem } from '../core/text/readable-text.ts'

/** The documents that a change can be read from. */
export const CHANGE_KINDS = ['terraform_plan', 'cloudformation_change_set'] as const
/** One of `CHANGE_KINDS`. */
export type ChangeKind = (typeof CHANGE_KINDS)[number]

/**
 * The actions that can happen to a resource, the worst first. `may_replace`: that depends on what is found then. `unknown`: the
 * document does not say. `forget`: it stays, and is no longer managed.
 */
export const CHANGE_ACTIONS = [
  'delete',
  'replace',
  'may_replace',
  'unknown',
  'forget',
  'update',
  'import',
  'create',
  'read',
] as const
/** One of `CHANGE_ACTIONS`. */
export type ChangeAction = (typeof CHANGE_ACTIONS)[number]

/**
 * What a file says that the command of a task would change. The agent's claim: the broker never sees the file. Its digest is in
 * the task, and so in the hash of the plan.
 */
export interface DeclaredChange {
  readonly kind: ChangeKind
  /** Lower-case hex SHA-256 of the file that it was read from. */
  readonly sha256: string
  /** The same of the file that the command applies, where that is another one, such as a saved Terraform plan. */
  readonly artifactSha256?: string
  /** A name of its own, such as the id of the change set. */
  readonly reference?: string
  /** Number of resources by what happens to them; an action that happens to none is absent. */
  readonly counts: Readonly<Partial<Record<ChangeAction, number>>>
  /** The resources, worst first. All of them, or the first 50. */
  readonly resources: readonly ChangedResource[]
}

/** One resource of a change. */
export interface ChangedResource {
  readonly action: ChangeAction
  /** e.g. `aws_s3_bucket` or `AWS::S3::Bucket`. */
  readonly type: string
  /** Its name in the document, e.g. `module.data.aws_s3_bucket.invoices`. */
  readonly address: string
}

/** Bounds of a change in a task. */
export const CHANGE_LIMITS = { resources: 50, type: 100, address: 200, reference: 300, count: 1_000_000 } as const

const name = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .superRefine((text, context) => {
      const problem = nameProblem(text)
      if (problem) context.addIssue(problem)
    })

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be the 64 lower-case hex digits of a SHA-256')

/** A change as a task carries it: every resource, or the worst ones, so that a long list cannot leave out a delete. */
export const declaredChangeSchema = z
  .strictObject({
    kind: z.enum(CHANGE_KINDS, `must be one of ${CHANGE_KINDS.join(', ')}`),
    sha256,
    artifactSha256: sha256.optional(),
    reference: name(CHANGE_LIMITS.reference).optional(),
    counts: z.partialRecord(z.enum(CHANGE_ACTIONS), z.number().int().min(1).max(CHANGE_LIMITS.count)),
    resources: z
      .array(
        z.strictObject({
          action: z.enum(CHANGE_ACTIONS, `must be one of ${CHANGE_ACTIONS.join(', ')}`),
          type: name(CHANGE_LIMITS.type),
          address: name(CHANGE_LIMITS.address),
        }),
      )
      .max(CHANGE_LIMITS.resources),
  })
  .superRefine(({ counts, resources }, context) => {
    const problem = listProblem(counts, resources)
    if (problem) context.addIssue({ code: 'custom', path: ['resources'], message: problem })
  })

/** The same change always in the same order, worst first. */
export function sortChange({
  kind,
  sha256,
  artifactSha256,
  reference,
  counts,
  resources,
}: WrittenChange): DeclaredChange {
  const present = CHANGE_ACTIONS.flatMap((action) => (counts[action] === undefined ? [] : [[action, counts[action]]]))
  return {
    kind,
    sha256,
    ...(artifactSha256 !== undefined && { artifactSha256 }),
    ...(reference !== undefined && { reference }),
    counts: Object.fromEntries(present),
    resources: resources
      .map(({ action, type, address }) => ({ action, type, address }))
      .sort((a, b) => severity(a) - severity(b) || compare(a.address, b.address) || compare(a.type, b.type)),
  }
}

type WrittenChange = z.infer<typeof declaredChangeSchema>

function listProblem(counts: WrittenChange['counts'], resources: readonly ChangedResource[]): string | undefined {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  let room = Math.min(total, CHANGE_LIMITS.resources)
  if (resources.length !== room) {
    return `must list every resource of counts, or the ${CHANGE_LIMITS.resources} worst (counts has ${total}, listed are ${resources.length})`
  }
  for (const action of CHANGE_ACTIONS) {
    const wanted = Math.min(counts[action] ?? 0, room)
    const listed = resources.filter((resource) => resource.action === action).length
    if (listed !== wanted)
      return `must list ${wanted} to ${action}, as counts and the order of actions demand (got ${listed})`
    room -= wanted
  }
  return undefined
}

function severity({ action }: ChangedResource): number {
  return CHANGE_ACTIONS.indexOf(action)
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
