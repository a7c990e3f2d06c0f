import { CrashStage } from '../crash/crash-stage.ts'
import { eventually } from '../support/eventually.ts'
import type { Transcript } from './transcript.ts'

const GRANTS = 12

/** Everything is killed while grants are live; the broker that took the kill dies at once, and the next one sees it through. */
export async function killSwitch(transcript: Transcript): Promise<void> {
  const stage = await CrashStage.open()
  const { cloud } = stage.stage
  const works = () => cloud.sessions().filter(({ accessKeyId }) => stage.works(accessKeyId)).length
  try {
    const first = await stage.start()
    for (let n = 0; n < GRANTS; n += 1) await stage.request(`before-${n}-0001`, 'write')
    transcript.step(`a broker has given out ${GRANTS} grants`)
    transcript.count('sessions that work', works(), GRANTS)
    const oscar = await stage.admin('oscar')
    const { counts } = await oscar.post('/v1/kills/drill', { body: { scope: 'everything' } })
    transcript.step('stint kill everything --drill')
    transcript.count('grants that it would hit', counts.grants, GRANTS)
    transcript.count('sessions that work', works(), GRANTS)
    const { kill } = await oscar.post('/v1/kills', { body: { scope: 'everything', why: 'Agents delete buckets' } })
    const killedMs = performance.now()
    first.signal('SIGKILL')
    await first.exited
    transcript.step('oscar kills everything; once that is answered, kill -9 of the broker')
    await stage.start()
    transcript.step('another broker is started on the same ledger')
    const refused = await codeOf(() => stage.request('during-00000001', 'write'))
    transcript.count('what a new request gets', refused, 'KILLED')
    await eventually('the cut', () => works() === 0, 120_000)
    transcript.step(`no session works any more, ${Math.round(performance.now() - killedMs)} ms after the kill`)
    const ada = await stage.admin('ada')
    const show = () => ada.get('/v1/kills/{id}', { path: { id: kill.id } })
    await eventually('the end of the kill', async () => (await show()).state === 'done', 120_000)
    transcript.step('the kill says that it is done: every deny is in force')
    transcript.count('grants that it has ended', (await show()).ended, GRANTS)
    const again = await stage.admin('oscar')
    const lift = { path: { id: kill.id }, body: { note: 'the agents are fixed' } }
    transcript.count(
      'what oscar gets who wants to lift it',
      await codeOf(() => again.post('/v1/kills/{id}/lift', lift)),
      'HOLD_OF_SAME_PERSON',
    )
    await ada.post('/v1/kills/{id}/lift', lift)
    await stage.request('after-00000001', 'write')
    transcript.step('ada lifts it, and an agent asks anew')
    transcript.count('sessions that STS made', cloud.sessions().length, GRANTS + 1)
    transcript.count('of these working', works(), 1)
  } finally {
    await stage.close()
  }
}

/** The code of the error that a call brings; `none` if it brings none. */
async function codeOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call()
    return 'none'
  } catch (error) {
    return (error as { code?: string }).code ?? 'INTERNAL'
  }
}
