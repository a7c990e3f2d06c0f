import { stat } from 'node:fs/promises'

/**
 * A text that changes whenever a file does, or the file that a link leads to: device, inode, size and times of change.
 *
 * @throws the system's error
 */
export async function fileFingerprint(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}
