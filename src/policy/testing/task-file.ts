import { z } from '../../core/documents/schema.ts'
import { fileError, YamlDocument } from '../../core/documents/yaml-document.ts'
import { parseDurationMs } from '../../core/duration.ts'
import { readTextFile } from '../../core/files/read-text-file.ts'
import type { Task } from '../../plan/task.ts'

const strings = z.array(z.string())

/** A task file as `stint plan --task` takes it. The planner judges the values. */
const taskFile = z
  .strictObject({
    purpose: z.string(),
    roleArn: z.string(),
    access: z.array(
      z.strictObject({
        actions: strings,
        resources: strings,
        conditions: z
          .array(z.strictObject({ key: z.string(), operator: z.string().optional(), values: strings }))
          .optional(),
      }),
    ),
    ttl: z.string().optional(),
    ttlSeconds: z.number().optional(),
    reference: z.string().exactOptional(),
    strict: z.boolean().exactOptional(),
  })
  .transform(({ ttl, ttlSeconds, ...task }, context) => {
    const seconds = ttlSeconds ?? (ttl === undefined ? undefined : (parseDurationMs(ttl) ?? 0) / 1_000)
    if (seconds !== undefined && seconds > 0) return { ...task, ttlSeconds: seconds }
    context.addIssue({ code: 'custom', path: ['ttl'], message: 'must be a duration such as 90s or 15m' })
    return z.NEVER
  })

/**
 * Reads a task file.
 *
 * @throws {StintError} TASK_INVALID with file, line and column
 */
export async function loadTaskFile(file: string): Promise<Task> {
  const text = await readTextFile(file, 'TASK_INVALID', { what: 'task file' })
  const document = YamlDocument.parse({ file, text, toError: fileError('TASK_INVALID') })
  return document.check(taskFile) as Task
}
