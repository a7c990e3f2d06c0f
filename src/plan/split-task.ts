import { MAX_SESSION_POLICY_CHARACTERS } from '../aws/session-policy.ts'
import { StintError } from '../core/errors.ts'
import type { Pairing } from './pairing/pair-access.ts'

/** An access entry of a task whose session policy is too large. */
export interface EntryPairs {
  /** e.g. `task.access[2]` */
  readonly field: string
  /** At least one. */
  readonly pairs: readonly Pairing[]
}

/** Characters of the session policy of these pairs, whether it fits or not. */
export type MeasurePolicy = (pairs: readonly Pairing[]) => number

/** Some of the sorted resources or actions of an entry, one after the other. */
interface Run {
  readonly list: 'resources' | 'actions'
  /** The place of the first one, from 1 on. */
  readonly from: number
  readonly items: readonly string[]
}

/** A whole access entry, or a run of its sorted resources or actions where it does not fit alone. */
interface Part extends EntryPairs {
  readonly characters: number
  readonly run?: Run
}

interface ProposedTask {
  readonly parts: readonly Part[]
  readonly characters: number
}

/** Most pairs that are compiled for one proposal, in all attempts together. A hostile task gets no proposal. */
const MAX_PAIRS_MEASURED = 8_000
/** Most tasks of a proposal. A task that needs more is better rewritten. */
const MAX_TASKS = 12
/** Largest entries named by a refusal. */
const ENTRIES_SHOWN = 3
const TEXT_SHOWN = 60
/** Most characters of a split within the sentence: the edge cuts long explanations, and `details.split` has it whole. */
const SPLIT_SHOWN = 200

/**
 * Explains what makes a task too large, and how to split it. `details.largest` has the entries with the longest policies, each
 * measured alone. `details.split`, if there is a proposal, has tasks that were compiled and fit: whole entries, or runs of
 * their sorted resources or actions, numbered from 1.
 *
 * @param error of `compileSessionPolicy` for all pairs together.
 * @returns the same error with these details and a longer explanation.
 */
export function explainTooLarge(error: StintError, entries: readonly EntryPairs[], measure: MeasurePolicy): StintError {
  const budget = { pairs: MAX_PAIRS_MEASURED }
  const measured: MeasurePolicy = (pairs) => {
    budget.pairs -= pairs.length
    if (budget.pairs < 0) throw new OutOfBudget()
    return measure(pairs)
  }
  const parts = attempt(() => entries.map((entry): Part => ({ ...entry, characters: measured(entry.pairs) })))
  if (!parts) return error
  const largest = [...parts].sort((a, b) => b.characters - a.characters).slice(0, ENTRIES_SHOWN)
  const tasks = attempt(() => proposeTasks(parts, measured))
  const { explanation: _, ...facts } = error.details
  const { characters, limit } = facts
  const costs = largest.map(describeEntry).join(', ')
  const advice = tasks ? describeSplit(tasks) : 'Split the task, or name fewer or wider resources.'
  const explanation = `The session policy has ${characters} characters and the limit is ${limit}. Alone, ${costs}. ${advice}`
  const split = tasks && { split: tasks.map(toTaskFacts) }
  return new StintError(
    error.code,
    { ...facts, ...split, largest: largest.map(toEntryFacts), explanation },
    error.cause,
  )
}

class OutOfBudget extends Error {}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof OutOfBudget) return undefined
    throw error
  }
}

/** Characters of every policy, whatever it allows: version and time Deny. Two policies in one need them once. */
const SHARED_CHARACTERS = 150

/** First fit, the largest parts first. @returns undefined if a single pair does not fit, or for too many tasks. */
function proposeTasks(entries: readonly Part[], measure: MeasurePolicy): readonly ProposedTask[] | undefined {
  const divided = entries.map((part) => divide(part, measure))
  if (divided.includes(undefined)) return undefined
  const parts = divided.flatMap((some) => some ?? []).sort((a, b) => b.characters - a.characters)
  const tasks = placeByEstimate(parts).reduce<readonly ProposedTask[]>((made, own) => join(made, own, measure), [])
  return tasks.length > MAX_TASKS ? undefined : tasks
}

/** Estimates by the sum of characters, which is hardly ever too low. Compiling each attempt would cost far more. */
function placeByEstimate(parts: readonly Part[]): readonly (readonly Part[])[] {
  const tasks: { parts: Part[]; left: number }[] = []
  for (const part of parts) {
    const needed = part.characters - SHARED_CHARACTERS
    const task = tasks.find(({ left }) => left >= needed)
    if (task) {
      task.parts.push(part)
      task.left -= needed
    } else tasks.push({ parts: [part], left: MAX_SESSION_POLICY_CHARACTERS - part.characters })
  }
  return tasks.map((task) => task.parts)
}

/** Adds the parts to the last task if they fit, as parts that share actions or resources may; else as a new task. */
function join(tasks: readonly ProposedTask[], parts: readonly Part[], measure: MeasurePolicy): readonly ProposedTask[] {
  const last = tasks.at(-1)
  if (last) {
    const both = compileTask([...last.parts, ...parts], measure)
    if (both.characters <= MAX_SESSION_POLICY_CHARACTERS) return [...tasks.slice(0, -1), both]
  }
  return [...tasks, ...compileTasks(parts, measure)]
}

/** One task of these parts, or two where they do not fit together after all. */
function compileTasks(parts: readonly Part[], measure: MeasurePolicy): readonly ProposedTask[] {
  const task = compileTask(parts, measure)
  if (task.characters <= MAX_SESSION_POLICY_CHARACTERS || parts.length < 2) return [task]
  const middle = Math.ceil(parts.length / 2)
  return [parts.slice(0, middle), parts.slice(middle)].flatMap((half) => compileTasks(half, measure))
}

function compileTask(parts: readonly Part[], measure: MeasurePolicy): ProposedTask {
  return { parts, characters: measure(parts.flatMap(({ pairs }) => pairs)) }
}

/** Cuts an entry that does not fit into runs that do: of its resources or its actions, whichever have more characters. */
function divide(entry: Part, measure: MeasurePolicy): readonly Part[] | undefined {
  if (entry.characters <= MAX_SESSION_POLICY_CHARACTERS) return [entry]
  const resources = sorted(entry.pairs.map(({ resource }) => resource.text))
  const actions = sorted(entry.pairs.map(({ action }) => action))
  const list = sum(resources) > sum(actions) ? 'resources' : 'actions'
  const items = list === 'resources' ? resources : actions
  const least = Math.ceil(entry.characters / MAX_SESSION_POLICY_CHARACTERS)
  for (let runs = least; runs <= Math.min(items.length, 2 * least + 1); runs += 1) {
    const parts = cutEvenly(items, runs).map((own) => {
      return toPart(entry, { list, from: items.indexOf(own[0] ?? '') + 1, items: own }, measure)
    })
    if (parts.every(({ characters }) => characters <= MAX_SESSION_POLICY_CHARACTERS)) return parts
  }
  return undefined
}

function toPart({ field, pairs: all }: Part, run: Run, measure: MeasurePolicy): Part {
  const kept = new Set(run.items)
  const pairs = all.filter(({ action, resource }) => kept.has(run.list === 'resources' ? resource.text : action))
  return { field, pairs, characters: measure(pairs), run }
}

/** Runs of about the same number of characters, none empty. */
function cutEvenly(items: readonly string[], runs: number): readonly (readonly string[])[] {
  const each = sum(items) / runs
  const cut = new Map<number, string[]>()
  let before = 0
  for (const item of items) {
    const at = Math.floor(before / each)
    cut.set(at, [...(cut.get(at) ?? []), item])
    before += item.length
  }
  return [...cut.values()]
}

function sum(texts: readonly string[]): number {
  return texts.reduce((characters, text) => characters + text.length, 0)
}

function describeEntry({ field, characters, pairs }: Part): string {
  const { actions, resources } = count(pairs)
  return `${shortField(field)} has ${characters} (actions: ${actions}, resources: ${resources})`
}

function describeSplit(tasks: readonly ProposedTask[]): string {
  const listed = tasks.map(({ parts }) => parts.map(describePart).join(' + ')).join('; ')
  const shown = listed.length <= SPLIT_SHOWN ? `: ${listed}` : ', see split'
  return `These ${tasks.length} tasks would fit${shown}.`
}

function describePart({ field, run }: Part): string {
  if (!run) return shortField(field)
  const { list, from, items } = run
  return `${shortField(field)} with ${list} ${from} to ${from + items.length - 1} in sorted order`
}

/** The field as people write it in a file, without the `task.` of the contract. */
function shortField(field: string): string {
  return field.replace(/^task\./, '')
}

function toEntryFacts({ field, characters, pairs }: Part) {
  const longest = sorted(pairs.map(({ resource }) => resource.text)).reduce((a, b) => (b.length > a.length ? b : a), '')
  return {
    field,
    characters,
    ...count(pairs),
    longestResource: cut(longest),
    longestResourceCharacters: longest.length,
  }
}

function toTaskFacts({ parts, characters }: ProposedTask) {
  const entries = parts.map(({ field, run }) => {
    if (!run) return { field }
    const { list, from, items } = run
    return { field, [list]: [from, from + items.length - 1], first: cut(items[0] ?? ''), last: cut(items.at(-1) ?? '') }
  })
  return { characters, entries }
}

function count(pairs: readonly Pairing[]) {
  return {
    actions: new Set(pairs.map(({ action }) => action)).size,
    resources: new Set(pairs.map(({ resource }) => resource.text)).size,
  }
}

function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort()
}

function cut(text: string): string {
  return text.length > TEXT_SHOWN ? `${text.slice(0, TEXT_SHOWN)}…` : text
}
