import type { ActionClass } from '../../aws/action-classes.ts'
import { actionsOfService, resourceTypesByService, type TableAction } from '../../aws/action-table.ts'
import { parseResourcePattern, parseRoleArn, type ResourcePattern } from '../../aws/arn.ts'
import { classify } from '../../aws/classify.ts'
import { intersects } from '../../aws/glob.ts'
import { createLabelFinder } from '../labels/find-labels.ts'
import { findMarks, type LabelSet } from '../labels/labels.ts'
import type { Plan, PlanPair } from '../plan.ts'

/** One question of what an agent may do: an action of a class on the resources of a label, or on one without a label. */
export interface Probe {
  /** '' for a resource without a label of its own. */
  readonly label: string
  readonly class: ActionClass
  /** A plan with the one pair. No session could be made of it: it has no session policy. */
  readonly plan: Plan
}

/** Services whose resources are tried without a label; the services of labels besides. */
const EVERYDAY = ['s3', 'dynamodb', 'ec2', 'iam', 'kms', 'lambda', 'logs', 'rds', 'secretsmanager', 'sns', 'sqs', 'sts']
/** Patterns of one label. */
const MAX_PATTERNS = 4

/** The options by which questions are chosen. */
export interface ProbeChoice {
  /** An operator's own class of an action. */
  readonly classOf?: ((action: string) => ActionClass | undefined) | undefined
  /** Actions of one class, with the same flags, that are tried on one pattern. */
  readonly actionsPerClass: number
}

/** The questions that can be asked about a role, one by one: on the patterns of each label, and on made-up names that no label has. */
export function* probePairs(
  labels: LabelSet,
  { roleArn, subject, ttlSeconds }: { readonly roleArn: string; readonly subject: string; readonly ttlSeconds: number },
  { classOf, actionsPerClass }: ProbeChoice,
): Generator<Probe> {
  const findClass = (action: string) => classOf?.(action) ?? classify(action).class
  const { partition = 'aws', accountId = '' } = parseRoleArn(roleArn) ?? {}
  const find = createLabelFinder(labels, roleArn)
  const places = [
    ...labels.labels.flatMap(({ label, patterns }) =>
      patterns
        .filter(({ service }) => service !== '' && service !== '*')
        .slice(0, MAX_PATTERNS)
        .map((pattern) => ({ label, pattern: pattern as ResourcePattern, service: pattern.service })),
    ),
    ...EVERYDAY.flatMap((service) =>
      madeUp(service, partition, accountId).map((pattern) => ({ label: '', pattern, service })),
    ),
  ]
  for (const { label, pattern, service } of places)
    for (const [risk, { action }] of actionsByClass({ service, pattern, findClass, actionsPerClass })) {
      const { within, touches } = find(action, pattern)
      const pair = { action, resource: pattern.text, class: risk, flags: classify(action).flags, within, touches }
      yield { label, class: risk, plan: planOfProbe(pair, { roleArn, subject, ttlSeconds }, labels) }
    }
}

function planOfProbe(
  pair: PlanPair,
  { roleArn, subject, ttlSeconds }: { roleArn: string; subject: string; ttlSeconds: number },
  labels: LabelSet,
): Plan {
  return {
    hash: `probe ${JSON.stringify([roleArn, pair])}`,
    subject,
    task: { purpose: '', roleArn, access: [], ttlSeconds },
    pairs: [pair],
    classes: [pair.class],
    flags: pair.flags,
    sessionPolicy: '',
    sessionPolicyCharacters: 0,
    blastRadius: { actions: 1, resourcePatterns: 1, byClass: {}, byLabel: {}, flags: [], outlives: [], unknown: [] },
    labelMarks: findMarks(labels, new Set(pair.touches)),
    actionTableVersion: '',
  }
}

/** Some actions of each class and each set of flags that can act on a resource of the pattern. */
function actionsByClass({
  service,
  pattern,
  findClass,
  actionsPerClass,
}: {
  readonly service: string
  readonly pattern: ResourcePattern
  readonly findClass: (action: string) => ActionClass
  readonly actionsPerClass: number
}): readonly (readonly [ActionClass, TableAction])[] {
  const found = new Map<string, TableAction[]>()
  for (const action of actionsOfService(service)?.values() ?? []) {
    const key = [findClass(action.action), ...classify(action.action).flags].join(' ')
    const there = found.get(key) ?? []
    if (there.length >= actionsPerClass) continue
    const canAct = action.resourceTypes.some((type) =>
      type.parts.every((part, at) => intersects(part, pattern.parts[at] ?? part)),
    )
    if (canAct) found.set(key, [...there, action])
  }
  return [...found.values()].flat().map((action) => [findClass(action.action), action] as const)
}

/** One resource of each kind that a service has, by a name that no label has. */
function madeUp(service: string, partition: string, accountId: string): ResourcePattern[] {
  const types = resourceTypesByService().get(service) ?? []
  return types.slice(0, MAX_PATTERNS).flatMap((type) => {
    const text = type.all(partition, accountId || '123456789012').split(':')
    const [arn, itsPartition, itsService, region, account, ...rest] = text
    const place = [arn, itsPartition, itsService, region === '' ? '' : 'eu-west-1', account]
    const name = [...place, ...rest.map((part) => part.replaceAll('?*', 'stint-probe-of-no-label'))].join(':')
    try {
      return [parseResourcePattern(name)]
    } catch {
      // The template has a form that ARNs of tasks cannot have; its service has other templates.
      return []
    }
  })
}
