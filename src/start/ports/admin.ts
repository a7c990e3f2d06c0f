import { createAdminApp } from '../../admin/app.ts'
import type { AdminDeps, PolicySetStatus } from '../../admin/deps.ts'
import { createOperatorDirectory } from '../../admin/operators/operator-directory.ts'
import { startAdminServer } from '../../admin/server.ts'
import type { StintError } from '../../core/errors.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { PolicyStore } from '../../policy/policy-store.ts'
import type { RegistryStore } from '../../registry/registry-store.ts'
import type { Grants } from '../grants.ts'
import type { OwnIdentity } from '../identity/own-identity.ts'
import { definePart } from '../part.ts'
import type { Refusals } from '../refusals.ts'
import type { Surroundings } from '../surroundings.ts'
import type { ConnectionLimits } from './connection-limits.ts'

interface Needs extends Surroundings {
  readonly ledger: Ledger
  readonly grants: Grants
  readonly registry: RegistryStore
  readonly policies: PolicyStore
  readonly ownIdentity: OwnIdentity
  readonly connectionLimits: ConnectionLimits
  readonly refusals: Refusals
}

/** The admin API; its value is the URL. */
export const admin = definePart({
  name: 'admin',
  async start(needs: Needs) {
    const { config, connectionLimits, refusals, clock, logger } = needs
    const server = await startAdminServer({
      ...config.listen.admin,
      ...(config.admin.tls && { tls: config.admin.tls }),
      limits: connectionLimits.admin,
      onRefused: refusals.connection('admin'),
      clock,
      logger,
      admin: createAdminApp(adminDeps(needs)),
    })
    return { value: server.url, stop: () => server.stop() }
  },
})

function adminDeps({ config, ledger, grants, registry, policies, clock, logger, running, ...needs }: Needs): AdminDeps {
  const { ownIdentity, partHealth, adminLimits, version } = needs
  return {
    ledger,
    operators: createOperatorDirectory({ rows: config.admin.operators, clock }),
    operatorService: grants.operatorService,
    registry: {
      list: () => registry.status.value?.registrations ?? [],
      problem: () => toFileProblem(registry.status.problem),
    },
    policies: { status: () => policySetStatus(policies) },
    status: () => ({
      ready: running.isReady(),
      problems: partHealth.problems(),
      identity: ownIdentity.view(),
      version,
    }),
    clock,
    logger,
    ...(adminLimits && { limits: adminLimits }),
    stopping: running.stopping,
  }
}

function policySetStatus(policies: PolicyStore): PolicySetStatus {
  const { hash, loadedAt, problem: failure } = policies.status
  const problem = toFileProblem(failure)
  const inForce = hash ? policies.current().policies : []
  return {
    ...(hash && { hash }),
    ...(loadedAt && { loadedAt }),
    policies: inForce.map(({ id, effect, file, approvalGroup }) => ({
      id,
      effect,
      file,
      ...(approvalGroup && { approval: approvalGroup }),
    })),
    ...(problem && { problem }),
  }
}

function toFileProblem(problem: { readonly error: StintError } | undefined) {
  return problem && { code: problem.error.code, explanation: problem.error.message }
}
