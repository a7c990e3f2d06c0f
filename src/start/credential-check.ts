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

/** Looks at the broker's own credentials now and then, so that no agent has to find out that they no longer work. */
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
