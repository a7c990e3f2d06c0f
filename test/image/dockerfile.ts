/** One instruction; `text` is what follows its name, with continued lines joined. */
export interface Instruction {
  readonly name: string
  readonly text: string
}

/** What lies between one FROM and the next. */
export interface Stage {
  readonly image: string
  /** After AS; '' if it has none. */
  readonly name: string
  readonly instructions: readonly Instruction[]
}

/**
 * Reads the part of the Dockerfile language that this project uses.
 *
 * @see https://docs.docker.com/reference/dockerfile/
 */
export function parseDockerfile(text: string): Stage[] {
  const stages: { image: string; name: string; instructions: Instruction[] }[] = []
  for (const instruction of instructionsOf(text)) {
    if (instruction.name === 'FROM') {
      const [image = '', , name = ''] = words(instruction.text)
      stages.push({ image, name, instructions: [] })
      continue
    }
    const stage = stages.at(-1)
    if (!stage) throw new Error(`${instruction.name} stands before the first FROM`)
    stage.instructions.push(instruction)
  }
  return stages
}

/** The words of an instruction's text, `--flag=value` ones apart. */
export function argumentsOf({ text }: Instruction): { flags: string[]; values: string[] } {
  const all = words(text)
  return {
    flags: all.filter((word) => word.startsWith('--')),
    values: all.filter((word) => !word.startsWith('--')),
  }
}

/** The exec form of ENTRYPOINT or CMD. */
export function execForm({ instructions }: Stage, name: 'ENTRYPOINT' | 'CMD'): string[] {
  const found = instructions.findLast((each) => each.name === name)
  return found ? (JSON.parse(found.text) as string[]) : []
}

/** What the last instruction of that name says. */
export function textOf({ instructions }: Stage, name: string): string | undefined {
  return instructions.findLast((each) => each.name === name)?.text
}

function instructionsOf(text: string): Instruction[] {
  const joined = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll('\\\n', ' ')
  return joined
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [name = ''] = words(line)
      return { name: name.toUpperCase(), text: line.slice(name.length).trim() }
    })
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}
