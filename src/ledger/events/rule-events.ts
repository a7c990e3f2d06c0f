import { z } from '../../core/documents/schema.ts'
import type { EventSpec } from './spec/event-spec.ts'
import { count, errorCode, policySetHash, text } from './spec/event-values.ts'

/** Events about the rules that grants are judged by: policies, labels, registrations, classes and the settings around them. */
export const RULE_EVENTS = {
  'rules.reevaluated': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about:
      'The rules have changed, and every active grant was judged again. Those that ended have events of their own.',
    data: z.strictObject({
      digest: text.describe('SHA-256 over all rules'),
      before: text.exactOptional().describe('The same of the rules before; missing after a start of the broker'),
      policySetHash,
      judged: count.describe('Active grants that were judged'),
      ended: count.describe('How many of them ended'),
      voided: count
        .exactOptional()
        .describe('Questions that were voided, since their task has come to another plan or policy denies it'),
      undecided: count.describe('How many could not be judged, and go on'),
      code: errorCode.exactOptional().describe('Why the first of these could not be judged'),
    }),
  },
} as const satisfies Record<string, EventSpec>
