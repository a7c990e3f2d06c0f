import type { Grant } from './grant.ts'
import type { CredentialProvider, GrantInfo } from './types.ts'

/** A credential provider that owns the grant of one task. */
export interface TaskCredentialProvider extends CredentialProvider {
  /** The grant, asked for now if it was not before. */
  grant(): Promise<Grant>
  /** Completes the grant if it was ever asked for. */
  complete(note?: string): Promise<GrantInfo | undefined>
}

/** @param request asks for the grant, always under one idempotency key: after a failure the next use asks again. */
export function taskCredentials(request: () => Promise<Grant>): TaskCredentialProvider {
  let asked: Promise<Grant> | undefined
  const grant = (): Promise<Grant> => {
    asked ??= request().catch((error: unknown) => {
      asked = undefined
      throw error
    })
    return asked
  }
  const provider = async () => (await grant()).credentials()()
  const complete = async (note?: string) => (asked === undefined ? undefined : (await asked).complete(note))
  return Object.assign(provider, { grant, complete })
}
