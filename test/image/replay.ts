import { execFile } from 'node:child_process'
import { cp, mkdir, stat } from 'node:fs/promises'
import { basename, delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { buildContext } from './build-context.ts'
import { argumentsOf, type Instruction, parseDockerfile, type Stage } from './dockerfile.ts'

const run = promisify(execFile)

/** The final stage as a tree on disk. */
export interface Replayed {
  /** Stands for `/` of the final image. */
  readonly root: string
  readonly final: Stage
  readonly stages: readonly Stage[]
}

/**
 * Does what the Dockerfile says, without an engine: each stage is a folder that stands for its `/`. The base images are
 * taken to hold Node alone, which `node` stands for.
 *
 * @param folder an empty folder of the caller's.
 * @param node the program that stands for the Node of the base images.
 */
export async function replayDockerfile(input: {
  dockerfile: string
  contextRoot: string
  folder: string
  node: string
}): Promise<Replayed> {
  const { dockerfile, contextRoot, folder, node } = input
  const stages = parseDockerfile(dockerfile)
  const sent = buildContext(contextRoot)
  const roots = new Map<string, string>()
  let root = ''
  for (const [at, stage] of stages.entries()) {
    root = join(folder, `stage-${at}`)
    await mkdir(root)
    roots.set(stage.name || String(at), root)
    let workdir = '/'
    for (const instruction of stage.instructions) {
      if (instruction.name === 'WORKDIR') {
        workdir = instruction.text
        await mkdir(join(root, workdir), { recursive: true })
      }
      const place = { root, workdir }
      if (instruction.name === 'COPY') await copy(instruction, place, { contextRoot, sent, roots })
      if (instruction.name === 'RUN') await runInstruction(instruction, place, folder, node)
    }
  }
  const final = stages.at(-1)
  if (!final) throw new Error('the Dockerfile has no stage')
  return { root, final, stages }
}

interface Place {
  readonly root: string
  readonly workdir: string
}

async function copy(
  instruction: Instruction,
  { root, workdir }: Place,
  from: { contextRoot: string; sent: readonly string[]; roots: ReadonlyMap<string, string> },
): Promise<void> {
  const { flags, values } = argumentsOf(instruction)
  const to = values.pop() ?? ''
  const target = to.startsWith('/') ? join(root, to) : join(root, workdir, to)
  const stage = flags.find((flag) => flag.startsWith('--from='))?.slice('--from='.length)
  for (const source of values) {
    if (stage !== undefined) await copyFromStage(from.roots.get(stage), source, target)
    else await copyFromContext(from, source, to.endsWith('/') || values.length > 1 ? join(target, source) : target)
  }
}

async function copyFromStage(root: string | undefined, source: string, target: string): Promise<void> {
  if (root === undefined) throw new Error('COPY --from names a stage that is not there')
  await cp(join(root, source), target, { recursive: true, verbatimSymlinks: true })
}

/** A file as `target`, or what a folder holds below `target`; only what the engine is sent exists. */
async function copyFromContext(
  { contextRoot, sent }: { contextRoot: string; sent: readonly string[] },
  source: string,
  target: string,
): Promise<void> {
  const files = sent.filter((path) => path === source || path.startsWith(`${source}/`))
  if (files.length === 0) throw new Error(`COPY ${source}: the build context has no such file`)
  for (const file of files) {
    const place = file === source ? target : join(target, file.slice(source.length + 1))
    await mkdir(dirname(place), { recursive: true })
    await cp(join(contextRoot, file), place)
  }
}

/** With the stage's Node first on the PATH, and nothing of the caller's but what npm needs to reach its registry. */
async function runInstruction({ text }: Instruction, place: Place, folder: string, node: string): Promise<void> {
  if (basename(node) !== 'node') throw new Error('the program that stands for Node has to be named node')
  const { PATH = '', HOME } = process.env
  const npmSettings = Object.entries(process.env).filter(([name]) =>
    /^(npm_config_|https?_proxy$|no_proxy$|NODE_EXTRA_CA)/i.test(name),
  )
  const env = {
    ...Object.fromEntries(npmSettings),
    PATH: `${dirname(node)}${delimiter}${PATH}`,
    ...(HOME && { HOME }),
    TMPDIR: folder,
  }
  await run('/bin/sh', ['-c', text], {
    cwd: join(place.root, place.workdir),
    env,
    timeout: 400_000,
    maxBuffer: 16 * 1_048_576,
  }).catch((error: { stdout?: string; stderr?: string }) => {
    throw new Error(`RUN ${text} failed:\n${error.stdout ?? ''}${error.stderr ?? ''}`)
  })
}

/** True if there is anything at that place. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
