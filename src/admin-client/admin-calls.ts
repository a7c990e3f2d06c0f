import type { components, paths } from './gen/admin-api.ts'

/** A schema of the OpenAPI document by its name, e.g. `AdminSchema<'Grant'>`. Instants are RFC 3339 texts. */
export type AdminSchema<Name extends keyof components['schemas']> = components['schemas'][Name]

/** Paths of the document with this method, e.g. `/v1/grants/{id}`. */
export type AdminPath<Method extends 'get' | 'post'> = {
  [Path in keyof paths]: paths[Path] extends Readonly<Record<Method, object>> ? Path : never
}[keyof paths]

/** Paths of the lists that come in pages. */
export type AdminListPath = {
  [Path in AdminPath<'get'>]: 'items' | 'nextCursor' extends keyof AdminAnswer<'get', Path> ? Path : never
}[AdminPath<'get'>]

/** The path segment before `{id}`, e.g. `grants`. */
export type AdminIdOwner = OwnerOfId<keyof paths>

/** The answer of a successful call. */
export type AdminAnswer<Method extends 'get' | 'post', Path extends AdminPath<Method>> =
  Operation<Method, Path> extends { responses: { 200: { content: { 'application/json': infer Answer } } } }
    ? Answer
    : never

/** An item of a list that comes in pages. */
export type AdminListItem<Path extends AdminListPath> =
  AdminAnswer<'get', Path> extends { items: readonly (infer Item)[] } ? Item : never

/** The input of a call: its path parameters, query and body, each only where the document has one. */
export type AdminInput<Method extends 'get' | 'post', Path extends AdminPath<Method>> = PathPart<
  Operation<Method, Path>
> &
  QueryPart<Operation<Method, Path>> &
  BodyPart<Operation<Method, Path>>

/**
 * The query of a list without `limit` and `cursor`. Only the names are typed: the values often come from a person, and the
 * API's own message says which ones it accepts. Undefined values are left out.
 */
export type AdminFilter<Path extends AdminListPath> = Omit<
  NonNullable<QueryPart<Operation<'get', Path>>['query']>,
  'limit' | 'cursor'
>

type Operation<Method extends 'get' | 'post', Path extends AdminPath<Method>> =
  paths[Path] extends Readonly<Record<Method, infer Found>> ? Found : never

type OwnerOfId<Path> = Path extends `/v1/${infer Owner}/{id}${string}` ? Owner : never

type PathPart<Found> = Found extends { parameters: { path: infer Parameters extends Readonly<Record<string, string>> } }
  ? { readonly path: Parameters }
  : { readonly path?: never }

type QueryPart<Found> = Found extends { parameters: { query?: infer Query extends object } }
  ? { readonly query?: { readonly [Name in keyof Query]?: string | number | undefined } }
  : { readonly query?: never }

type BodyPart<Found> = Found extends { requestBody: { content: { 'application/json': infer Body extends object } } }
  ? { readonly body: Body }
  : { readonly body?: never }
