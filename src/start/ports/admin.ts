import { isDeepStrictEqual } from 'node:util'
import { createAdminApp } from '../../admin/app.ts'
import type { AdminDeps, PolicySetStatus } from '../../admin/deps.ts'
import type { OperatorDirectory } from '../../admin/operators/operator-directory.ts'
import { startAdminServer } from '../../admin/server.ts'
import { readTlsPair, type TlsFiles } from '../../admin/tls-files.ts'
import type { StintError } from '../../core/errors.ts'
import type { Reloading, ReloadStatus } from '../../core/files/reloading.ts'
import type { CredentialProvider } from '../../credentials/provider.ts'
import { createBoundsService } from '../../grants/bounds-service.ts'
import { createInventoryService } from '../../grants/inventory/inventory-service.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { NoticeService } from '../../notice/notice-service.ts'
import type { PolicySet } from '../../policy/policy-set.ts'
import type { KillSwitch } from '../background/kill-switch.ts'
import type { Grants } from '../grants.ts'
import type { OwnIdentity } from '../identity/own-identity.ts'
import { definePart } from '../part.ts'
import type { Refusals } from '../refusals.ts'
import type { LiveConfig } from '../reload/live-config.ts'
import { judgeBy } from '../rules/judge.ts'
import type { FollowingPlanner } from '../rules/planner.ts'
import type { FollowedRegistry } from '../rules/registry.ts'
import type { FollowedInventory } from '../rules/resource-inventory.ts'
import type { FollowingRolePolicies } from '../rules/role-policies/role-policies.ts'
import type { Surroundings } from '../surroundings.ts'
import { watchExpiry } from './certificate-expiry.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import { createReach } from './reach.ts'

interface Needs extends Surroundings {
  readonly ledger: Ledger
  readonly provider: CredentialProvider
  readonly grants: Grants
  readonly killSwitch: KillSwitch
  readonly registry: FollowedRegistry
  readonly policies: Reloading<PolicySet>
  readonly operators: OperatorDirectory
  readonly ownIdentity: OwnIdentity
  readonly connectionLimits: ConnectionLimits
  readonly refusals: Refusals
  readonly planner: FollowingPlanner
  readonly rolePolicies: FollowingRolePolicies
  readonly resourceInventory: FollowedInventory
  readonly notices: NoticeService
}

/** The admin API; its value is the URL. */
export const admin = definePart({
  name: 'admin',
  async start(needs: Needs) {
    const { config, liveConfig, connectionLimits, refusals, clock, logger, partHealth } = needs
    const server = await startAdminServer({
      ...config.listen.admin,
      ...(config.admin.tls && { tls: followedFiles(config.admin.tls, liveConfig) }),
      limits: connectionLimits.admin,
      onRefused: refusals.connection('admin'),
      onCertificate: (problem) => partHealth.report('admin_certificate', problem),
      clock,
      logger,
      admin: createAdminApp(adminDeps(needs)),
    })
    const expiry = watchExpiry('admin_certificate', () => server.certificate(), needs)
    return {
      value: server.url,
      stop: async () => {
        await expiry.stop()
        await server.stop()
      },
    }
  },
})

/** The files of now. A pair that is named anew has to be good; after that its files are followed. */
function followedFiles(first: TlsFiles, liveConfig: LiveConfig): TlsFiles {
  const now = () => liveConfig.current().admin.tls ?? first
  liveConfig.follow('admin', async ({ admin: { tls } }) => {
    if (tls && !isDeepStrictEqual(tls, now())) await readTlsPair(tls)
    return () => undefined
  })
  return {
    get certificateFile() {
      return now().certificateFile
    },
    get privateKeyFile() {
      return now().privateKeyFile
    },
  }
}

function adminDeps({
  ledger,
  provider,
  grants,
  killSwitch,
  notices,
  registry,
  policies,
  planner,
  operators,
  clock,
  logger,
  running,
  liveConfig,
  ...needs
}: Needs): AdminDeps {
  const { ownIdentity, partHealth, adminLimits, version } = needs
  return {
    ledger,
    operators,
    operatorService: grants.operatorService,
    quarantine: grants.quarantineService,
    kills: killSwitch.service,
    notices,
    provider,
    bounds: createBoundsService({
      ledger,
      clock,
      quotas: grants.parts.quotas,
      judgeWith: (set) => judgeBy(liveConfig.current(), { registry, planner, policies: { current: () => set } }),
    }),
    inventory: createInventoryService({
      ledger,
      clock,
      ids: needs.ids,
      registry,
      inventorySettings: () => {
        const { writableByApi, reviewPeriod } = liveConfig.current().registry
        return { writableByApi, reviewPeriodMs: reviewPeriod }
      },
    }),
    reach: createReach({
      ledger,
      clock,
      liveConfig,
      registry,
      policies,
      planner,
      rolePolicies: needs.rolePolicies,
      resourceInventory: needs.resourceInventory,
    }),
    registryProblem: () => toFileProblem(registry.status.problem),
    policies: { status: () => policySetStatus(policies.status) },
    status: () => ({
      notReady: running.notReady(),
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

function policySetStatus({ value, loadedAt, problem: failure }: ReloadStatus<PolicySet>): PolicySetStatus {
  const problem = toFileProblem(failure)
  return {
    ...(value && { hash: value.hash }),
    ...(loadedAt && { loadedAt }),
    policies: (value?.policies ?? []).map(({ id, effect, file, approvalBy, waiver }) => ({
      id,
      effect,
      file,
      ...(approvalBy && { approval: approvalBy.map(({ group, count }) => `${group}:${count}`).join(', ') }),
      ...(waiver && { waiver }),
    })),
    ...(problem && { problem }),
  }
}

function toFileProblem(problem: { readonly error: StintError } | undefined) {
  return problem && { code: problem.error.code, explanation: problem.error.message }
}
