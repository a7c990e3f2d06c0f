import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { stint } from '../support/cli.ts'
import { CHECKOUT } from './reader.ts'

const page = readFileSync(join(CHECKOUT, 'docs/cli.md'), 'utf8')

test('docs/cli.md names every command of stint --help', async () => {
  const { stdout } = await stint(['--help'])
  const commands = [...stdout.matchAll(/^ {2}([\w-]+) {2,}/gm)].map(([, name]) => name)
  expect(commands.length).toBeGreaterThan(10)
  expect(commands.filter((name) => !page.includes(`| \`stint ${name}`))).toEqual([])
})

test('docs/cli.md names no subcommand that is not there', async () => {
  const named = [...page.matchAll(/^\| `stint ([\w-]+)( \w[\w-]*)?[^`]*`/gm)]
  for (const [, name = '', subcommand = ''] of named) {
    const argv = [name, subcommand.trim(), '--help'].filter(Boolean)
    const { exitCode, stdout } = await stint(argv)
    expect(exitCode, argv.join(' ')).toBe(0)
    expect(stdout, argv.join(' ')).toContain(`Usage: stint ${name}`)
    if (/^ [a-z-]+$/.test(subcommand)) expect(stdout).toContain(`Usage: stint ${name}${subcommand}`)
  }
})

const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'helm/README.md',
  ...readdirSync(join(CHECKOUT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]
for (const name of PAGES)
  test(`${name} names no command of stint that is not there`, async () => {
    const { stdout } = await stint(['--help'])
    const commands = [...stdout.matchAll(/^ {2}([\w-]+) {2,}/gm)].map(([, command]) => command)
    const named = [...readFileSync(join(CHECKOUT, name), 'utf8').matchAll(/`stint ([a-z][\w-]*)/g)].map(
      ([, command]) => command,
    )
    expect(named.filter((command) => command !== 'help' && !commands.includes(command))).toEqual([])
  })
