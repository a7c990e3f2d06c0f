import type { RoleArn } from '../arn.ts'

/** The values that fill a template. */
export type RolePlace = Pick<RoleArn, 'partition' | 'accountId'>

const PLACEHOLDER = /\{([^{}]*)\}/g

const FILLED: Readonly<Record<string, (place: RolePlace) => string>> = {
  account: ({ accountId }) => accountId,
  partition: ({ partition }) => partition,
}

/** The placeholders that a template may have, e.g. `{account}`. */
export const PLACEHOLDERS = Object.keys(FILLED).map((name) => `{${name}}`)

/** Puts a role's account and partition in the place of `{account}` and `{partition}`; anything else stays as it is. */
export function fillTemplate(template: string, place: RolePlace): string {
  return template.replace(PLACEHOLDER, (whole, name: string) => FILLED[name]?.(place) ?? whole)
}

/** The placeholders of a template that nothing fills, as written. */
export function unknownPlaceholders(template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].filter(([, name = '']) => !Object.hasOwn(FILLED, name)).map(([all]) => all)
}
