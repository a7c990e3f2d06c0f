import { parse } from 'yaml'
import { StintError } from '../core/errors.ts'
import { readSmallFile, UnusableFileError } from '../core/files/read-small-file.ts'
import { type LabelSet, parseLabels } from './labels.ts'

/** Enough to share a list of patterns between labels; far too few for a file that grows by aliases of aliases. */
const MAX_ALIASES = 20

/**
 * Reads the operator's labels from a YAML file: see `parseLabels` for its shape.
 *
 * @throws {StintError} LABELS_INVALID
 */
export async function loadLabels(file: string): Promise<LabelSet> {
  return parseLabels(parseYaml(await readText(file)))
}

async function readText(file: string): Promise<string> {
  try {
    return (await readSmallFile(file)).text
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw new StintError('LABELS_INVALID', { explanation: `The file ${file} ${error.message}.` }, error)
  }
}

function parseYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: MAX_ALIASES, prettyErrors: true, logLevel: 'error' })
  } catch (error) {
    const [problem = 'it is not YAML'] = error instanceof Error ? error.message.split('\n') : []
    throw new StintError(
      'LABELS_INVALID',
      { explanation: `The labels are not YAML that can be read: ${problem}` },
      error,
    )
  }
}
