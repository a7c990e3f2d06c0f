import { stat } from 'node:fs/promises'
import { StintError } from '../../core/errors.ts'
import { fileFingerprint } from '../../core/files/file-fingerprint.ts'
import { readTextFile } from '../../core/files/read-text-file.ts'
import { Reloading } from '../../core/files/reloading.ts'
import { parseInventory, type ResourceInventory } from '../../plan/reach/inventory.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

/** The inventory of resources as it is now. */
export interface FollowedInventory {
  /** Undefined without a file, and until it has loaded. */
  current(): ResourceInventory | undefined
}

const MAX_FILE_BYTES = 256 * 1_048_576

/** Follows the file with the inventory of resources (`reach.inventoryFile`). */
export const resourceInventory = definePart({
  name: 'resourceInventory',
  async start({ config, clock, partHealth }: Surroundings) {
    const file = config.reach?.inventoryFile
    if (file === undefined) return { value: { current: () => undefined } as FollowedInventory }
    const source = new Reloading<ResourceInventory>({
      clock,
      pollMs: config.identity.reloadEvery,
      load: () => loadInventory(file),
      fingerprint: () => fileFingerprint(file),
      onState: (problem) => partHealth.report('resource-inventory', problem),
    })
    await source.start()
    const value: FollowedInventory = { current: () => source.status.value }
    return { value, stop: () => source.stop() }
  },
})

/** @throws {StintError} RESOURCE_INVENTORY_INVALID */
async function loadInventory(file: string): Promise<ResourceInventory> {
  const text = await readTextFile(file, 'RESOURCE_INVENTORY_INVALID', { maxBytes: MAX_FILE_BYTES })
  const { mtime } = await stat(file)
  try {
    return parseInventory(text, mtime)
  } catch (error) {
    if (!(error instanceof StintError)) throw error
    throw new StintError(error.code, { explanation: `The inventory ${file} ${error.details.explanation}.` }, error)
  }
}
