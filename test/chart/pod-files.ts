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
export async function brokerConfig(objects: readonly KubeObject[]): Promise<Config> {
  const text = find(objects, 'ConfigMap', 'stint-config')?.data?.['stint.yaml'] ?? ''
  const folder = await mkdtemp(join(tmpdir(), 'stint-chart-'))
  try {
    await writeFile(join(folder, 'stint.yaml'), text)
    return loadConfig({ file: join(folder, 'stint.yaml'), env: {} })
  } finally {
    await rm(folder, { recursive: true })
  }
}

interface StatefulSet {
  readonly spec: {
    readonly template: { readonly spec: Pod }
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[]
  }
}

/** The pod's spec, with the volumes that the StatefulSet's claim templates bring. */
export function podOf(objects: readonly KubeObject[]): Pod {
  const { template, volumeClaimTemplates = [] } = (find(objects, 'StatefulSet') as unknown as StatefulSet).spec
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
  const { containers, volumes } = podOf(objects)
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
