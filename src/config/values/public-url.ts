import { z } from '../../core/documents/schema.ts'
import { isConfidentialUrl } from '../../core/net/confidential-url.ts'

/** `https://host` with a path or without; http:// for loopback. Without the slash at its end. */
export const publicUrl = z
  .string()
  .max(500)
  .refine(
    (text) => isConfidentialUrl(text) && !/[?#]/.test(text),
    'must be an https:// URL without query and fragment; http:// is for loopback only',
  )
  .transform((text) => text.replace(/\/+$/, ''))
