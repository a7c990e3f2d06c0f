import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { find, type KubeObject } from './render.ts'

interface Pod {
  readonly containers: readonly { readonly volumeMounts: readonly { name: string; mountPath: string }[] }[]
  readonly securityContext: { readonly runAsUser?: number; readonly runAsGroup?: number; readonly fsGroup?: number }
  readonly volumes: readonly {
    readonly name: string
    readonly persistentVolumeClaim?: object
    readonly configMap?: Source & { readonly name: string }
    readonly secret?: Source
    readonly projected?: { readonly sources: readonly { readonly serviceAccountToken?: { readonly path: string } }[] }
  }[]
}

interface Source {
  readonly items?: readonly { readonly key: string; readonly path: string }[]
}

/** The rendered stint.yaml as the broker itself reads it. */
export function brokerConfig(objects: readonly KubeObject[]): Promise<Config> {
  return readConfig(objects, 'stint-config')
}

/** The stint.yaml of the migration job, as the job reads it. */
export function migrationConfig(objects: readonly KubeObject[]): Promise<Config> {
  return readConfig(objects, 'stint-migration')
}

async function readConfig(objects: readonly KubeObject[], name: string): Promise<Config> {
  const text = find(objects, 'ConfigMap', name)?.data?.['stint.yaml'] ?? ''
  const folder = await mkdtemp(join(tmpdir(), 'stint-chart-'))
  try {
    await writeFile(join(folder, 'stint.yaml'), text)
    return loadConfig({ file: join(folder, 'stint.yaml'), env: {} })
  } finally {
    await rm(folder, { recursive: true })
  }
}

interface Workload {
  readonly spec: {
    readonly template: { readonly spec: Pod }
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[]
  }
}

/** The object that makes the broker's pods. */
export function findWorkload(objects: readonly KubeObject[]): KubeObject | undefined {
  return find(objects, 'StatefulSet') ?? find(objects, 'Deployment')
}

/** The pod's spec, with the volumes that the StatefulSet's claim templates bring. */
export function podOf(objects: readonly KubeObject[]): Pod {
  const { template, volumeClaimTemplates = [] } = (findWorkload(objects) as unknown as Workload).spec
  const claimed = volumeClaimTemplates.map(({ metadata: { name } }) => ({ name, persistentVolumeClaim: {} }))
  return { ...template.spec, volumes: [...template.spec.volumes, ...claimed] }
}

/** Every setting that is a path, by its own value. */
export function pathsOf(value: unknown, key = ''): string[] {
  if (typeof value === 'string') return value.startsWith('/') && /^file$|^directory$|File$/.test(key) ? [value] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, item]) => pathsOf(item, Array.isArray(value) ? key : name))
}

/** Those of `paths` that no volume of the pod brings about. */
export function notMounted(objects: readonly KubeObject[], paths: readonly string[]): string[] {
  return notMountedIn(podOf(objects), objects, paths)
}

/** The same for the pod of the migration job. */
export function notMountedInJob(objects: readonly KubeObject[], paths: readonly string[]): string[] {
  const job = find(objects, 'Job', 'stint-migration') as unknown as Workload
  return notMountedIn(job.spec.template.spec, objects, paths)
}

function notMountedIn(
  { containers, volumes }: Pod,
  objects: readonly KubeObject[],
  paths: readonly string[],
): string[] {
  const mounts = new Map(
    containers.flatMap(({ volumeMounts }) => volumeMounts).map(({ name, mountPath }) => [mountPath, name]),
  )
  return paths.filter((path) => {
    const volumeAt = (place: string) => volumes.find(({ name }) => name === mounts.get(place))
    if (volumeAt(path)) return false
    const volume = volumeAt(dirname(path))
    if (!volume) return true
    if (volume.persistentVolumeClaim) return false
    const file = path.slice(dirname(path).length + 1)
    if (volume.projected) return !volume.projected.sources.some((one) => one.serviceAccountToken?.path === file)
    const items = (volume.configMap ?? volume.secret)?.items
    if (items && !items.some((item) => item.path === file)) return true
    const own = volume.configMap && find(objects, 'ConfigMap', volume.configMap.name)
    const key = items?.find((item) => item.path === file)?.key ?? file
    return own?.data !== undefined && !(key in own.data)
  })
}
