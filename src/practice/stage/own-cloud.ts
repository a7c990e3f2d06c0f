import { splitArn } from '../../aws/arn.ts'
import { RoleRules } from '../../aws/roles/role-rules.ts'
import { fillTemplate } from '../../aws/roles/role-template.ts'
import { ownRoleTemplates } from '../../config/role-settings.ts'
import type { PracticeCloud } from '../cloud.ts'
import type { RoleSpec } from '../cloud-controls.ts'
import type { OwnRules } from './own-rules.ts'
import { STAGE_BUCKETS, STAGE_ROLE, stageCloudPolicies } from './stage-rules.ts'

/**
 * Makes what the user's own rules need in the practice cloud: each role with its boundary, further policies, revoker and
 * canary, and the buckets and objects that tasks name, unless the stage has them. The roles may do everything, so what limits
 * a lease is its plan alone.
 */
export function createOwnContents(cloud: PracticeCloud, own: OwnRules): void {
  const rules = new RoleRules(own.roles, ownRoleTemplates(own.roles))
  const user = (name: string) => `arn:aws:iam::${cloud.accountId}:${name}`
  const { trust } = stageCloudPolicies(user)
  const trustPrincipals = trustAny([user('user/stint-broker'), user('user/stint-revoker')])
  const once = createOnce()
  for (const arn of own.roleArns) {
    const found = rules.find(arn)
    if (!found || arn === user(`role/${STAGE_ROLE}`)) continue
    const { revocation } = found.rule
    const boundary = revocation.kind === 'boundary' ? fillTemplate(revocation.policyArn, found.role) : undefined
    if (boundary !== undefined) once(boundary, () => cloud.createPolicy({ arn: boundary, document: ALLOW_ALL }))
    const further = revocation.kind === 'none' ? [] : (revocation.furtherPolicyArns ?? [])
    const attachedPolicies = further.map((template) => fillTemplate(template, found.role))
    for (const policy of attachedPolicies)
      once(policy, () => cloud.createPolicy({ arn: policy, document: DENY_NOBODY }))
    const permissionsBoundary = boundary === undefined ? {} : { permissionsBoundary: boundary }
    const createRole = (template: string | undefined, role: Omit<RoleSpec, 'arn'>) => {
      if (template === undefined) return
      const roleArn = fillTemplate(template, found.role)
      once(roleArn, () => cloud.createRole({ arn: roleArn, ...role }))
    }
    const { revoker = undefined, canary = undefined } = revocation.kind === 'boundary' ? revocation : {}
    const writer = revocation.kind === 'inline' ? revocation.revoker : revoker
    createRole(writer?.roleArn, { trustPolicy: trustPrincipals, policies: { deny: ALLOW_ALL } })
    createRole(canary?.roleArn, { trustPolicy: trust, policies: { look: ALLOW_ALL }, ...permissionsBoundary })
    const work = { policies: { work: ALLOW_ALL }, attachedPolicies, ...permissionsBoundary }
    createRole(arn, { trustPolicy: trust, ...work })
  }
  for (const { bucket, key } of own.tasks.flatMap(({ task }) =>
    task.access.flatMap(({ resources }) => resources.flatMap(toObject)),
  )) {
    if (!STAGE_BUCKETS.includes(bucket)) once(bucket, () => cloud.createBucket(bucket))
    if (key !== undefined && !cloud.object(bucket, key)) cloud.putObject(bucket, key, '{}')
  }
}

const ALLOW_ALL = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }

const DENY_NOBODY = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: { DateLessThan: { 'aws:TokenIssueTime': '1970-01-01T00:00:00Z' } },
    },
  ],
}

function trustAny(principals: readonly string[]) {
  const statement = { Effect: 'Allow', Principal: { AWS: principals }, Action: 'sts:AssumeRole' }
  return { Version: '2012-10-17', Statement: [statement] }
}

function createOnce() {
  const made = new Set<string>()
  return (name: string, make: () => unknown) => {
    if (made.has(name)) return
    made.add(name)
    make()
  }
}

/** A bucket, and an object that the pattern of a key matches. Nothing for a bucket whose name is a pattern. */
function toObject(resource: string): { bucket: string; key?: string }[] {
  const { service, region, account, resource: named } = splitArn(resource)
  const [bucket = '', ...key] = named.split('/')
  if (service !== 's3' || region !== '' || account !== '' || bucket === '' || /[*?]/.test(bucket)) return []
  if (key.length === 0) return [{ bucket }]
  return [{ bucket, key: key.join('/').replace(/\*$/, 'one.json').replaceAll(/[*?]/g, 'x') }]
}
