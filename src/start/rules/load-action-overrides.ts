import { fileProblemTexts, listedProblems, YamlDocument, type YamlSource } from '../../core/documents/yaml-document.ts'
import { StintError } from '../../core/errors.ts'
import { readSmallFile, UnusableFileError } from '../../core/files/read-small-file.ts'
import { type ActionOverrides, parseActionOverrides } from '../../plan/action-overrides.ts'

/**
 * Reads an operator's overrides of action classes from a YAML file: see `parseActionOverrides` for its shape.
 *
 * @throws {StintError} ACTION_OVERRIDES_INVALID
 */
export async function loadActionOverrides(file: string): Promise<ActionOverrides> {
  const text = await readText(file)
  const document = YamlDocument.parse({ file, text, toError })
  return parseActionOverrides(document.value, document)
}

/** Every problem is in the sentence: the file is short, and whoever mends it sees all of it at once. */
const toError: YamlSource['toError'] = (problems, cause) =>
  new StintError(
    'ACTION_OVERRIDES_INVALID',
    { explanation: fileProblemTexts(problems).join('; '), problems: listedProblems(problems) },
    cause,
  )

async function readText(file: string): Promise<string> {
  try {
    return (await readSmallFile(file)).text
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw new StintError('ACTION_OVERRIDES_INVALID', { explanation: `The file ${file} ${error.message}.` }, error)
  }
}
