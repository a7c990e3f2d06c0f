import { StintError } from '../../core/errors.ts'
import type { ChainHead } from './sealed-event.ts'

/** Heads that one event may name, so that no event grows beyond 64 KiB. */
export const MAX_NAMED_HEADS = 256

const HASH = /^[0-9a-f]{64}$/

/**
 * Writes a head as one word, to be saved outside the ledger: `<chain>:<seq>:<hash>`, without the chain for events that were
 * recorded before chains had names.
 */
export function formatHead({ chain, seq, hash }: ChainHead): string {
  return `${chain === '' ? '' : `${chain}:`}${seq}:${hash}`
}

/**
 * Reads what `formatHead` wrote.
 *
 * @throws {StintError} REQUEST_INVALID.
 */
export function parseHead(text: string): ChainHead {
  const match = /^(?:([a-z]{3}_[0-9A-Za-z]{1,64}):)?(\d{1,15}):([0-9a-f]{64})$/.exec(text)
  if (match?.[2] && match[3]) return { chain: match[1] ?? '', seq: Number(match[2]), hash: match[3] }
  throw new StintError('REQUEST_INVALID', {
    explanation:
      'A head has the form <chain>:<seq>:<hash>, as "stint audit heads" prints it: the chain, the number of an event, and its hash in 64 lower-case hex digits.',
  })
}

/** True for a head as it stands in an event or at the end of an export: no member more, none less. */
export function isChainHead(value: unknown): value is ChainHead {
  if (value === null || typeof value !== 'object') return false
  const { chain, seq, hash, ...rest } = value as { readonly [Key in keyof ChainHead]?: unknown }
  return (
    typeof chain === 'string' &&
    Number.isSafeInteger(seq) &&
    (seq as number) >= 0 &&
    typeof hash === 'string' &&
    HASH.test(hash) &&
    Object.keys(rest).length === 0
  )
}
