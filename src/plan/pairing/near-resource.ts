import type { TableAction } from '../../aws/action-table.ts'
import { type ResourcePattern, splitArn } from '../../aws/arn.ts'
import { compileGlob, intersects } from '../../aws/glob.ts'
import { MAX_INPUT_PROBLEMS } from '../../core/input-error.ts'

/**
 * The resource that somebody most likely meant: one of these with a region or account less, or on S3 the objects of a bucket
 * or the bucket of an object.
 *
 * @returns undefined if the action applies to none of them either.
 */
export function findNearResource(
  { resourceTypes }: TableAction,
  resources: readonly ResourcePattern[],
): string | undefined {
  const fits = (arn: readonly string[]) => {
    const parts = arn.map(compileGlob)
    return resourceTypes.some((type) => type.parts.every((part, at) => intersects(part, parts[at] ?? part)))
  }
  const near = resources.slice(0, MAX_INPUT_PROBLEMS).flatMap(({ text }) => listNearForms(text))
  return near.find(fits)?.join(':').slice(0, 200)
}

function listNearForms(text: string): string[][] {
  const { prefix, partition = '', service = '', region = '', account = '', resource } = splitArn(text)
  const [bucket = ''] = resource.split('/')
  const forms = [
    [region, '', resource],
    ['', account, resource],
    ['', '', resource],
    ...(service === 's3' ? [[region, account, `${resource}/*`]] : []),
    ...(service === 's3' && bucket !== '' ? [[region, account, bucket]] : []),
  ]
  return forms.map((form) => [prefix, partition, service, ...form])
}
