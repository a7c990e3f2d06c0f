import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../../config/schema.ts'
import { type AgentPorts, startAgentPorts } from '../../grpc/agent-ports.ts'
import type { BundleStore } from '../../identity/bundle/bundle-store.ts'
import { createJwtSvidVerifier } from '../../identity/jwt/jwt-svid.ts'
import type { OidcVerifier } from '../../identity/oidc/oidc-verifier.ts'
import { admissionLimits, type Grants } from '../grants.ts'
import { jwtSvidRules } from '../identity/jwt-svid-rules.ts'
import type { OwnIdentity } from '../identity/own-identity.ts'
import { definePart } from '../part.ts'
import type { NotReady } from '../readiness.ts'
import type { Refusals } from '../refusals.ts'
import type { Surroundings } from '../surroundings.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import type { Health } from './health.ts'

interface Needs extends Surroundings {
  readonly bundles: BundleStore
  readonly issuers: OidcVerifier
  readonly ownIdentity: OwnIdentity
  readonly grants: Grants
  readonly health: Health
  readonly connectionLimits: ConnectionLimits
  readonly refusals: Refusals
}

const NO_IDENTITY: NotReady = {
  code: 'SVID_EXPIRED',
  explanation:
    'The broker has no certificate that it can show to agents; the status says what is wrong with its source.',
}

/** Calls in hand are cut at the end of `server.drainTime`; this is for what comes after that. */
const AFTER_DRAIN_MS = 10_000

/** The ports for agents: with certificates and, where configured, with bearer tokens. */
export const agentPorts = definePart({
  name: 'agentPorts',
  async start({ config, liveConfig, connectionLimits, ...needs }: Needs) {
    let tokens = jwtSvidRules(config)
    liveConfig.follow('agentPorts', (next) => {
      const isSame = isDeepStrictEqual(tokens, jwtSvidRules(next))
      const rules = isSame ? tokens : jwtSvidRules(next)
      if (rules) createJwtSvidVerifier(rules)
      return () => {
        tokens = rules
      }
    })
    const { bundles, issuers, ownIdentity, grants, health, refusals, clock, ids, random, logger, partHealth } = needs
    let identityUsable = true
    const value: AgentPorts = await startAgentPorts({
      ...agentPortSettings(config),
      tokens: () => tokens,
      connections: { mutual: connectionLimits.agents, bearer: connectionLimits.bearer },
      bundles,
      oidc: issuers,
      grants: grants.service,
      health: health.implementation,
      refusals: refusals.calls,
      clock,
      ids,
      random,
      logger,
      serverIdentity: ownIdentity.source(),
      onAccept: (setting, problem) => partHealth.report(setting, problem),
      onServerIdentity: (usable) => {
        identityUsable = usable
        health.setIdentityUsable(usable)
      },
    })
    return {
      value,
      stop: () => value.stop(),
      stopWithinMs: config.server.drainTime + AFTER_DRAIN_MS,
      notReady: () => (identityUsable ? undefined : NO_IDENTITY),
    }
  },
})

function agentPortSettings(config: Config) {
  const { listen, server } = config
  return {
    mutual: listen.agents,
    bearer: listen.bearer,
    mintLimits: admissionLimits(config),
    maxCallMs: server.maxCallTime,
    drainMs: server.drainTime,
    reflection: server.reflection,
  }
}
