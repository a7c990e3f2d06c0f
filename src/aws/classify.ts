import { canonicalJson, sha256Hex } from '../core/canonical-json.ts'
import { StintError } from '../core/errors.ts'
import { printable } from '../core/text/printable.ts'
import type { ActionClass, ActionFlag } from './action-classes.ts'
import {
  ACTION_DATA_DIGEST,
  ACTION_DATA_VERSION,
  actionsOfService,
  knownServices,
  type TableAction,
} from './action-table.ts'
import { compileGlob, matches } from './glob.ts'
import { ACTION_MODEL_SOURCE } from './judging/action-model.ts'
import { ACTION_OVERLAY } from './judging/action-overlay.ts'
import { NAME_RULES } from './judging/action-verbs.ts'
import { judgeAction } from './judging/judge-action.ts'
import { RESOURCE_FLAGS } from './judging/resource-flags.ts'
import { SERVICE_RULES } from './judging/service-rules.ts'
import { suggestAction } from './judging/suggest-action.ts'

/** The classification of an action, for policy, approval and blast radius. */
export interface Classification {
  /** The riskiest that applies. */
  readonly class: ActionClass
  /** Sorted. */
  readonly flags: readonly ActionFlag[]
  /** Why the effect or credential lives on after revocation; present with the flag `outlives`. */
  readonly outlivesReason?: string
}

/** Names data and rules, e.g. `0.21.202609261+1f2e3d4c`: another version may classify otherwise. */
export const ACTION_TABLE_VERSION = `${ACTION_DATA_VERSION}+${sha256Hex(
  canonicalJson({
    data: ACTION_DATA_DIGEST,
    model: ACTION_MODEL_SOURCE,
    names: [...NAME_RULES],
    overlay: ACTION_OVERLAY.map((row) => ({ ...row })),
    resources: RESOURCE_FLAGS.map((row) => ({
      ...row,
      actions: [...row.actions],
      resources: [...row.resources],
      flags: [...row.flags],
    })),
    services: SERVICE_RULES.map(({ services, names, ...rule }) => ({
      ...rule,
      services: [...services],
      names: names?.source ?? '',
    })),
  }),
).slice(0, 8)}`

/** Longest action or action pattern taken. */
const MAX_ACTION_CHARACTERS = 200
const SHAPE = /^([A-Za-z0-9-]+):([A-Za-z0-9*?-]+)$/
const known = new Map<string, Classification>()

/**
 * Classifies one action.
 *
 * @param action e.g. `s3:GetObject`, in any case, without a wildcard.
 * @throws {StintError} ACTION_UNKNOWN
 */
export function classify(action: string): Classification {
  const found = findAction(action)
  const before = known.get(found.action)
  if (before) return before
  const fresh = Object.freeze(classifyFresh(found))
  known.set(found.action, fresh)
  return fresh
}

/**
 * The action of the table with this name.
 *
 * @param action in any case, without a wildcard.
 * @throws {StintError} ACTION_UNKNOWN
 */
export function findAction(action: string): TableAction {
  const { service, name } = split(action)
  const found = actionsOfService(service)?.get(name.toLowerCase())
  if (!found) throw unknown(action, explainUnknown(service, name))
  return found
}

/**
 * All the actions that a pattern stands for, in canonical spelling and order. A pattern without wildcards yields itself.
 *
 * @param pattern `service:Name` with `*` and `?` in the name only; IAM ignores the case of actions.
 * @throws {StintError} ACTION_UNKNOWN if it is malformed or stands for nothing.
 */
export function expandActions(pattern: string): readonly string[] {
  const { service, name } = split(pattern)
  if (!/[*?]/.test(name)) return [findAction(pattern).action]
  const glob = compileGlob(name.toLowerCase())
  const found: string[] = []
  for (const [key, { action }] of actionsOfService(service) ?? []) if (matches(glob, key)) found.push(action)
  if (found.length === 0) throw unknown(pattern, explainUnknown(service, name))
  return found
}

function classifyFresh(found: TableAction): Classification {
  const { class: risk, flags, outlivesReason } = judgeAction(found)
  return { class: risk, flags: Object.freeze(flags), ...(outlivesReason === undefined ? {} : { outlivesReason }) }
}

function split(action: string): { service: string; name: string } {
  const [, service, name] = action.length <= MAX_ACTION_CHARACTERS ? (SHAPE.exec(action) ?? []) : []
  if (service === undefined || name === undefined) {
    throw unknown(action, 'write `service:Action`, with the service spelled out and wildcards in the action only')
  }
  return { service: service.toLowerCase(), name }
}

function explainUnknown(service: string, name: string): string {
  const fact = knownServices().includes(service)
    ? `the service "${service}" has no such action in table ${ACTION_TABLE_VERSION}`
    : `table ${ACTION_TABLE_VERSION} knows no service "${service}"`
  return `${fact}${suggestAction(service, name)}`
}

function unknown(action: string, why: string): StintError {
  const shown = printable(action)
  const end = why.endsWith('?') ? '' : '.'
  return new StintError('ACTION_UNKNOWN', {
    action: shown,
    explanation: `"${shown}" is not an AWS action: ${why}${end}`,
  })
}
