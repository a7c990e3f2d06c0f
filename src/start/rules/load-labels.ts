import { fileError, YamlDocument } from '../../core/documents/yaml-document.ts'
import { readTextFile } from '../../core/files/read-text-file.ts'
import { type LabelSet, parseLabels } from '../../plan/labels/labels.ts'

/** Enough aliases to share lists of patterns between labels; too few for a file that grows by aliases of aliases. */
const MAX_ALIASES = 20

/**
 * Reads the operator's labels from a YAML file: see `parseLabels` for its shape.
 *
 * @throws {StintError} LABELS_INVALID
 */
export async function loadLabels(file: string): Promise<LabelSet> {
  const text = await readTextFile(file, 'LABELS_INVALID')
  const document = YamlDocument.parse({ file, text, maxAliases: MAX_ALIASES, toError: fileError('LABELS_INVALID') })
  return parseLabels(document.value, document)
}
