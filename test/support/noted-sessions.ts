import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/clock.ts'
import { randomIds } from '../../src/core/ids.ts'
import type { StartOwnSession } from '../../src/credentials/own-session.ts'
import type { CredentialProvider } from '../../src/credentials/provider.ts'
import { type SessionNote, startOnNotes } from '../../src/grants/own-sessions/session-notes.ts'

/** Starts sessions of Stint's own, and keeps what was noted of them, in order. */
export function notedSessions(
  provider: Pick<CredentialProvider, 'nameSession' | 'mintTimeoutMs'>,
  clock: Clock = systemClock,
): { start: StartOwnSession; noted: SessionNote[] } {
  const noted: SessionNote[] = []
  const notes = { write: async (note: SessionNote) => void noted.push(note) }
  return { start: startOnNotes({ clock, ids: randomIds, provider, notes }), noted }
}
