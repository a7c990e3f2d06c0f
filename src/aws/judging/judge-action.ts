import { ACTION_CLASSES, type ActionClass, type ActionFlag } from '../action-classes.ts'
import type { TableAction } from '../action-table.ts'
import { compileGlob, matches } from '../glob.ts'
import { type ModelFactKind, modelFacts } from './action-model.ts'
import { ACTION_OVERLAY } from './action-overlay.ts'
import { changesByName, isDestructive, judgeName, looksOnly } from './action-verbs.ts'
import type { OverlayRow } from './overlay/row.ts'
import { SERVICE_RULES, type ServiceRule } from './service-rules.ts'

/** The sources of a classification, in the order of judging. */
export type ReasonSource = 'aws' | 'name' | 'service' | 'model' | 'overlay'

/** One rule that applied to an action. */
export interface ClassReason {
  readonly source: ReasonSource
  /** The class that it sets, or the lowest that it accepts; undefined for a rule that only adds flags. */
  readonly class?: ActionClass
  readonly flags: readonly ActionFlag[]
  readonly reason: string
}

/** A classification and the rules that led to it. */
export interface Judgement {
  readonly class: ActionClass
  /** Sorted. */
  readonly flags: readonly ActionFlag[]
  readonly outlivesReason?: string
  /** In the order of judging. */
  readonly reasons: readonly ClassReason[]
}

/** The verdict of one rule, before it is put together with the others. */
interface Verdict extends ClassReason {
  readonly outlives?: string
}

const RANK = new Map(ACTION_CLASSES.map((name, at) => [name, at]))
const rowsByService = overlayByService()

/**
 * Judges one action: by AWS's level, its name, its service, AWS's model of its call, and the overlay. Each can only raise the
 * class, with two exceptions: a row of the overlay may correct AWS's level, and an action that only looks is no change of
 * permissions.
 */
export function judgeAction({ action, service, level }: TableAction): Judgement {
  const name = action.slice(service.length + 1)
  const rows = (rowsByService.get(service) ?? [])
    .filter(({ glob }) => matches(glob, name.toLowerCase()))
    .map(({ row }) => row)
  const verdicts = [...baseVerdicts(name, level, rows)]
  verdicts.push(...serviceVerdicts({ service, name, rows, class: riskiest(verdicts) }))
  verdicts.push(...modelVerdicts({ service, name, class: riskiest(verdicts) }))
  verdicts.push(...rows.map(overlayVerdict))
  const flags = new Set(verdicts.flatMap((verdict) => verdict.flags))
  const lasting = verdicts.filter(({ outlives }) => outlives !== undefined)
  const { outlives: found } = lasting.find(({ source }) => source === 'overlay') ?? lasting.at(-1) ?? {}
  return {
    class: riskiest(verdicts),
    flags: [...flags].sort(),
    ...(found === undefined ? {} : { outlivesReason: found }),
    reasons: verdicts.map(({ outlives, ...reason }) => reason),
  }
}

/** Judges by AWS's level or our correction of it, then by the name of a write. */
function baseVerdicts(name: string, level: ActionClass, rows: readonly OverlayRow[]): readonly Verdict[] {
  const correction = rows.find((row) => row.level !== undefined)
  if (correction?.level !== undefined) {
    return [toVerdict('overlay', `${correction.reason}; AWS says ${level}`, { class: correction.level })]
  }
  const looks = level === 'permissions' ? looksOnly(name) : undefined
  if (looks !== undefined) {
    const reason = 'its name says that it only looks; AWS files it under permissions management'
    return [toVerdict('name', reason, { class: looks })]
  }
  const said = toVerdict('aws', "the access level in AWS's Service Authorization Reference", { class: level })
  const isMisfiled = (isRead(level) || level === 'tag') && changesByName(name)
  const misfiled = toVerdict('name', `its name says that it changes something; AWS files it as a ${level}`, {
    class: 'write',
  })
  const named = level === 'write' || isMisfiled ? judgeName(name) : []
  return [
    said,
    ...(isMisfiled ? [misfiled] : []),
    ...named.map(({ reason, ...says }) => toVerdict('name', reason, says)),
  ]
}

interface Subject {
  readonly service: string
  readonly name: string
  /** So far. */
  readonly class: ActionClass
}

function serviceVerdicts({ rows, ...subject }: Subject & { rows: readonly OverlayRow[] }): readonly Verdict[] {
  if (rows.some((row) => row.reviewed || row.level !== undefined)) return []
  const own = SERVICE_RULES.filter((rule) => applies(rule, subject, rows.length > 0))
  return own.map(({ reason, class: risk, flags }) =>
    toVerdict('service', reason, { ...(risk && { class: risk }), flags: flags ?? [] }),
  )
}

function applies({ services, of, names }: ServiceRule, subject: Subject, named: boolean): boolean {
  if (!services.has(subject.service) || names?.test(subject.name) === false) return false
  if (of === 'reads') return !named && isRead(subject.class)
  if (of === 'plain-writes') return !named && subject.class === 'write'
  return !isRead(subject.class) && subject.class !== 'tag'
}

/** The verdict of each kind of fact, whatever the action. */
const MODEL_VERDICTS: Readonly<Record<ModelFactKind, { readonly says: RuleEffect; readonly reason: string }>> = {
  credentials: {
    says: { class: 'escalation', flags: ['secret'], outlives: 'the credentials live their own time' },
    reason: 'its answer holds temporary AWS credentials',
  },
  token: {
    says: { flags: ['secret'], outlives: 'the token is honoured until it expires' },
    reason: 'its answer holds a token',
  },
  secret: { says: { flags: ['secret'] }, reason: 'its answer holds a password, a key or the like' },
  link: {
    says: { flags: ['secret'], outlives: 'the signed link works until it expires' },
    reason: 'its answer holds a signed link, which works for anybody',
  },
  environment: {
    says: { flags: ['secret'] },
    reason: 'its answer holds environment variables, which often hold secrets',
  },
  role: {
    says: { flags: [], outlives: 'the service keeps the role that was passed' },
    reason: 'it takes a role, which the service keeps',
  },
  public: { says: { flags: ['shares'] }, reason: 'it decides whether something is open to the internet' },
  'admin-password': {
    says: { class: 'destructive', flags: [] },
    reason: "it can reset an administrator's password, which locks out whoever uses it",
  },
}

function modelVerdicts({ service, name, class: risk }: Subject): readonly Verdict[] {
  return modelFacts(service, name).flatMap(({ kind, path }): Verdict[] => {
    if (kind === 'role' && (isRead(risk) || isDestructive(name))) return []
    const { says, reason } = MODEL_VERDICTS[kind]
    const opens = kind === 'public' && /^(Update|Modify|Set|Put)/.test(name)
    const changed = opens ? { ...says, class: 'destructive' as const } : says
    return [toVerdict('model', `${reason} (${path})`, changed)]
  })
}

function overlayVerdict({ reason, ...says }: OverlayRow): Verdict {
  return toVerdict('overlay', reason, says)
}

/** The effect of a rule. `outlives` is the reason, and adds the flag of that name. */
interface RuleEffect {
  readonly class?: ActionClass
  readonly flags?: readonly ActionFlag[]
  readonly outlives?: string
}

function toVerdict(source: ReasonSource, reason: string, { class: risk, flags = [], outlives }: RuleEffect): Verdict {
  return {
    source,
    ...(risk && { class: risk }),
    flags: outlives === undefined ? flags : [...flags, 'outlives'],
    reason,
    ...(outlives !== undefined && { outlives }),
  }
}

function isRead(risk: ActionClass): boolean {
  return risk === 'list' || risk === 'read'
}

function riskiest(verdicts: readonly Verdict[]): ActionClass {
  return verdicts.reduce<ActionClass>((worst, verdict) => riskierClass(worst, verdict.class ?? 'list'), 'list')
}

/** The riskier of two classes. */
export function riskierClass(a: ActionClass, b: ActionClass): ActionClass {
  return (RANK.get(a) ?? 0) >= (RANK.get(b) ?? 0) ? a : b
}

function overlayByService(): ReadonlyMap<string, { readonly glob: Int32Array; readonly row: OverlayRow }[]> {
  const byService = new Map<string, { readonly glob: Int32Array; readonly row: OverlayRow }[]>()
  for (const row of ACTION_OVERLAY) {
    for (const action of row.actions.split(' ')) {
      const [service = '', name = ''] = action.split(':')
      const own = byService.get(service) ?? []
      own.push({ glob: compileGlob(name.toLowerCase()), row })
      byService.set(service, own)
    }
  }
  return byService
}
