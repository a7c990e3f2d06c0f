import { fileProblemTexts, listedProblems, YamlDocument, type YamlSource } from '../../core/documents/yaml-document.ts'
import { StintError } from '../../core/errors.ts'
import { readTextFile } from '../../core/files/read-text-file.ts'
import { type ActionOverrides, parseActionOverrides } from '../../plan/action-overrides.ts'

/**
 * Reads an operator's overrides of action classes from a YAML file: see `parseActionOverrides` for its shape.
 *
 * @throws {StintError} ACTION_OVERRIDES_INVALID
 */
export async function loadActionOverrides(file: string): Promise<ActionOverrides> {
  const text = await readTextFile(file, 'ACTION_OVERRIDES_INVALID')
  const document = YamlDocument.parse({ file, text, toError })
  return parseActionOverrides(document.value, document)
}

/** Puts every problem into the explanation, since the file is short and whoever mends it wants to see all at once. */
const toError: YamlSource['toError'] = (problems, cause) =>
  new StintError(
    'ACTION_OVERRIDES_INVALID',
    { explanation: fileProblemTexts(problems).join('; '), problems: listedProblems(problems) },
    cause,
  )
