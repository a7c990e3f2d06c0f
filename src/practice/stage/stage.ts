import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { mintOperatorToken } from '../../admin/operators/operator-tokens.ts'
import { writeFileWhole } from '../../core/files/write-file-whole.ts'
import { type PracticeCloud, startPracticeCloud } from '../cloud.ts'
import { createOwnContents } from './own-cloud.ts'
import { createTrustDomains, findHome, issueOwnSvids, withOwnRules } from './own-config.ts'
import type { OwnRules } from './own-rules.ts'
import { createTrustDomain, type PracticeTrustDomain } from './pki.ts'
import { STAGE_LABELS, STAGE_POLICIES, STAGE_REGISTRATIONS, STAGE_ROLE, stageCloudPolicies } from './stage-rules.ts'

const TRUST_DOMAIN = 'practice.example'
const BROKER_PATH = '/stint'
const SVID_MS = 12 * 3_600_000
const TOKEN_MS = 30 * 86_400_000

/** Files and a practice cloud that a broker can run against: everything a first look needs, and nothing to protect. */
export interface Stage {
  readonly folder: string
  /** For `stint serve --config`. */
  readonly configFile: string
  readonly cloud: PracticeCloud
  readonly trustDomain: PracticeTrustDomain
  /** SPIFFE ID that the broker shows. */
  readonly brokerId: string
  /** PEM roots of the trust domain. */
  readonly rootsFile: string
  /** Writes an SVID for an agent, of this trust domain unless another is given. */
  issueSvid(
    path: string,
    from?: PracticeTrustDomain,
  ): Promise<{ certificateFile: string; privateKeyFile: string; spiffeId: string }>
  /** Files with the admin tokens of the operators `olga` and `owen` (approvers, owners), `oscar` (operator), `vera` (viewer) and `ada` (admin). */
  readonly tokenFiles: Readonly<Record<'olga' | 'owen' | 'oscar' | 'vera' | 'ada', string>>
  /** The role that the shell variables name: the stage's, or the first of the user's own. */
  readonly roleArn: string
  /** The agents of the user's own rules, each with its SVID; none on the usual stage. */
  readonly agents: readonly {
    readonly name: string
    readonly certificateFile: string
    readonly privateKeyFile: string
  }[]
  close(): Promise<void>
}

/** Where the stage is set, and what differs from the usual one. */
export interface StageOptions {
  /** An empty folder of the caller's, mode 0700. */
  readonly folder: string
  /** Laid over the config before it is written, section by section. */
  readonly config?: Record<string, Record<string, unknown>>
  /** Rules that take the place of the stage's own. */
  readonly own?: OwnRules
}

/** Sets the stage: a trust domain, a practice cloud with a role and two buckets, rules, operators, and a config file. */
export async function setStage({ folder, config = {}, own }: StageOptions): Promise<Stage> {
  const cloud = await startPracticeCloud(own ? findHome(own) : {})
  const trustDomain = await createTrustDomain(TRUST_DOMAIN)
  const place = (...parts: string[]) => join(folder, ...parts)
  await mkdir(place('policies'), { recursive: true })
  await mkdir(place('svids'), { mode: 0o700 })

  const issueSvid: Stage['issueSvid'] = async (path, from = trustDomain) => {
    const svid = await from.issueX509Svid({ path, ttlMs: SVID_MS, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] })
    const base = place('svids', `${from.name}${path.replaceAll('/', '_')}`)
    await writeFileWhole(`${base}.pem`, svid.certPem)
    await writeFileWhole(`${base}.key`, svid.keyPem)
    return { certificateFile: `${base}.pem`, privateKeyFile: `${base}.key`, spiffeId: svid.spiffeId }
  }
  const server = await issueSvid(BROKER_PATH)
  const keys = await createCloudContents(cloud, place, own)
  const operators = await writeTokens(place, own?.groups ?? [])
  const others = own ? await createTrustDomains(own, trustDomain) : []
  const agents = await issueOwnSvids(own, [trustDomain, ...others], issueSvid)
  await writeFileWhole(place('bundle.json'), trustDomain.bundleJson())
  for (const domain of others) await writeFileWhole(place(`${domain.name}.json`), domain.bundleJson())
  await writeFileWhole(place('roots.pem'), trustDomain.rootCertPem)
  await writeFileWhole(place('agents.yaml'), stringify(STAGE_REGISTRATIONS))
  await writeFileWhole(place('labels.yaml'), stringify(STAGE_LABELS))
  await writeFileWhole(place('policies', 'practice.cedar'), STAGE_POLICIES)
  await mkdir(place('role-policies'))
  await writeFileWhole(place('role-policies', `${cloud.accountId}.json`), JSON.stringify(describeRole(cloud.accountId)))
  const configFile = place('stint.yaml')
  const base = stageConfig(cloud, server, keys, operators.rows)
  const ruled = own
    ? withOwnRules(
        base,
        own,
        others.map(({ name }) => name),
      )
    : base
  await writeFileWhole(configFile, stringify(withOverrides(ruled, config), { aliasDuplicateObjects: false }))

  return {
    folder,
    configFile,
    cloud,
    trustDomain,
    brokerId: server.spiffeId,
    rootsFile: place('roots.pem'),
    issueSvid,
    tokenFiles: operators.files,
    agents,
    roleArn: own?.roleArns[0] ?? `arn:aws:iam::${cloud.accountId}:role/${STAGE_ROLE}`,
    close: () => cloud.close(),
  }
}

/** The practice role as IAM's GetAccountAuthorizationDetails tells it, so that plans have a reach. */
function describeRole(accountId: string): object {
  const arn = (resource: string) => `arn:aws:iam::${accountId}:${resource}`
  const { role, boundary } = stageCloudPolicies(arn)
  const boundaryArn = arn('policy/stint-boundary')
  return {
    RoleDetailList: [
      {
        Arn: arn(`role/${STAGE_ROLE}`),
        RolePolicyList: [{ PolicyName: 'data', PolicyDocument: role }],
        AttachedManagedPolicies: [],
        PermissionsBoundary: { PermissionsBoundaryType: 'Policy', PermissionsBoundaryArn: boundaryArn },
      },
    ],
    Policies: [
      { Arn: boundaryArn, PolicyVersionList: [{ VersionId: 'v1', IsDefaultVersion: true, Document: boundary }] },
    ],
  }
}

interface KeyFiles {
  readonly accessKeyIdFile: string
  readonly secretAccessKeyFile: string
}

/** Role, boundary, buckets, and the two principals: the broker mints, the revoker writes the boundary, neither can do more. */
async function createCloudContents(
  cloud: PracticeCloud,
  place: (...parts: string[]) => string,
  own: OwnRules | undefined,
): Promise<{ broker: KeyFiles; revoker: KeyFiles }> {
  const { accountId } = cloud
  const arn = (resource: string) => `arn:aws:iam::${accountId}:${resource}`
  const policies = stageCloudPolicies(arn, own ? 'everywhere' : 'stage')
  const broker = cloud.addPrincipal({ arn: arn('user/stint-broker'), policies: [policies.broker] })
  const revoker = cloud.addPrincipal({ arn: arn('user/stint-revoker'), policies: [policies.revoker] })
  cloud.createPolicy({ arn: arn('policy/stint-boundary'), document: policies.boundary })
  cloud.createRole({
    arn: arn(`role/${STAGE_ROLE}`),
    trustPolicy: policies.trust,
    policies: { data: policies.role },
    permissionsBoundary: arn('policy/stint-boundary'),
  })
  for (const env of ['staging', 'prod']) {
    const bucket = `invoices-${env}`
    cloud.createBucket(bucket, { env })
    cloud.putObject(bucket, '2026/11/one.json', '{"invoice":1}')
    cloud.putObject(bucket, '2026/11/two.json', '{"invoice":2}')
  }
  if (own) createOwnContents(cloud, own)
  await mkdir(place('keys'), { mode: 0o700 })
  const write = async (name: string, keys: { accessKeyId: string; secretAccessKey: string }): Promise<KeyFiles> => {
    const files = { accessKeyIdFile: place('keys', `${name}.id`), secretAccessKeyFile: place('keys', `${name}.secret`) }
    await writeFileWhole(files.accessKeyIdFile, keys.accessKeyId)
    await writeFileWhole(files.secretAccessKeyFile, keys.secretAccessKey)
    return files
  }
  return { broker: await write('broker', broker), revoker: await write('revoker', revoker) }
}

async function writeTokens(place: (...parts: string[]) => string, groups: readonly string[]) {
  const expiresAt = new Date(Date.now() + TOKEN_MS).toISOString()
  await mkdir(place('tokens'), { mode: 0o700 })
  const make = async (name: string, role: string, groups: string[]) => {
    const { token, sha256 } = mintOperatorToken()
    const file = place('tokens', name)
    await writeFileWhole(file, token.reveal())
    return { file, row: { name, role, groups, tokenSha256: sha256, expiresAt } }
  }
  const [olga, owen, oscar, vera, ada] = await Promise.all([
    make('olga', 'approver', [...new Set(['owners', ...groups])]),
    make('owen', 'approver', ['owners']),
    make('oscar', 'operator', []),
    make('vera', 'viewer', []),
    make('ada', 'admin', []),
  ])
  return {
    rows: [olga.row, owen.row, oscar.row, vera.row, ada.row],
    files: { olga: olga.file, owen: owen.file, oscar: oscar.file, vera: vera.file, ada: ada.file },
  }
}

function stageConfig(
  { endpoint, region, accountId }: PracticeCloud,
  server: { certificateFile: string; privateKeyFile: string },
  keys: { broker: KeyFiles; revoker: KeyFiles },
  operators: object[],
): Record<string, unknown> {
  return {
    listen: { agents: '127.0.0.1:0', admin: '127.0.0.1:0', health: '127.0.0.1:0' },
    identity: {
      server: { certificateFile: server.certificateFile, privateKeyFile: server.privateKeyFile },
      domains: { [TRUST_DOMAIN]: { file: 'bundle.json', format: 'spiffe' } },
      tokens: { audience: `spiffe://${TRUST_DOMAIN}${BROKER_PATH}` },
      reloadEvery: '500ms',
    },
    registry: { file: 'agents.yaml' },
    policy: { directory: 'policies' },
    labels: { file: 'labels.yaml' },
    reach: { directory: 'role-policies' },
    roles: [
      {
        arn: `arn:aws:iam::${accountId}:role/${STAGE_ROLE}`,
        revocation: { kind: 'boundary', policyArn: `arn:aws:iam::${accountId}:policy/stint-boundary` },
      },
    ],
    aws: {
      region,
      stsEndpoint: endpoint,
      iamEndpoint: endpoint,
      credentials: keys.broker,
      revokerCredentials: keys.revoker,
    },
    ledger: { file: 'ledger.db' },
    admin: { operators },
    // The practice cloud enforces within milliseconds, so there is little to wait for.
    grants: { settleTime: '1s' },
  }
}

function withOverrides(
  base: Record<string, unknown>,
  over: Record<string, Record<string, unknown>>,
): Record<string, unknown> {
  const laid = Object.entries(over).map(([section, values]) => [
    section,
    { ...(base[section] as object | undefined), ...values },
  ])
  return { ...base, ...Object.fromEntries(laid) }
}
