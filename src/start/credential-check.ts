import { PROFILES } from '../aws/store-profile.ts'
import { CredentialCheck } from '../credentials/aws-sts/own-credentials/credential-check.ts'
import type { AwsStsProvider } from '../credentials/aws-sts/provider.ts'
import { definePart } from './part.ts'
import { findOutOfReach } from './revocation-reach.ts'
import type { Surroundings } from './surroundings.ts'

/** Looks at the broker's own credentials now and then, so that no agent has to find out that they no longer work. */
export const credentialCheck = definePart({
  name: 'credentialCheck',
  start({ config, clock, provider, partHealth }: Surroundings & { readonly provider: AwsStsProvider }) {
    const { aws, roles } = config
    const value = new CredentialCheck({
      look: async (signal) => {
        const writer = await provider.probes.credentials(signal)
        if (writer) partHealth.found('revocation', findOutOfReach(roles, writer.arn))
      },
      everyMs: PROFILES[aws.profile].callerIdentity ? aws.credentialCheckEvery : 0,
      clock,
    })
    value.start()
    return { value, stop: () => value.stop() }
  },
})
