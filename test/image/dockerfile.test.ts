import { describe, expect, test } from 'vitest'
import { dockerIgnore } from './build-context.ts'
import { argumentsOf, execForm, parseDockerfile } from './dockerfile.ts'

describe('parseDockerfile', () => {
  const [build, final] = parseDockerfile(
    '# a comment\nFROM a:1 AS build\nRUN one \\\n  two\n# between\n\nFROM b:2\nCOPY --from=build --chown=1:1 /x ./x\nCMD ["serve"]\n',
  )

  test('splits stages and joins continued lines', () => {
    expect(build).toEqual({ image: 'a:1', name: 'build', instructions: [{ name: 'RUN', text: 'one    two' }] })
    expect(final?.image).toBe('b:2')
  })

  test('keeps flags apart from values', () => {
    const [copy] = final?.instructions ?? []
    expect(copy && argumentsOf(copy)).toEqual({ flags: ['--from=build', '--chown=1:1'], values: ['/x', './x'] })
  })

  test('reads the exec form', () => {
    expect(final && execForm(final, 'CMD')).toEqual(['serve'])
    expect(final && execForm(final, 'ENTRYPOINT')).toEqual([])
  })
})

// https://docs.docker.com/build/concepts/context/#dockerignore-files
describe('dockerIgnore', () => {
  for (const { rules, path, sends } of [
    { rules: '*', path: 'secret.key', sends: false },
    { rules: '*\n!src', path: 'src/deep/main.ts', sends: true },
    { rules: '*\n!src', path: 'srcs/main.ts', sends: false },
    { rules: '*\n!src\nsrc/*.pem', path: 'src/a.pem', sends: false },
    { rules: '*\n!src\nsrc/*.pem', path: 'src/deep/a.pem', sends: true },
    { rules: '**/*.pem', path: 'src/deep/a.pem', sends: false },
    { rules: '# all\n\n/dist', path: 'dist/main.js', sends: false },
    { rules: '', path: 'README.md', sends: true },
  ])
    test(`${JSON.stringify(rules)} ${sends ? 'sends' : 'keeps back'} ${path}`, () => {
      expect(dockerIgnore(rules)(path)).toBe(sends)
    })
})
