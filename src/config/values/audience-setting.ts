import { z } from '../../core/documents/schema.ts'

const audience = z
  .string()
  .max(2_048)
  .refine((text) => text.trim() !== '', 'must not be empty')

/** The audience that a token must name: one identifier of ours, or a list of which it names any. Parses to the list. */
export const audiences = z
  .union([audience, z.array(audience).min(1).max(20)], { error: 'must be a string, or a list of 1 to 20 strings' })
  .transform((one) => (typeof one === 'string' ? [one] : one))
