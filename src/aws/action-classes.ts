/** Ordered from the least to the most risky; an action has exactly one. */
export const ACTION_CLASSES = ['list', 'read', 'tag', 'write', 'destructive', 'permissions', 'escalation'] as const
/** One of `ACTION_CLASSES`. */
export type ActionClass = (typeof ACTION_CLASSES)[number]

/** secret: returns or mints secrets; outlives: mints what revocation does not reach; shares: opens to others; audit: can hide traces. */
export const ACTION_FLAGS = ['secret', 'outlives', 'shares', 'audit'] as const
/** One of `ACTION_FLAGS`; an action can have several, or none. */
export type ActionFlag = (typeof ACTION_FLAGS)[number]
