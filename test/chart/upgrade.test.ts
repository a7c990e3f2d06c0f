import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { good, lay } from './good-values.ts'
import { CHART, find, helm, type KubeObject, type Values } from './render.ts'

/** Every key of the values at any depth, e.g. `agents.service.port`; lists and what is inside them are values. */
function keysOf(values: Values, path: readonly string[] = []): string[][] {
  return Object.entries(values).flatMap(([key, value]) => {
    const at = [...path, key]
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
    return [at, ...(isMap ? keysOf(value as Values, at) : [])]
  })
}

function without(values: Values, [key = '', ...rest]: readonly string[]): Values {
  const { [key]: value, ...others } = values
  return rest.length === 0 ? others : { ...others, [key]: without(value as Values, rest) }
}

/** Renders a copy of the chart whose values.yaml, or Chart.yaml, is another. */
async function renderCopy(files: Readonly<Record<string, string>>, over: Values = good()): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'stint-chart-'))
  try {
    await cp(CHART, copy, { recursive: true })
    for (const [name, text] of Object.entries(files)) await writeFile(join(copy, name), text)
    const { code, stdout, stderr } = await helm(['template', 'stint', copy], over)
    if (code !== 0) throw new Error(stderr)
    return stdout
  } finally {
    await rm(copy, { recursive: true })
  }
}

async function renderAs(args: readonly string[], values: Values): Promise<string> {
  const { code, stdout, stderr } = await helm(['template', 'stint', CHART, ...args], values)
  if (code !== 0) throw new Error(stderr)
  return stdout
}

const objectsOf = (text: string): KubeObject[] =>
  text
    .split(/^---$/m)
    .map((part) => parse(part) as KubeObject | null)
    .filter((object) => object !== null)
const imageOf = (text: string) => {
  const set = find(objectsOf(text), 'StatefulSet') as unknown as {
    spec: { template: { spec: { containers: { image: string }[]; imagePullSecrets?: object[] } } }
  }
  return set.spec.template.spec
}

describe.skipIf(!inject('tools'))('an upgrade', () => {
  // helm upgrade --reuse-values: the values of the last release as they were, without the keys that this one has added.
  test('with values of a release that knew none of a key renders as with its default', async () => {
    const defaults = parse(await readFile(join(CHART, 'values.yaml'), 'utf8')) as Values
    const whole = objectsOf(await renderCopy({}))
    const taken = keysOf(defaults).filter(([first]) => first !== 'resources')
    expect(taken.length).toBeGreaterThan(80)
    // Several at once, none of them inside another: each render takes most of a second.
    for (let depth = 1; depth <= Math.max(...taken.map(({ length }) => length)); depth += 1) {
      const removed = taken.filter(({ length }) => length === depth)
      const older = removed.reduce((values, path) => without(values, path), defaults)
      expect(objectsOf(await renderCopy({ 'values.yaml': stringify(older) })), String(depth)).toEqual(whole)
    }
  })

  test('takes a limit out where null says so', async () => {
    const text = await renderAs([], good({ resources: { limits: null } }))
    expect(text).not.toMatch(/limits:/)
    expect(text).toMatch(/requests:/)
  })

  test('to a newer chart of the same broker restarts nothing', async () => {
    const chart = await readFile(join(CHART, 'Chart.yaml'), 'utf8')
    const podOf = (text: string) =>
      (find(objectsOf(text), 'StatefulSet') as unknown as { spec: { template: object } }).spec.template
    const newer = await renderCopy({ 'Chart.yaml': chart.replace(/^version: .*/m, 'version: 9.9.9') })
    expect(newer).toContain('stint-9.9.9')
    expect(podOf(newer)).toEqual(podOf(await renderCopy({})))
  })

  test('has no claim among its objects that a rollback could shrink', async () => {
    expect((await renderAs([], good())).match(/^kind: .*/gm)).not.toContain('kind: PersistentVolumeClaim')
  })
})

describe.skipIf(!inject('tools'))('as a part of another chart', () => {
  test('its condition and the globals of others are no mistake', async () => {
    const text = await renderAs([], good({ enabled: true, global: { storageClass: 'x', imageRegistry: null } }))
    expect(imageOf(text).containers[0]?.image).toMatch(/^images\.example\/stint:/)
  })

  for (const { name, image, global, wanted } of [
    {
      name: 'a registry of its own',
      image: { registry: 'reg.example', repository: 'team/stint' },
      wanted: 'reg.example/team/stint:1',
    },
    {
      name: 'a repository that names its registry',
      image: { repository: 'reg.example:5000/stint' },
      wanted: 'reg.example:5000/stint:1',
    },
    {
      name: 'the registry of all charts in place of its own',
      image: { registry: 'reg.example', repository: 'team/stint' },
      global: { imageRegistry: 'mirror.example' },
      wanted: 'mirror.example/team/stint:1',
    },
    {
      name: 'the registry of all charts in place of that in the repository',
      image: { repository: 'reg.example:5000/team/stint' },
      global: { imageRegistry: 'mirror.example/proxy/' },
      wanted: 'mirror.example/proxy/team/stint:1',
    },
    {
      name: 'the registry of all charts before a repository without one',
      image: { repository: 'team/stint' },
      global: { imageRegistry: 'mirror.example' },
      wanted: 'mirror.example/team/stint:1',
    },
  ]) {
    test(`the image has ${name}`, async () => {
      const text = await renderAs([], lay(good(), { image: { tag: '1', ...image }, ...(global && { global }) }))
      expect(imageOf(text).containers[0]?.image).toBe(wanted)
    })
  }

  test('the pull secrets of all charts, by name or as objects, join its own', async () => {
    const global = { imagePullSecrets: ['mirror', { name: 'other' }] }
    const text = await renderAs([], good({ imagePullSecrets: [{ name: 'own' }], global }))
    expect(imageOf(text).imagePullSecrets).toEqual([{ name: 'own' }, { name: 'mirror' }, { name: 'other' }])
  })
})
