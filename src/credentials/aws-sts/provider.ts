import { StintError } from '../../core/errors.ts'
import type { Canaries } from '../canary.ts'
import type { CredentialProvider } from '../provider.ts'
import { denyWindow, mintTimeoutMs } from './deny/deny-window.ts'
import { readContent } from './deny/document-mark.ts'
import { roleSessionName, toLeaseSession, toSessionParts } from './mint/lease-session.ts'
import type { AwsProbes } from './probes.ts'
import type { AwsStsProviderOptions } from './provider-options.ts'
import { createProviderParts, type ProviderParts } from './provider-parts.ts'

/** The provider, the probes of `stint doctor`, and an end to its sockets. */
export interface AwsStsProvider extends CredentialProvider {
  readonly probes: AwsProbes
  readonly canaries: Canaries
  /** Readers of the roles' own policies; close them after use. */
  readonly openRoleReaders: ProviderParts['openRoleReaders']
  /**
   * Makes ready to serve other roles. Deny lists of roles that are served no more are written until what is on them is over.
   *
   * @returns serves them from now on; neither waits nor throws.
   * @throws {StintError} CONFIG_INVALID as `createAwsStsProvider`
   */
  prepareRoles(roles: AwsStsProviderOptions['roles']): () => void
  close(): void
}

/**
 * Leases from AWS STS, and their revocation through IAM policy documents.
 *
 * @throws {StintError} CONFIG_INVALID for malformed ARNs or external ids, a role given twice, or a plain-HTTP endpoint.
 */
export function createAwsStsProvider(options: AwsStsProviderOptions): AwsStsProvider {
  const parts = createProviderParts(options)
  const { cloudClock, canaries, probes, openRoleReaders, prepareRoles, close } = parts
  const own = { cloudClock, canaries, probes, openRoleReaders, prepareRoles, close }
  return { name: 'aws-sts', ...leaseMethods(parts), ...denyListMethods(parts), ...own }
}

/** The part of minting that the methods use. */
type Minting = Pick<ProviderParts['minting'], 'scoped' | 'assumeRole' | 'totalMs'> & {
  readonly deps: Pick<ProviderParts['minting']['deps'], 'sizes'>
}

/** The methods of a provider that name, mint and measure leases. */
export function leaseMethods({
  roles,
  denyLists,
  minting,
  leaseEnd,
}: Pick<ProviderParts, 'roles' | 'denyLists' | 'leaseEnd'> & { readonly minting: Minting }) {
  const { scoped, assumeRole, totalMs, deps } = minting
  return {
    nameSession: roleSessionName,
    mintTimeoutMs: mintTimeoutMs(totalMs),
    mint: async (request, signal) => {
      const { roleArn } = request.lease
      if (!roles.has(roleArn)) throw unknownRole(roleArn)
      const session = () => toLeaseSession(request, leaseEnd)
      const credentials = await (scoped ? scoped.mint(request, signal) : assumeRole.mint(session(), signal))
      denyLists.confirmSpelling(roleArn)
      return credentials
    },
    forecastSize: (session) => deps.sizes.forecast(toSessionParts(session, leaseEnd)),
    denyWindow: (leases, plan) => denyWindow(leases, plan, totalMs),
  } satisfies Partial<CredentialProvider>
}

/** The methods of a provider that find, read and write deny lists. */
export function denyListMethods({
  denyLists,
  room,
  writer,
  minting: { scoped },
}: Pick<ProviderParts, 'denyLists' | 'room' | 'writer'> & { readonly minting: Pick<Minting, 'scoped'> }) {
  return {
    findDenyList: (roleArn) => denyLists.findList(roleArn),
    isServed: (listKey) => denyLists.isServed(listKey),
    denyReach: () => denyLists.reach(),
    listDocuments: (listKey) => denyLists.listDocuments(listKey),
    fits: (key, list, spare) => {
      const document = denyLists.find(key)?.document
      return document !== undefined && room.fits(key, document, list, spare)
    },
    digestDenyList: (key, list) => readContent(room.text(key, denyLists.require(key).document, list)).digest,
    readDenyList: async (key, signal) => {
      const { value, at } = await writer.read(key, denyLists.require(key).document, signal)
      return { ...readContent(value), exists: value !== undefined, ...(at && { at }) }
    },
    writeDenyList: async (key, list, signal, mark, right) => {
      const { document } = denyLists.require(key)
      scoped?.dropDenied(list, (roleArn) => {
        const location = denyLists.findList(roleArn)
        return location !== undefined && denyLists.listDocuments(location.key).includes(key)
      })
      const text = room.text(key, document, list, mark)
      const { at } = await writer.write(key, document, text, signal, right).catch((error) => {
        if (error instanceof StintError && error.details.limit) room.shrink(key, document, list)
        throw error
      })
      return { ...(at && { at }) }
    },
  } satisfies Partial<CredentialProvider>
}

function unknownRole(roleArn: string): StintError {
  return new StintError('ROLE_UNKNOWN', {
    explanation: 'The provider has no such role; an operator must configure it.',
    roleArn,
    outcome: 'not_minted',
  })
}
