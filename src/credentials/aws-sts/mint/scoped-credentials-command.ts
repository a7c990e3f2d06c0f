import {
  Credentials$,
  type GetSessionToken$,
  GetSessionTokenCommand,
  type GetSessionTokenCommandInput,
  type GetSessionTokenCommandOutput,
} from '@aws-sdk/client-sts'

/** The input of GetScopedCredentials. */
export interface ScopedCredentialsInput {
  readonly Policy: string
  readonly DurationSeconds: number
}

const NAMESPACE = 'com.amazonaws.sts'
/** Kinds of schema and of values, as the SDK's generated code writes them. */
const STRUCTURE = 3
const OPERATION = 9
const TEXT = 0
const INTEGER = 1

const REQUEST: typeof Credentials$ = [
  STRUCTURE,
  NAMESPACE,
  'GetScopedCredentialsRequest',
  0,
  ['Policy', 'DurationSeconds'],
  [TEXT, INTEGER],
]
const RESPONSE: typeof Credentials$ = [
  STRUCTURE,
  NAMESPACE,
  'GetScopedCredentialsResponse',
  0,
  ['Credentials'],
  [[() => Credentials$, 0]],
]
const GET_SCOPED_CREDENTIALS: typeof GetSessionToken$ = [
  OPERATION,
  NAMESPACE,
  'GetScopedCredentials',
  0,
  () => REQUEST,
  () => RESPONSE,
]

/**
 * STS GetScopedCredentials, which the SDK does not have yet: one of its own commands with the model of another operation, so
 * that serialisation, signature, endpoint and errors are the SDK's.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetScopedCredentials.html
 */
export class GetScopedCredentialsCommand extends GetSessionTokenCommand {
  override readonly schema = GET_SCOPED_CREDENTIALS

  constructor({ Policy, DurationSeconds }: ScopedCredentialsInput) {
    super({ Policy, DurationSeconds } as GetSessionTokenCommandInput)
  }

  override resolveMiddlewareWithContext(
    ...[clientStack, configuration, options, context]: Parameters<
      GetSessionTokenCommand['resolveMiddlewareWithContext']
    >
  ) {
    const name = 'GetScopedCredentials'
    return super.resolveMiddlewareWithContext(clientStack, configuration, options, {
      ...context,
      commandName: `${name}Command`,
      smithyContext: { ...context.smithyContext, operation: name, operationSchema: GET_SCOPED_CREDENTIALS },
      inputFilterSensitiveLog: () => ({}),
      outputFilterSensitiveLog: () => ({}),
    })
  }
}

/** Its output. */
export type ScopedCredentialsOutput = Pick<GetSessionTokenCommandOutput, 'Credentials' | '$metadata'>
