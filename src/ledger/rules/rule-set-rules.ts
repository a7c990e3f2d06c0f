/** The rules that a replica began to work by: the higher the number, the newer they are. */
export interface AdoptedRules {
  /** 1, 2, 3 … */
  readonly number: number
  /** SHA-256 over all rules: policies, labels, registrations, classes, and the settings around them. */
  readonly digest: string
}

/** The facts in the ledger when a replica reports which rules it has loaded. */
export interface AdoptionFacts {
  readonly digest: string
  /** The newest rules on record. */
  readonly newest: AdoptedRules | undefined
  /** The rules that this replica worked by until now; missing after its start. */
  readonly own: string | undefined
  /** True if these rules were on record before. */
  readonly isKnown: boolean
  /** Number of other live replicas that work by the newest rules. */
  readonly othersAtNewest: number
}

/**
 * Decides whether the rules that a replica has loaded are the newest. While new files are rolled out, some replicas still have the
 * old ones, and such a replica must not end what was granted by the new ones. So rules that are on record already count as newer
 * only if the replica comes from the newest ones (an operator has changed the files back), or nobody works by those any more.
 *
 * @returns `adopt`: they become the newest; `current`: they are; `outdated`: another replica has newer ones.
 */
export function judgeAdoption({
  digest,
  newest,
  own,
  isKnown,
  othersAtNewest,
}: AdoptionFacts): 'adopt' | 'current' | 'outdated' {
  if (!newest) return 'adopt'
  if (newest.digest === digest) return 'current'
  if (own === newest.digest || !isKnown || othersAtNewest === 0) return 'adopt'
  return 'outdated'
}
