import { visible } from '../../../core/text/visible.ts'
import { CHANGE_ACTIONS, type ChangeAction, type DeclaredChange } from '../../../plan/declared-change.ts'
import { countWords } from './words.ts'

/** The change that the agent claims the task's command would make: the broker has not seen the file. */
export interface ChangeClaim {
  /** The kind of file, and the number of resources by action. */
  readonly sentence: string
  /** One line for each resource, deletes and replacements first. */
  readonly lines: readonly string[]
  /** The resources that the bounded list leaves out; missing if there are none. */
  readonly leftOut?: string
  /** The digest that the approval is bound to, and what it means. */
  readonly file: string
}

const KIND_WORDS: Readonly<Record<DeclaredChange['kind'], string>> = {
  terraform_plan: 'a Terraform plan',
  cloudformation_change_set: 'a CloudFormation change set',
}

const ACTION_WORDS: Readonly<Record<ChangeAction, string>> = {
  delete: 'deleted',
  replace: 'replaced',
  may_replace: 'perhaps replaced',
  unknown: 'changed in a way that the file does not say',
  forget: 'kept, and managed no more',
  update: 'updated',
  import: 'taken under management',
  create: 'created',
  read: 'read',
}

/** Describes the change of a task. */
export function describeChange({
  kind,
  sha256,
  artifactSha256,
  reference,
  counts,
  resources,
}: DeclaredChange): ChangeClaim {
  const isListed = (action: ChangeAction) => resources.filter((resource) => resource.action === action).length
  const present = CHANGE_ACTIONS.flatMap((action) => (counts[action] ? [[action, counts[action]] as const] : []))
  const missing = present.flatMap(([action, count]) => {
    const left = count - isListed(action)
    return left > 0 ? [`${left} ${ACTION_WORDS[action]}`] : []
  })
  const named = reference === undefined ? '' : ` (${visible(reference)})`
  const totals = present.map(([action, count]) => `${countWords(count, 'resource')} ${ACTION_WORDS[action]}`)
  const applied =
    artifactSha256 === undefined ? '' : `, made from the file that is applied, with SHA-256 ${artifactSha256}`
  return {
    sentence: `${KIND_WORDS[kind]}${named}: ${totals.join(', ') || 'nothing changes'}`,
    lines: resources.map(({ action, type, address }) => visible(`${action}: ${type} ${address}`)),
    ...(missing.length > 0 && { leftOut: `not listed: ${missing.join(', ')}` }),
    file: `SHA-256 ${sha256}${applied}`,
  }
}
