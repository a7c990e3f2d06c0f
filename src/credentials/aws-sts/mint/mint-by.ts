/** How leases are minted: by an AssumeRole each, or by GetScopedCredentials from one AssumeRole a grant (unproven). */
export const MINT_BY = ['assume-role', 'scoped-credentials'] as const
/** The setting `aws.mintBy`. */
export type MintBy = (typeof MINT_BY)[number]
