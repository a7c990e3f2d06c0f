import { hash, randomBytes } from 'node:crypto'
import { evaluate, evaluateTrust } from '../policies/evaluate.ts'
import { parsePolicy } from '../policies/policy-document.ts'
import { AwsFault, validationError } from '../wire/aws-fault.ts'
import { accessDenied, element, type QueryCall, type QueryOperation } from '../wire/query-protocol.ts'
import { createContext, identifyCaller, type PracticeSession, type Role, randomId, randomSecret } from './state.ts'

/** XML namespace of STS's answers. */
export const STS_NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** The calls of AWS STS that are played here. @see AWS STS API Reference, version 2011-06-15 */
export const STS_OPERATIONS: Readonly<Record<string, QueryOperation>> = {
  AssumeRole: assumeRole,
  GetCallerIdentity: getCallerIdentity,
}

/** AWS does not publish the packed limit; this stage counts characters of policies and tags against this many. */
const PACKED_LIMIT_CHARACTERS = 4_096

interface AssumeRoleInput {
  readonly roleArn: string
  readonly sessionName: string
  readonly durationSeconds: number
  readonly policy?: string
  readonly policyArns: readonly string[]
  readonly tags: Readonly<Record<string, string>>
  readonly transitiveTagKeys: readonly string[]
  readonly sourceIdentity?: string
  readonly externalId?: string
}

function assumeRole(call: QueryCall): string {
  const input = readInput(call)
  if (input.policy !== undefined) parsePolicy(input.policy, 'permissions')
  const packedPercent = packedSizePercent(input)
  const role = call.state.roles.get(input.roleArn)
  const trusted = role?.state.at(call.nowMs)
  if (role === undefined || trusted === undefined || trusted.deleted)
    throw accessDenied(call.caller, { action: 'sts:AssumeRole', resource: input.roleArn }, '')
  const { tags, sourceIdentity } = inherit(call, input)
  for (const action of requiredActions(input)) authorizeOnRole(call, role, action, input)
  checkDuration(call, role, input.durationSeconds)
  checkPolicyArns(call, role, input.policyArns)
  const issuedAt = new Date(call.nowMs)
  const session: PracticeSession = {
    accessKeyId: randomId('ASIA'),
    arn: `arn:aws:sts::${role.accountId}:assumed-role/${role.name}/${input.sessionName}`,
    roleArn: role.arn,
    sessionName: input.sessionName,
    tags,
    transitiveTagKeys: input.transitiveTagKeys,
    issuedAt,
    expiresAt: new Date((Math.floor(call.nowMs / 1000) + input.durationSeconds) * 1000),
    policyArns: input.policyArns,
    issuedTo: identifyCaller(call.caller).arn,
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    ...(input.policy === undefined ? {} : { sessionPolicy: input.policy }),
  }
  const secretAccessKey = randomSecret()
  const token = randomBytes(192).toString('base64')
  call.state.addSession({ view: session, role, secretAccessKey, tokenHash: hash('sha256', token, 'buffer') })
  return (
    `<Credentials>${element('AccessKeyId', session.accessKeyId)}${element('SecretAccessKey', secretAccessKey)}${element('SessionToken', token)}` +
    `${element('Expiration', `${session.expiresAt.toISOString().slice(0, 19)}Z`)}</Credentials>` +
    `<AssumedRoleUser>${element('AssumedRoleId', `${role.roleId}:${session.sessionName}`)}${element('Arn', session.arn)}</AssumedRoleUser>` +
    (packedPercent === 0 ? '' : element('PackedPolicySize', String(packedPercent))) +
    (sourceIdentity === undefined ? '' : element('SourceIdentity', sourceIdentity))
  )
}

function getCallerIdentity(call: QueryCall): string {
  const { arn, userId, accountId } = identifyCaller(call.caller)
  return element('UserId', userId) + element('Account', accountId) + element('Arn', arn)
}

/** Field rules of the service model (botocore `sts/2011-06-15/service-2.json`). */
function readInput({ params }: QueryCall): AssumeRoleInput {
  const roleArn = params.required('RoleArn')
  if (roleArn.length < 20 || roleArn.length > 2048 || !roleArn.startsWith('arn:'))
    throw validationError(`${quoted(roleArn)} is invalid`)
  const sessionName = wellFormed(params.required('RoleSessionName'), 'roleSessionName', NAME)
  const sourceIdentity = params.optional('SourceIdentity')
  if (sourceIdentity !== undefined && wellFormed(sourceIdentity, 'sourceIdentity', NAME).startsWith('aws:'))
    throw validationError('SourceIdentity must not start with aws:')
  const externalId = params.optional('ExternalId')
  if (externalId !== undefined) wellFormed(externalId, 'externalId', EXTERNAL_ID)
  const duration = params.optional('DurationSeconds') ?? '3600'
  if (!/^\d{1,6}$/.test(duration) || Number(duration) < 900 || Number(duration) > 43_200)
    throw validationError(
      `Value ${quoted(duration)} at 'durationSeconds' failed to satisfy constraint: Member must have value between 900 and 43200`,
    )
  const policy = params.optional('Policy')
  if (policy !== undefined && (policy.length < 1 || policy.length > 2_048))
    throw validationError("Value at 'policy' failed to satisfy constraint: Member must have length between 1 and 2048")
  const policyArns = params.list('PolicyArns', 'arn')
  if (policyArns.length > 10)
    throw validationError(
      "Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10",
    )
  const tags = readTags(params.list('Tags', 'Key'), params.list('Tags', 'Value'))
  const transitiveTagKeys = params.list('TransitiveTagKeys')
  for (const key of transitiveTagKeys)
    if (!(key in tags)) throw validationError('Each transitive tag key must be among the tags of the request.')
  for (const unknown of ['SerialNumber', 'TokenCode', 'ProvidedContexts.member.1.ContextAssertion'])
    if (params.optional(unknown) !== undefined)
      throw new AwsFault('NotImplemented', 501, `The practice cloud does not play ${unknown}.`)
  return {
    roleArn,
    sessionName,
    durationSeconds: Number(duration),
    policyArns,
    tags,
    transitiveTagKeys,
    ...(policy === undefined ? {} : { policy }),
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    ...(externalId === undefined ? {} : { externalId }),
  }
}

function readTags(keys: readonly string[], values: readonly string[]): Readonly<Record<string, string>> {
  if (keys.length > 50 || keys.length !== values.length)
    throw validationError('There must be at most 50 tags, each with a key and a value.')
  const tags: Record<string, string> = Object.create(null)
  const seen = new Set<string>()
  for (const [index, key] of keys.entries()) {
    const value = values[index] ?? ''
    if (!TAG_KEY.test(key) || !TAG_VALUE.test(value) || key.toLowerCase().startsWith('aws:'))
      throw validationError(`Tag ${index + 1} has a key or value of the wrong form.`)
    if (seen.has(key.toLowerCase()))
      throw new AwsFault(
        'InvalidParameterValue',
        400,
        'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
      )
    seen.add(key.toLowerCase())
    tags[key] = value
  }
  return tags
}

function packedSizePercent(input: AssumeRoleInput): number {
  const tags = Object.entries(input.tags).reduce((sum, [key, value]) => sum + key.length + value.length, 0)
  const arns = input.policyArns.reduce((sum, arn) => sum + arn.length, 0)
  const percent = Math.ceil((((input.policy?.length ?? 0) + arns + tags) / PACKED_LIMIT_CHARACTERS) * 100)
  if (percent > 100)
    throw new AwsFault(
      'PackedPolicyTooLarge',
      400,
      `Packed size of session policies and tags consumes ${percent}% of allotted space.`,
    )
  return percent
}

/** Transitive tags and the source identity of a chained session go on; neither can be replaced. */
function inherit(
  call: QueryCall,
  input: AssumeRoleInput,
): { tags: Readonly<Record<string, string>>; sourceIdentity?: string } {
  const own = input.sourceIdentity === undefined ? {} : { sourceIdentity: input.sourceIdentity }
  if (call.caller.kind === 'principal') return { tags: input.tags, ...own }
  const parent = call.caller.session.view
  if (
    parent.sourceIdentity !== undefined &&
    input.sourceIdentity !== undefined &&
    parent.sourceIdentity !== input.sourceIdentity
  )
    throw accessDenied(call.caller, { action: 'sts:SetSourceIdentity', resource: input.roleArn }, '')
  const tags: Record<string, string> = Object.assign(Object.create(null), input.tags)
  for (const key of parent.transitiveTagKeys) {
    if (Object.keys(input.tags).some((tag) => tag.toLowerCase() === key.toLowerCase()))
      throw new AwsFault(
        'InvalidParameterValue',
        400,
        'One of the specified transitive tag keys can not be set because it conflicts with a transitive tag key from the calling session.',
      )
    tags[key] = parent.tags[key] ?? ''
  }
  return { tags, ...own, ...(parent.sourceIdentity === undefined ? {} : { sourceIdentity: parent.sourceIdentity }) }
}

function requiredActions(input: AssumeRoleInput): string[] {
  return [
    'sts:AssumeRole',
    ...(input.sourceIdentity === undefined ? [] : ['sts:SetSourceIdentity']),
    ...(Object.keys(input.tags).length === 0 ? [] : ['sts:TagSession']),
  ]
}

/**
 * Both sides are asked: the role's trust policy, and the caller's own policies unless the trust policy, in the same
 * account, names the caller itself. Each action has its own condition keys, as the service authorization reference says.
 */
function authorizeOnRole(call: QueryCall, role: Role, action: string, input: AssumeRoleInput): void {
  const { arn, principalArn, accountId } = identifyCaller(call.caller)
  const context = createContext(call.caller, call.nowMs, [
    ['aws:requestedregion', call.region],
    ...conditionKeys(action, input),
  ])
  const request = { action, resource: role.arn, context }
  const trust = role.state.at(call.nowMs)?.trust.document ?? { statements: [] }
  const trusted = evaluateTrust(trust, [arn, principalArn], accountId, request)
  if (trusted === 'explicit-deny')
    throw accessDenied(call.caller, request, 'with an explicit deny in a resource-based policy')
  if (trusted === 'none') throw accessDenied(call.caller, request, '')
  const own = evaluate(call.state.policyLayers(call.caller, call.nowMs), request)
  if (own.allowed) return
  if (own.explicit || own.layer !== 'identity' || trusted === 'delegated' || accountId !== role.accountId)
    throw accessDenied(call.caller, request, own.because)
}

function conditionKeys(action: string, input: AssumeRoleInput): [string, string | readonly string[]][] {
  const keys: [string, string | readonly string[]][] = []
  if (action !== 'sts:TagSession' && input.sourceIdentity !== undefined)
    keys.push(['sts:sourceidentity', input.sourceIdentity])
  if (action === 'sts:AssumeRole') {
    keys.push(['sts:rolesessionname', input.sessionName])
    if (input.externalId !== undefined) keys.push(['sts:externalid', input.externalId])
  }
  if (action === 'sts:SetSourceIdentity' || Object.keys(input.tags).length === 0) return keys
  keys.push(['aws:tagkeys', Object.keys(input.tags)])
  if (input.transitiveTagKeys.length > 0) keys.push(['sts:transitivetagkeys', input.transitiveTagKeys])
  for (const [key, value] of Object.entries(input.tags)) keys.push([`aws:requesttag/${key.toLowerCase()}`, value])
  return keys
}

function checkDuration(call: QueryCall, role: Role, seconds: number): void {
  if (identifyCaller(call.caller).isRole && seconds > 3_600)
    throw validationError(
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
    )
  if (seconds > role.maxSessionSeconds)
    throw validationError('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.')
}

function checkPolicyArns(call: QueryCall, role: Role, arns: readonly string[]): void {
  for (const arn of arns)
    if (!call.state.policies.has(arn) || !arn.startsWith(`arn:aws:iam::${role.accountId}:`))
      throw validationError(`${quoted(arn)} is not a policy of the role's account.`)
}

function wellFormed(value: string, field: string, shape: RegExp): string {
  if (!shape.test(value))
    throw validationError(
      `Value ${quoted(value)} at '${field}' failed to satisfy constraint: Member must satisfy regular expression pattern: ${shape.source}`,
    )
  return value
}

function quoted(value: string): string {
  return `'${value.slice(0, 128)}'`
}

const NAME = /^[\w+=,.@-]{2,64}$/
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/
const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u
