import { PROFILES } from '../aws/store-profile.ts'
import { CredentialCheck } from '../credentials/aws-sts/own-credentials/credential-check.ts'
import type { AwsStsProvider } from '../credentials/aws-sts/provider.ts'
import { definePart } from './part.ts'
import type { Surroundings } from './surroundings.ts'

/** Looks at the broker's own credentials now and then, so that no agent has to find out that they no longer work. */
export const credentialCheck = definePart({
  name: 'credentialCheck',
  start({ config: { aws }, clock, provider }: Surroundings & { readonly provider: AwsStsProvider }) {
    const value = new CredentialCheck({
      look: (signal) => provider.probes.credentials(signal),
      everyMs: PROFILES[aws.profile].callerIdentity ? aws.credentialCheckEvery : 0,
      clock,
    })
    value.start()
    return { value, stop: () => value.stop() }
  },
})
