import { PROFILES } from '../aws/store-profile.ts'
import type { Config } from '../config/schema.ts'
import { CredentialCheck } from '../credentials/aws-sts/own-credentials/credential-check.ts'
import type { AwsStsProvider } from '../credentials/aws-sts/provider.ts'
import { definePart } from './part.ts'
import type { NotReady } from './readiness.ts'
import { findOutOfReach } from './revocation-reach.ts'
import type { FollowingPlanner } from './rules/planner.ts'
import type { Surroundings } from './surroundings.ts'

interface Needs extends Surroundings {
  readonly provider: AwsStsProvider
  readonly planner: FollowingPlanner
}

const NOT_LOOKED: NotReady = {
  code: 'PROVIDER_UNAVAILABLE',
  explanation: "The broker's own credentials for AWS have not been checked yet.",
}

/** True if the broker looks by itself whether its own credentials work. */
export function checksCredentials({ aws }: Pick<Config, 'aws'>): boolean {
  return PROFILES[aws.profile].callerIdentity && aws.credentialCheckEvery > 0
}

/** Checks the broker's own credentials at intervals, so that the status shows a failure before an agent meets it. */
export const credentialCheck = definePart({
  name: 'credentialCheck',
  start({ config: { aws }, liveConfig, clock, provider, planner, partHealth }: Needs) {
    let writer: string | undefined
    const showReach = ({ roles }: Pick<Config, 'roles'>) =>
      partHealth.found('revocation', writer === undefined ? [] : findOutOfReach(roles, writer))
    liveConfig.follow('credentialCheck', (next) => () => showReach(next))
    const value = new CredentialCheck({
      look: async (signal) => {
        const found = await provider.probes.credentials(signal)
        if (!found) return
        writer = found.arn
        showReach(liveConfig.current())
        planner.setWriterAccount(found.account)
      },
      everyMs: checksCredentials({ aws }) ? aws.credentialCheckEvery : 0,
      clock,
    })
    value.start()
    return { value, stop: () => value.stop(), notReady: () => (value.isFirstLookDue ? NOT_LOOKED : undefined) }
  },
})
