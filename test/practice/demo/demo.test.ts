import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { runDemo } from '../../../src/practice/demo/demo.ts'
import type { Stage } from '../../../src/practice/stage/stage.ts'

const DEMO = fileURLToPath(new URL('../../../src/practice/demo/demo.ts', import.meta.url))
const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('stint-demo-'))

/** Runs the demo in this process. */
async function play(onStage?: (stage: Stage) => void, signal = new AbortController().signal) {
  let text = ''
  let folder = ''
  const write = (more: string) => {
    text += more
  }
  const exitCode = await runDemo({
    write,
    color: false,
    signal,
    onStage: (stage) => {
      folder = stage.folder.split('/').at(-1) ?? ''
      onStage?.(stage)
    },
  })
  expect(folders()).not.toContain(folder)
  return { exitCode, text }
}

/** Every claim of the story, as a reader sees it. */
const claims: { name: string; says: RegExp }[] = [
  { name: 'that it is a practice stage', says: /^.*practice stage on this machine, not AWS/ },
  { name: 'the permitted read', says: /ok +GetObject invoices-staging.*\{"invoice":1\}/ },
  { name: 'the undeclared read', says: /refused +GetObject invoices-prod.*AccessDenied.*no session policy allows/ },
  { name: 'the undeclared delete', says: /refused +DeleteObject.*AccessDenied.*no session policy allows/ },
  { name: 'the plan that touches production', says: /refused +POLICY_DENIED.*prod-read-only forbids/ },
  { name: 'the plan for everything', says: /refused +RESOURCE_TOO_WIDE/ },
  { name: 'the foreign trust domain', says: /refused +spiffe:\/\/elsewhere\.example/ },
  { name: 'the unregistered agent', says: /refused +AGENT_UNREGISTERED/ },
  { name: 'the whole environment at the gate', says: /waits +grant grt_\w+ waits for two of the owners/ },
  { name: 'what the approver sees of it', says: /Asks to: .*s3:DeleteBucket on arn:aws:s3:::invoices-staging/ },
  { name: 'its blast radius', says: /Blast radius: +Declares 4 actions on 2 resource patterns/ },
  { name: 'its reach', says: /The role's own policies allow 4 of 4 pairs/ },
  { name: 'the rejection', says: /refused +olga rejects it\. APPROVAL_REJECTED/ },
  { name: 'the narrower plan', says: /waits +grant grt_\w+ waits for approval apr_\w+, bound to plan/ },
  { name: 'the first vote', says: /waits +olga of the owners.*One vote of two/ },
  { name: 'the second vote', says: /ok +owen of the owners.*Two votes of two/ },
  { name: 'the approved delete', says: /ok +DeleteObject.*gone, under grant grt_/ },
  { name: 'the same credentials, dead', says: /refused +DeleteObject.*ASIA\w+ again: AccessDenied.*explicit deny/ },
  { name: 'the change of policy', says: /ok +grant grt_\w+ is ended \(policy_changed\)/ },
  { name: 'the kill', says: /ok +stint kill agent spiffe:/ },
  { name: 'the credentials cut mid-flight', says: /refused +PutObject.*AccessDenied.*explicit deny/ },
  { name: 'the killed agent', says: /refused +and from now on: KILLED/ },
  {
    name: 'the trail',
    says: /grant\.requested, approval\.requested, approval\.voted, approval\.voted, approval\.approved/,
  },
  { name: 'the whole record', says: /ok +stint audit export.*\d+ events, each as it was written/ },
  { name: 'the forged record', says: /refused +in a copy, one byte is changed.*broken at event \d+/ },
]

test('npm run demo tells the whole story, without colour off a terminal, and ends by itself', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [DEMO], { timeout: 110_000 })
  expect(stderr).toBe('')
  for (const { name, says } of claims) expect(stdout, name).toMatch(says)
  expect(stdout).not.toContain('\u001b')
  const steps = [...stdout.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number))
  expect(steps).toEqual(steps.map((_, index) => index + 1))
  const [story = ''] = stdout.split('That was Stint')
  const longest = Math.max(...story.split(/^\d+\. .*$/m).map((step) => step.trim().split('\n').length))
  expect(longest).toBeLessThanOrEqual(14)
  expect(stdout).not.toMatch(/secretAccessKey|PRIVATE KEY/i)
})

/** A stage on which one thing is not as the story says. */
const broken: { name: string; spoil: (stage: Stage) => void; says: RegExp }[] = [
  {
    name: 'a deny that the cloud accepts and does not enforce',
    spoil: ({ cloud }) => cloud.setPropagationDelayMs(600_000),
    says: /failed in step 7: DeleteObject .* was let through/,
  },
  {
    name: 'a read that fails',
    spoil: ({ cloud }) => void cloud.setFault({ service: 's3', action: 'GetObject', kind: 'error500' }),
    says: /failed in step 1: /,
  },
]
for (const { name, spoil, says } of broken)
  test(`the demo fails on ${name}`, async () => {
    const { exitCode, text } = await play(spoil)
    expect(text).toMatch(says)
    expect(exitCode).toBe(1)
  })

test('a demo that is interrupted cleans up and fails', async () => {
  const stop = new AbortController()
  const { exitCode, text } = await play(() => stop.abort('stopped by SIGINT'), stop.signal)
  expect(exitCode).toBe(1)
  expect(text).toContain('stopped by SIGINT')
})
