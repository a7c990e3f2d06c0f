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
