import { describe, expect, inject, test } from 'vitest'
import { ADMIN_OUTSIDE, AGENT, good, lay, OPERATOR, POLICY, ROLE } from './good-values.ts'
import { refusal, type Values } from './render.ts'

const BUNDLE = { trustDomain: 'example.org', configMap: 'bundle', key: 'bundle.json' }

/** What cannot work, and a piece of the sentence that says so. */
const IMPOSSIBLE: readonly { name: string; values: Values; says: string }[] = [
  { name: 'two replicas', values: { replicaCount: 2 }, says: 'replicaCount must be 1: the ledger is one SQLite file' },
  { name: 'no replica', values: { replicaCount: 0 }, says: 'replicaCount must be 1' },
  { name: 'no image', values: { image: { repository: '' } }, says: 'image.repository is missing' },
  {
    name: 'no certificate',
    values: { serverIdentity: { existingSecret: '' } },
    says: 'serverIdentity.existingSecret is missing',
  },
  { name: 'no trust bundle', values: { trustBundles: [] }, says: 'trustBundles is empty' },
  {
    name: 'a trust domain twice',
    values: { trustBundles: [BUNDLE, BUNDLE] },
    says: 'trustBundles has example.org twice',
  },
  {
    name: 'a bundle in two places',
    values: { trustBundles: [{ ...BUNDLE, secret: 'roots' }] },
    says: 'example.org needs either configMap or secret',
  },
  {
    name: 'a bundle in no place',
    values: { trustBundles: [{ trustDomain: 'example.org', key: 'a' }] },
    says: 'example.org needs either configMap or secret',
  },
  {
    name: 'no policy',
    values: { policies: { files: null } },
    says: 'policies needs either files or existingConfigMap',
  },
  {
    name: 'policies in two places',
    values: { policies: { existingConfigMap: 'team' } },
    says: 'policies needs either files or existingConfigMap',
  },
  {
    name: 'no registration',
    values: { registry: { agents: [] } },
    says: 'registry needs either agents or existingConfigMap',
  },
  {
    name: 'registrations in two places',
    values: { registry: { existingConfigMap: 'team' } },
    says: 'registry needs either agents or existingConfigMap',
  },
  {
    name: 'labels in two places',
    values: { labels: { rules: [{ label: 'a', resources: ['*'] }], existingConfigMap: 'team' } },
    says: 'labels takes either rules or existingConfigMap',
  },
  { name: 'no role', values: { config: { roles: [] } }, says: 'config.roles is empty' },
  { name: 'no region', values: { config: { aws: { region: '' } } }, says: 'config.aws.region is missing' },
  {
    name: 'the namespace’s default service account',
    values: { serviceAccount: { create: false } },
    says: 'serviceAccount.name is empty',
  },
  {
    name: 'a bearer port that takes no token',
    values: { bearer: { enabled: true } },
    says: 'bearer.enabled needs config.identity.tokens',
  },
  {
    name: 'the admin API outside the pod without HTTPS',
    values: lay(ADMIN_OUTSIDE, { admin: { tls: { existingSecret: '' } } }),
    says: 'admin.service.enabled needs admin.tls.existingSecret',
  },
  {
    name: 'the admin API outside the pod without operators',
    values: lay(ADMIN_OUTSIDE, { config: { admin: { operators: [] } } }),
    says: 'admin.service.enabled needs config.admin.operators',
  },
  {
    name: 'the admin API outside the pod with nobody let through',
    values: lay(ADMIN_OUTSIDE, { networkPolicy: { adminFrom: [] } }),
    says: 'admin.service.enabled needs networkPolicy.adminFrom',
  },
  {
    name: 'somebody let through to an admin API on loopback',
    values: { networkPolicy: { adminFrom: [{ podSelector: {} }] } },
    says: "the admin API listens on the pod's loopback",
  },
  {
    name: 'no agent let through',
    values: { networkPolicy: { agentsFrom: [] } },
    says: 'networkPolicy.agentsFrom is empty',
  },
  { name: 'no way to STS', values: { networkPolicy: { awsTo: [] } }, says: 'could not reach STS' },
  { name: 'no port of STS', values: { networkPolicy: { awsPorts: [] } }, says: 'could not reach STS' },
  { name: 'no names', values: { networkPolicy: { dnsTo: [] } }, says: 'could not reach STS' },
  {
    name: 'a grace that cuts the drain',
    values: { terminationGracePeriodSeconds: 29 },
    says: 'terminationGracePeriodSeconds (29) must be at least 15 s longer than config.server.drainTime (15s)',
  },
  {
    name: 'a drain of minutes with the usual grace',
    values: { config: { server: { drainTime: '10m' } } },
    says: 'longer than config.server.drainTime (10m)',
  },
]

/** What the schema does not know or take, and where it says so. */
const UNKNOWN: readonly { name: string; values: Values; at: string }[] = [
  { name: 'a value of no meaning', values: { replicas: 2 }, at: "'replicas'" },
  {
    name: 'a setting that is the chart’s own',
    values: { config: { listen: { agents: '0.0.0.0:1' } } },
    at: "'listen'",
  },
  { name: 'a ledger elsewhere', values: { config: { ledger: { file: '/tmp/x' } } }, at: "'ledger'" },
  { name: 'a misspelt limit', values: { config: { grants: { leasetime: '5m' } } }, at: "'leasetime'" },
  {
    name: 'a duration without a unit',
    values: { config: { grants: { leaseTime: 300 } } },
    at: '/config/grants/leaseTime',
  },
  {
    name: 'a duration of no form',
    values: { config: { server: { drainTime: '1m30s' } } },
    at: '/config/server/drainTime',
  },
  {
    name: 'plain HTTP to STS',
    values: { config: { aws: { stsEndpoint: 'http://sts.example' } } },
    at: '/config/aws/stsEndpoint',
  },
  { name: 'a secret by content', values: { serverIdentity: { privateKey: 'x' } }, at: "'privateKey'" },
  {
    name: 'an operator’s token itself',
    values: { config: { admin: { operators: [{ ...OPERATOR, token: 'x' }] } } },
    at: "'token'",
  },
  {
    name: 'tokens without an audience',
    values: { config: { identity: { tokens: { leeway: '1s' } } } },
    at: "'audience'",
  },
  {
    name: 'a role that is none',
    values: { config: { roles: [{ ...ROLE, arn: 'role/x' }] } },
    at: '/config/roles/0/arn',
  },
  {
    name: 'a boundary without its policy',
    values: { config: { roles: [{ ...ROLE, revocation: { kind: 'boundary' } }] } },
    at: '/config/roles/0/revocation',
  },
  {
    name: 'a trust domain that leaves its folder',
    values: { trustBundles: [{ ...BUNDLE, trustDomain: '..' }] },
    at: '/trustBundles/0/trustDomain',
  },
  {
    name: 'a policy file that is none',
    values: { policies: { files: { 'notes.txt': POLICY } } },
    at: '/policies/files',
  },
  {
    name: 'a policy file in another folder',
    values: { policies: { files: { '../a.cedar': POLICY } } },
    at: '/policies/files',
  },
  {
    name: 'a registration without an owner',
    values: { registry: { agents: [{ ...AGENT, owner: undefined }] } },
    at: "'owner'",
  },
  {
    name: 'a ledger shared between nodes',
    values: { persistence: { accessMode: 'ReadWriteMany' } },
    at: '/persistence/accessMode',
  },
  { name: 'a ledger that is not kept', values: { persistence: { enabled: false } }, at: "'enabled'" },
  { name: 'a pod with more rights', values: { securityContext: { runAsUser: 0 } }, at: "'securityContext'" },
  {
    name: 'a peer that is everybody',
    values: { networkPolicy: { adminFrom: [{}] } },
    at: '/networkPolicy/adminFrom/0',
  },
  { name: 'a section taken out', values: { networkPolicy: null }, at: "'networkPolicy'" },
  { name: 'an image tag that is two words', values: { image: { tag: 'a b' } }, at: '/image/tag' },
  { name: 'a digest cut short', values: { image: { digest: 'sha256:abc' } }, at: '/image/digest' },
]

describe.skipIf(!inject('tools'))('the chart refuses', () => {
  for (const { name, values, says } of IMPOSSIBLE)
    test(name, async () => {
      expect(await refusal(good(values))).toContain(says)
    })

  for (const { name, values, at } of UNKNOWN)
    test(`${name}, by its schema`, async () => {
      const said = await refusal(good(values))
      expect(said).toContain("values don't meet the specifications of the schema")
      expect(said).toContain(at)
    })

  test('its own defaults, since somebody has to say what to run and whom to trust', async () => {
    expect(await refusal({})).toContain('is missing')
  })
})
