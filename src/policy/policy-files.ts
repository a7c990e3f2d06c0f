import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { StintError } from '../core/errors.ts'
import { fileFingerprint } from '../core/files/file-fingerprint.ts'
import { readSmallFile, UnusableFileError } from '../core/files/read-small-file.ts'
import type { PolicyFile } from './policy-set.ts'

/** Limits of a policy directory. */
export const POLICY_FILE_LIMITS = { files: 500, bytesPerFile: 262_144, bytes: 4_194_304 } as const

/**
 * Reads the files of a directory whose names end in `suffix`, sorted by name; one level, hidden ones left out.
 *
 * Files may be links, as Kubernetes mounts them. If the directory changes while it is read, it is read again, so that
 * the answer is never a mixture of two versions.
 *
 * @throws {StintError} POLICY_INVALID for a directory or file that cannot be read, is too large, is no plain file, or
 *   is not UTF-8.
 */
export async function readPolicyFiles(directory: string, suffix: string): Promise<PolicyFile[]> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const before = await readFingerprint(directory, suffix)
    const files = await readAll(directory, suffix)
    if ((await readFingerprint(directory, suffix)) === before) return files
  }
  throw invalid(`The directory ${directory} keeps changing while it is read; write it elsewhere and swap it in.`)
}

/** A text that changes when any of the files does: names, inodes, sizes and times of change. */
export async function readFingerprint(directory: string, suffix: string): Promise<string> {
  const lines = (await namesIn(directory, suffix)).map(async (name) => {
    return `${name} ${await fileFingerprint(join(directory, name)).catch(throwUnreadable(name))}`
  })
  return (await Promise.all(lines)).join('\n')
}

async function readAll(directory: string, suffix: string): Promise<PolicyFile[]> {
  const files: PolicyFile[] = []
  let bytes = 0
  for (const name of await namesIn(directory, suffix)) {
    const text = await readWhole(join(directory, name), name)
    bytes += Buffer.byteLength(text)
    if (bytes > POLICY_FILE_LIMITS.bytes)
      throw invalid(`The files together must have at most ${POLICY_FILE_LIMITS.bytes} bytes.`)
    files.push({ name, text })
  }
  return files
}

async function namesIn(directory: string, suffix: string): Promise<string[]> {
  const names = await readdir(directory).catch(throwUnreadable(directory))
  const wanted = names.filter((name) => name.endsWith(suffix) && !name.startsWith('.')).sort()
  if (wanted.length > POLICY_FILE_LIMITS.files)
    throw invalid(`The directory has ${wanted.length} ${suffix} files and the limit is ${POLICY_FILE_LIMITS.files}.`)
  return wanted
}

async function readWhole(path: string, name: string): Promise<string> {
  try {
    return (await readSmallFile(path, { maxBytes: POLICY_FILE_LIMITS.bytesPerFile })).text
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw new StintError('POLICY_INVALID', { explanation: `${name} ${error.message}.` }, error)
  }
}

function throwUnreadable(what: string) {
  return (cause: unknown): never => {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
    throw new StintError('POLICY_INVALID', { explanation: `${what} cannot be read (${code}).` }, cause)
  }
}

function invalid(explanation: string): StintError {
  return new StintError('POLICY_INVALID', { explanation })
}
