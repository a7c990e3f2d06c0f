import { z } from '@hono/zod-openapi'
import { OPERATOR_ROLES } from '../../grants/operators/operator.ts'
import { UNREGISTERED_REASONS } from '../../ledger/records.ts'
import { authMethod, count, instant } from './values.ts'

/** A registration of agents. */
export const registrationSchema = z
  .object({
    name: z.string(),
    match: z.string(),
    owner: z.string(),
    team: z.string(),
    purpose: z.string(),
    expiresAt: instant(),
    reviewAt: instant().optional(),
  })
  .openapi('Registration')

/** A caller that proved who it is and has no registration. */
export const unregisteredSchema = z
  .object({
    subject: z.string(),
    trustDomain: z.string(),
    authMethod,
    reason: z.enum(UNREGISTERED_REASONS),
    firstSeenAt: instant(),
    lastSeenAt: instant(),
    count: count(),
  })
  .openapi('UnregisteredAttempt')

/** The operator whose token made the call. */
export const operatorSchema = z
  .object({ name: z.string(), role: z.enum(OPERATOR_ROLES), groups: z.array(z.string()) })
  .openapi('Operator')
