import { CONDITION_OPERATORS } from '../../aws/conditions/condition.ts'
import { instantText, z } from '../../core/documents/schema.ts'
import { fileError, YamlDocument } from '../../core/documents/yaml-document.ts'
import { parseDurationMs } from '../../core/duration.ts'
import { parseAgentSubject } from '../../identity/agent-subject.ts'
import { AUTH_METHODS, type AuthMethod } from '../../identity/caller-identity.ts'
import { type TagSelector, tagSelectorSchema } from '../../plan/labels/tag-labels.ts'
import type { Task } from '../../plan/task.ts'
import { type Decision, OUTCOMES } from '../decision.ts'
import type { PolicyFile } from '../policy-set.ts'

/** A label as in the labels file; `parseLabels` checks it. */
interface PolicyTestLabel {
  readonly resources?: readonly string[]
  readonly tags?: readonly TagSelector[]
  readonly marks?: readonly string[]
}

/** One case: an agent, its task and an instant, with the expected decision. */
export interface PolicyTestCase {
  readonly name: string
  /** Members that the case leaves out come from the registration that covers the agent. */
  readonly agent: {
    readonly subject: string
    readonly trustDomain: string
    readonly owner?: string
    readonly team?: string
    readonly registration?: string
  }
  /** The task, or the path of its task file from the folder of the policies. */
  readonly task: Task | string
  /** By label: its resources by ARN and by tag, and its marks if it has any. */
  readonly labels?: Readonly<Record<string, PolicyTestLabel>>
  readonly at: Date
  readonly authMethod: AuthMethod
  readonly expect: Decision['outcome']
  /** Exactly the ids that should decide. */
  readonly policies?: readonly string[]
  /** Exactly the groups that should be asked: all entries, any of each; `owners:2` for two people. */
  readonly approval?: readonly (readonly string[])[]
  /** Exactly the ids of the policies that should waive an approval. */
  readonly waived?: readonly string[]
}

/**
 * Reads a file of policy test cases; docs/policy.md shows one.
 *
 * @throws {StintError} POLICY_INVALID; `details.problems` lists what is wrong by place.
 */
export function parsePolicyTests({ name, text }: PolicyFile): PolicyTestCase[] {
  const document = YamlDocument.parse({ file: name, text, maxAliases: 100, toError: fileError('POLICY_INVALID') })
  return document.check(fileSchema).cases.map(toCase)
}

const words = z.string().min(1).max(500)

/** A text or an object. Unlike in a union of schemas, a problem keeps its place and message. */
function textOr<Text extends z.ZodType, Whole extends z.ZodType>(text: Text, whole: Whole) {
  return z.unknown().transform((value, context): z.output<Text> | z.output<Whole> => {
    const parsed = (typeof value === 'string' ? text : whole).safeParse(value)
    if (parsed.success) return parsed.data as z.output<Text> | z.output<Whole>
    for (const { path, message } of parsed.error.issues) context.addIssue({ code: 'custom', path: [...path], message })
    return z.NEVER
  })
}

const subject = z.string().transform((value, context) => {
  try {
    return { value, trustDomain: parseAgentSubject(value).trustDomain }
  } catch {
    context.addIssue('must be a SPIFFE ID such as spiffe://example.org/ci/deploy, or the subject of an OIDC issuer')
    return z.NEVER
  }
})

const ttl = z.string().transform((value, context) => {
  const ms = parseDurationMs(value)
  if (ms !== undefined && ms % 1000 === 0) return ms / 1000
  context.addIssue('must be whole seconds, written as 90s, 15m or 1h')
  return z.NEVER
})

/** A Monday at noon, unless a case says otherwise: a test must not depend on when it runs. */
const DEFAULT_AT = '2026-01-05T12:00:00Z'

/** A list of resources, or a label as in the labels file. */
const labelSchema = z.union([
  z.array(words).transform((resources) => ({ resources })),
  z.strictObject({
    resources: z.array(words).exactOptional(),
    tags: z.array(tagSelectorSchema).exactOptional(),
    marks: z.array(words).exactOptional(),
  }),
])

/** A task within a case. Its role is under `role`, where an agent's task file has `roleArn`. */
const inlineTask = z.strictObject({
  role: words,
  access: z.array(
    z.strictObject({
      actions: z.array(words),
      resources: z.array(words),
      conditions: z
        .array(
          z.strictObject({
            key: words,
            operator: z.enum(CONDITION_OPERATORS).default('StringEquals'),
            values: z.array(words),
          }),
        )
        .exactOptional(),
    }),
  ),
  ttl,
  purpose: words.default('A case of a policy test'),
})

const caseSchema = z.strictObject({
  name: words,
  agent: textOr(
    subject.transform((found) => ({ subject: found })),
    z.strictObject({
      subject,
      owner: words.exactOptional(),
      team: words.exactOptional(),
      registration: words.exactOptional(),
    }),
  ),
  task: textOr(words, inlineTask),
  labels: z.record(words, labelSchema).optional(),
  at: instantText.prefault(DEFAULT_AT),
  authMethod: z.enum(AUTH_METHODS).default('x509-svid'),
  expect: z.enum(OUTCOMES),
  policies: z.array(words).optional(),
  waived: z.array(words).optional(),
  approval: z.array(z.union([words.transform((group) => [group]), z.array(words).min(1)])).optional(),
})

const fileSchema = z.strictObject({ cases: z.array(caseSchema).min(1).max(1_000) })

function toTask({ purpose, role, access, ttl: ttlSeconds }: z.infer<typeof inlineTask>): Task {
  return { purpose, roleArn: role, access, ttlSeconds }
}

function toCase(parsed: z.infer<typeof caseSchema>): PolicyTestCase {
  const { name, agent, task, labels, at, authMethod, expect, policies, approval, waived } = parsed
  return {
    name,
    agent: { ...agent, subject: agent.subject.value, trustDomain: agent.subject.trustDomain },
    task: typeof task === 'string' ? task : toTask(task),
    ...(labels && { labels }),
    at,
    authMethod,
    expect,
    ...(policies && { policies }),
    ...(approval && { approval }),
    ...(waived && { waived }),
  }
}
