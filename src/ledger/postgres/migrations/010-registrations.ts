import type { Migration } from './migration.ts'

/** Registrations of the admin API. See the same step of the SQLite store. */
export const registrationsMigration: Migration = {
  version: 10,
  name: 'registrations',
  // An earlier release does not serve the agents of these registrations.
  readableBy: 1,
  sql: `
CREATE TABLE registrations (
  name text PRIMARY KEY,
  match text NOT NULL,
  version bigint NOT NULL,
  removed integer NOT NULL,
  changed_at bigint NOT NULL,
  changed_by text NOT NULL,
  body text NOT NULL
);
CREATE UNIQUE INDEX registrations_match ON registrations (match) WHERE removed = 0;
CREATE TABLE registration_reviews (
  name text PRIMARY KEY,
  match text NOT NULL,
  number bigint NOT NULL,
  at bigint NOT NULL,
  reviewed_by text NOT NULL,
  next_at bigint NOT NULL,
  shown text NOT NULL
);
CREATE TABLE registration_reminders (
  key text PRIMARY KEY,
  at bigint NOT NULL,
  until bigint NOT NULL
);
`,
}
