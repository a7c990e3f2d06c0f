import type { ErrorCode, StintError } from '../core/errors.ts'

/** The exit codes of the commands of `stint`; `exec` exits with the code of its child once that has started. See docs/cli.md. */
export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  denied: 3,
  approval: 4,
  unreachable: 5,
  pending: 6,
  inUse: 7,
} as const

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  POLICY_DENIED: EXIT.denied,
  KILLED: EXIT.denied,
  AGENT_SUSPENDED: EXIT.denied,
  AGENT_OFFBOARDED: EXIT.denied,
  APPROVAL_PENDING: EXIT.approval,
  APPROVAL_REJECTED: EXIT.approval,
  APPROVAL_EXPIRED: EXIT.approval,
  REQUEST_WITHDRAWN: EXIT.approval,
  BROKER_UNAVAILABLE: EXIT.unreachable,
  SHUTTING_DOWN: EXIT.unreachable,
  DEADLINE_EXCEEDED: EXIT.unreachable,
}

/** The exit code that stands for an error. */
export function toExitCode({ code }: StintError): number {
  return BY_CODE[code] ?? EXIT.error
}
