import type { Values } from './render.ts'

export const AGENT = {
  name: 'invoice-bot',
  match: 'spiffe://example.org/agents/invoice-bot',
  owner: 'ann@example.org',
  team: 'data',
  purpose: 'keeps the invoice archive tidy',
  expires: '2099-12-31',
}
export const ROLE = { arn: 'arn:aws:iam::111122223333:role/stint/data', revocation: { kind: 'none' } }
export const OPERATOR = {
  name: 'olga',
  role: 'approver',
  tokenSha256: 'a'.repeat(64),
  groups: ['owners'],
  expiresAt: '2099-12-31T00:00:00Z',
}
export const POLICY = '@id("read")\npermit (principal, action == Stint::Action::"read", resource);\n'

/** The least that an operator has to say. */
const GOOD: Values = {
  image: { repository: 'images.example/stint' },
  serverIdentity: { existingSecret: 'stint-svid' },
  trustBundles: [{ trustDomain: 'example.org', configMap: 'bundle', key: 'bundle.json' }],
  registry: { agents: [AGENT] },
  policies: { files: { 'data.cedar': POLICY } },
  config: { roles: [ROLE], aws: { region: 'eu-central-1' } },
}

/** The admin API with everything that it needs outside the pod. */
export const ADMIN_OUTSIDE: Values = {
  admin: { tls: { existingSecret: 'admin-tls' }, service: { enabled: true } },
  config: { admin: { operators: [OPERATOR] } },
  networkPolicy: { adminFrom: [{ podSelector: { matchLabels: { app: 'console' } } }] },
}

/** Metrics, with a Prometheus that may read them. */
export const METRICS: Values = {
  metrics: { enabled: true },
  networkPolicy: {
    metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
  },
}

/** A ledger in a database. */
export const DATABASE: Values = {
  config: {
    ledger: {
      postgres: {
        host: 'db.example.org',
        database: 'stint',
        user: 'stint',
        passwordSecret: { name: 'db', key: 'password' },
        caConfigMap: { name: 'db-ca', key: 'ca.pem' },
      },
    },
  },
  networkPolicy: { databaseTo: [{ ipBlock: { cidr: '192.0.2.7/32' } }] },
}

/** The broker's SVID, and the bundle of its trust domain, from the Workload API. */
export const WORKLOAD_API: Values = {
  serverIdentity: { existingSecret: '', workloadApi: true },
  workloadApi: { enabled: true },
  trustBundles: [],
  config: { identity: { domains: { 'example.org': { workloadApi: true } } } },
}

/** Both profiles of federation, with what their servers are checked with. */
export const FEDERATION: Values = {
  config: {
    identity: {
      domains: {
        'partner.example': {
          federation: {
            profile: 'https_web',
            url: 'https://bundles.partner.example/spiffe',
            caConfigMap: { name: 'partner-ca', key: 'ca.pem' },
          },
        },
        'ci.example': {
          federation: {
            profile: 'https_spiffe',
            url: 'https://spire.ci.example/',
            endpointSpiffeId: 'spiffe://ci.example/spire/server',
            maxStaleness: '12h',
            bundleConfigMap: { name: 'ci-bundle', key: 'bundle.json' },
          },
        },
      },
    },
  },
}

export const ISSUER = {
  alias: 'github',
  preset: 'github',
  issuer: 'https://token.actions.githubusercontent.com',
  audience: 'https://stint.example.org',
  conditions: { repository_owner_id: ['4711'] },
}

/** A cluster that is called as kubeadm calls each. */
export const KUBERNETES = {
  preset: 'kubernetes',
  issuer: 'https://kubernetes.default.svc.cluster.local',
  audience: 'https://stint.example.org',
}

/** The bundle endpoint with everything that it needs. */
export const BUNDLE_ENDPOINT: Values = {
  bundleEndpoint: { enabled: true },
  config: { identity: { bundleEndpoint: { trustDomain: 'example.org' } } },
  networkPolicy: { bundlesFrom: [{ ipBlock: { cidr: '203.0.113.0/24' } }] },
}

/** GOOD with `over` laid on top, as helm lays one values file on another: maps merge, the rest is replaced. */
export function good(over: Values = {}): Values {
  return lay(GOOD, over)
}

/** As `good`, on any base. */
export function lay(base: Values, over: Values): Values {
  const laid: Values = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const below = laid[key]
    laid[key] = isMap(below) && isMap(value) ? lay(below, value) : value
  }
  return laid
}

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
