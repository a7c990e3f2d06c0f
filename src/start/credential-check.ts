import { PROFILES } from '../aws/store-profile.ts'
import { CredentialCheck } from '../credentials/aws-sts/own-credentials/credential-check.ts'
import type { AwsStsProvider } from '../credentials/aws-sts/provider.ts'
import { definePart } from './part.ts'
import { findOutOfReach } from './revocation-reach.ts'
import type { FollowingPlanner } from './rules/planner.ts'
import type { Surroundings } from './surroundings.ts'

interface Needs extends Surroundings {
  readonly provider: AwsStsProvider
  readonly planner: FollowingPlanner
}

/** Checks the broker's own credentials at intervals, so that the status shows a failure before an agent meets it. */
export const credentialCheck = definePart({
  name: 'credentialCheck',
  start({ config, clock, provider, planner, partHealth }: Needs) {
    const { aws, roles } = config
    const value = new CredentialCheck({
      look: async (signal) => {
        const writer = await provider.probes.credentials(signal)
        if (!writer) return
        partHealth.found('revocation', findOutOfReach(roles, writer.arn))
        planner.setWriterAccount(writer.account)
      },
      everyMs: PROFILES[aws.profile].callerIdentity ? aws.credentialCheckEvery : 0,
      clock,
    })
    value.start()
    return { value, stop: () => value.stop() }
  },
})
