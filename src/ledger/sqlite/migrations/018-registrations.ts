import type { Migration } from './migration.ts'

/**
 * Registrations of the admin API, their reviews, and the dates that operators were told of. What people say of an agent is JSON:
 * nothing is looked up by it.
 */
export const registrationsMigration: Migration = {
  version: 18,
  name: 'registrations',
  // An earlier release does not serve the agents of these registrations.
  readableBy: 7,
  sql: `
CREATE TABLE registrations (
  name TEXT PRIMARY KEY,
  match TEXT NOT NULL,
  version INTEGER NOT NULL,
  removed INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  changed_by TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX registrations_match ON registrations (match) WHERE removed = 0;
CREATE TABLE registration_reviews (
  name TEXT PRIMARY KEY,
  match TEXT NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  reviewed_by TEXT NOT NULL,
  next_at INTEGER NOT NULL,
  shown TEXT NOT NULL
) STRICT;
CREATE TABLE registration_reminders (
  key TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  until INTEGER NOT NULL
) STRICT;
`,
}
