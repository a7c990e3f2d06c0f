import type { CredentialProvider } from '../credentials/provider.ts'
import { meterCalls } from './meter-calls.ts'
import type { Metrics } from './metrics.ts'

/** The provider, with its mints timed by what became of them. */
export function meterProvider<Provider extends CredentialProvider>(provider: Provider, { mints }: Metrics): Provider {
  return meterCalls<CredentialProvider>(provider, ['mint'], ({ seconds, error }) => {
    mints.observe({ outcome: error ? String(error.details.outcome ?? 'unknown') : 'minted' }, seconds)
  }) as Provider
}
