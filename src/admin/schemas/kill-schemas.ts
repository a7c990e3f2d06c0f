import { z } from '@hono/zod-openapi'
import { KILL_SCOPES } from '../../grants/kill/kill-scope.ts'
import { HOLD_SCOPES } from '../../ledger/holds/hold-records.ts'
import { GRANT_STATES } from '../../ledger/records.ts'
import { killWishFields, note } from './inputs.ts'
import { count, EXAMPLE_IDS, idText, instant } from './values.ts'

/** A kill, as it stands. */
export const killSchema = z
  .object({
    id: idText('kil'),
    scope: z.enum(HOLD_SCOPES),
    value: z.string().openapi({ description: '`*` for everything' }),
    asked: z.string().optional().openapi({ description: 'the lease that was asked for: its grant is killed' }),
    since: instant(),
    by: z.string().openapi({ description: '`operator:` and a name, or `file` for the break-glass file' }),
    why: z.string(),
    isPublic: z.boolean().openapi({ description: 'agents that it stops are told why' }),
    inForce: z.boolean().openapi({ description: 'false once somebody has lifted it' }),
    lifted: z
      .object({ at: instant(), by: z.string(), note: z.string(), alone: z.boolean().optional() })
      .optional()
      .openapi({ description: 'who lifted it; `alone`: the same person as set it' }),
    state: z.enum(['holding', 'ending', 'denying', 'settling', 'done']).openapi({
      description:
        '`holding`: nothing is given out in its scope. `ending`: its grants are being ended. `denying`: their denies are being written. `settling`: all are written, and not all are known to be in force. `done`',
    }),
    heldAt: instant().optional().openapi({ description: 'from then on no lease could be issued in its scope' }),
    found: z
      .object({ grants: count(), ending: count(), approvals: count(), agents: count(), unreadable: count() })
      .optional()
      .openapi({ description: 'what was in its scope when its work began' }),
    ended: count().openapi({ description: 'grants and approvals that are done with' }),
    leases: count().openapi({ description: 'leases of those grants that could still work' }),
    unreadable: z.array(z.string()).openapi({ description: 'some of the grants that cannot be read, or not be ended' }),
    undeniable: z
      .object({ grants: count(), until: instant().optional() })
      .openapi({ description: 'grants that no deny reaches: their leases work until then' }),
    isCutShort: z.boolean().openapi({ description: 'it was lifted before all grants in its scope had ended' }),
    endedAt: instant().optional(),
    writtenAt: instant().optional().openapi({ description: 'when all denies were written; that is not yet in force' }),
    enforcedAt: instant().optional().openapi({ description: 'when all denies were in force, or their sessions over' }),
    denies: z
      .object({ unwritten: count(), unenforced: count(), until: instant().optional() })
      .optional()
      .openapi({ description: 'denies on their way; `until`: the end of the last session if none comes into force' }),
  })
  .openapi('Kill')

const warning = z
  .string()
  .optional()
  .openapi({ description: 'set if no registration has such an agent, owner or team: the name may be misspelt' })

/** The immediate result of a kill. */
export const killAnswerSchema = z
  .object({
    kill: killSchema,
    warning,
    isExisting: z.boolean().openapi({ description: 'the scope was killed already, and nothing has changed' }),
    noLeaseSince: instant().optional().openapi({ description: 'from then on no lease can be issued in the scope' }),
    shutOut: z.array(z.object({ id: z.string(), version: z.string().optional() })).openapi({
      description:
        'brokers of an older release, which do not know kills: they lost the ledger, and issue nothing until they run this release',
    }),
  })
  .openapi('KillAnswer')

const namedCount = z.object({ name: z.string(), grants: count() })

/** Everything that a kill would hit. */
export const killDrillSchema = z
  .object({
    scope: z.enum(HOLD_SCOPES),
    value: z.string(),
    warning,
    counts: z.object({
      ...{ grants: count(), ending: count(), approvals: count(), leases: count() },
      ...{ agents: count(), teams: count(), owners: count(), unreadable: count() },
    }),
    agents: z.array(namedCount),
    teams: z.array(namedCount),
    grants: z.array(
      z.object({ id: idText('grt'), subject: z.string(), roleArn: z.string(), state: z.enum(GRANT_STATES) }),
    ),
    denyLists: z.array(
      z.object({
        key: z.string(),
        roleArns: z.array(z.string()).readonly(),
        grants: count(),
        documents: count(),
        fits: z.boolean(),
        runningOut: count().openapi({
          description: 'grants that would only run out, unless a watermark over the list is allowed',
        }),
        others: z
          .object({ grants: count(), agents: count(), first: z.array(z.string()).readonly() })
          .optional()
          .openapi({ description: 'whom else that watermark would cut: active grants outside the scope' }),
      }),
    ),
    undeniable: z.array(namedCount).openapi({ description: 'roles that no deny list reaches' }),
    estimate: z
      .object({ endedSeconds: count(), writtenSeconds: count(), enforcedSeconds: count() })
      .openapi({ description: 'rough; seconds after the kill is set' }),
  })
  .openapi('KillDrill')

/** The body of a kill. */
export const killBody = z
  .strictObject({
    ...killWishFields(KILL_SCOPES),
    why: note,
    isPublic: z.boolean().optional().openapi({ description: 'tell the agents that it stops why' }),
    roleWatermarks: z.array(z.string().min(1).max(2048)).max(100).optional().openapi({
      description:
        'keys of deny lists that may get a watermark over everybody, where the kill does not fit; a drill says whom else that cuts',
    }),
  })
  .openapi('KillOrder', {
    example: { scope: 'agent', value: 'spiffe://example.org/ci/deploy', why: 'It deletes buckets' },
  })

/** The body of a drill. */
export const drillBody = z.strictObject(killWishFields(KILL_SCOPES)).openapi('KillWish')

/** The path parameter of one kill. */
export const killIdParam = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(64)
    .openapi({ param: { name: 'id', in: 'path' }, example: EXAMPLE_IDS.kil }),
})
