import type { AssumeRoleCommandOutput } from '@aws-sdk/client-sts'

/** The content of a plain answer; the rest of the output is about the exchange. */
export type PlainAnswer = Omit<AssumeRoleCommandOutput, '$metadata'>

type Element = string | { readonly [name: string]: Element }
type Parent = { [name: string]: Element }

/** The root as STS writes it. Its namespace is the version of the API. */
const ROOT = '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
const ROOT_NAME = 'AssumeRoleResponse'
/** A tag without attributes, and the text after it: printable ASCII without `&`, so that it stands for itself. */
const TAG = /<(\/?)([A-Za-z]{1,40})>([\t\n -%'-;=?-~]*)/y
/** Between elements. The SDK's parser takes blanks without a line break for text. */
const BLANK = /^(?:[\t ]*\n[\t\n ]*)?$/
/** Text that no parser trims or reads in another way. */
const TEXT = /^[!-~](?:[ -~]*[!-~])?$/
const INSTANT = /^2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/
const SIZE = /^(?:0|[1-9]\d{0,8})$/

/**
 * Reads an answer of AssumeRole in the one form that STS gives it. The SDK's parser takes three times as long and leaves much
 * garbage, since it builds texts character by character. The whole text is parsed, by a narrow grammar.
 *
 * @returns undefined for any other text, also a wrong one: it is for the SDK's parser to read or refuse.
 */
export function readPlainAnswer(body: Buffer): PlainAnswer | undefined {
  const root = parse(body.toString('latin1').trimEnd())
  const result = root?.AssumeRoleResult
  if (typeof result !== 'object') return undefined
  const { Credentials: credentials, AssumedRoleUser: user, SourceIdentity, PackedPolicySize: size, ...others } = result
  if (typeof credentials !== 'object' || typeof user !== 'object' || Object.keys(others).length > 0) return undefined
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = credentials
  const { AssumedRoleId, Arn } = user
  const texts = [AccessKeyId, SecretAccessKey, SessionToken, AssumedRoleId, Arn]
  if (!texts.every((text) => typeof text === 'string' && TEXT.test(text))) return undefined
  if (SourceIdentity !== undefined && !(typeof SourceIdentity === 'string' && TEXT.test(SourceIdentity)))
    return undefined
  if (size !== undefined && !(typeof size === 'string' && SIZE.test(size))) return undefined
  const expiration = toInstant(Expiration)
  if (!expiration) return undefined
  return {
    ...(SourceIdentity === undefined ? {} : { SourceIdentity }),
    AssumedRoleUser: { AssumedRoleId, Arn } as NonNullable<PlainAnswer['AssumedRoleUser']>,
    Credentials: { AccessKeyId, SecretAccessKey, SessionToken, Expiration: expiration } as NonNullable<
      PlainAnswer['Credentials']
    >,
    ...(size === undefined ? {} : { PackedPolicySize: Number(size) }),
  }
}

/** The elements within the root. Undefined for what the grammar does not have: attributes, entities, comments, repeated names. */
function parse(text: string): Parent | undefined {
  if (!text.startsWith(ROOT)) return undefined
  const root: Parent = Object.create(null)
  const open: { readonly name: string; readonly element: Parent }[] = [{ name: ROOT_NAME, element: root }]
  let at = text.indexOf('<', ROOT.length)
  if (at < 0 || !BLANK.test(text.slice(ROOT.length, at))) return undefined
  while (at < text.length) {
    TAG.lastIndex = at
    const [all, slash, name = '', after = ''] = TAG.exec(text) ?? []
    const top = open.at(-1)
    if (all === undefined || !top) return undefined
    at += all.length
    if (slash) {
      if (top.name !== name || !BLANK.test(after)) return undefined
      open.pop()
    } else if (Object.hasOwn(top.element, name)) return undefined
    else if (text.startsWith(`</${name}>`, at)) {
      const close = `</${name}>`.length
      const next = text.indexOf('<', at + close)
      if (next < 0 || !BLANK.test(text.slice(at + close, next))) return undefined
      top.element[name] = after
      at = next
    } else {
      if (!BLANK.test(after)) return undefined
      const element: Parent = Object.create(null)
      top.element[name] = element
      open.push({ name, element })
    }
  }
  return open.length === 0 ? root : undefined
}

function toInstant(text: Element | undefined): Date | undefined {
  if (typeof text !== 'string' || !INSTANT.test(text)) return undefined
  const instant = new Date(text)
  // A day that no month has would be moved on.
  const isReal = Number.isFinite(instant.getTime()) && instant.toISOString().slice(0, 19) === text.slice(0, 19)
  return isReal ? instant : undefined
}
