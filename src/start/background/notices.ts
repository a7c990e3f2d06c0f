import type { Config } from '../../config/schema.ts'
import { StintError } from '../../core/errors.ts'
import { readSmallFile } from '../../core/files/read-small-file.ts'
import { createGuardedFetch, type GuardedFetch } from '../../core/net/guarded-fetch.ts'
import type { HttpProxy } from '../../core/net/proxy/tunnel-agent.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import { createNoticeService } from '../../notice/notice-service.ts'
import { Notices } from '../../notice/notices.ts'
import { PartWatch } from '../../notice/part-watch.ts'
import type { NoticeFilter, OutgoingNotice, Receiver } from '../../notice/sending/receiver.ts'
import { readSlackToken, sendToSlack } from '../../notice/slack/slack-receiver.ts'
import { GrantBook } from '../../notice/types/grant-facts.ts'
import { expandTypePatterns } from '../../notice/types/notice-types.ts'
import { readSigningSecrets } from '../../notice/webhook/signature.ts'
import { sendToWebhook } from '../../notice/webhook/webhook-receiver.ts'
import { openAwsNetwork } from '../aws/network.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

type NoticeConfig = Config['notices']
type WebhookConfig = NoticeConfig['webhooks'][number]

interface Needs extends Surroundings {
  readonly ledger: Ledger
  readonly metrics: Metrics | undefined
}

/** Sends notices to receivers outside. Without receivers it does nothing. */
export const notices = definePart({
  name: 'notices',
  async start(needs: Needs) {
    const { config, liveConfig, ledger, clock, ids, random, partHealth, metrics } = needs
    const proxy = config.notices.useProxy ? await openProxy(needs) : undefined
    const { replica } = ledger.identity
    const problems = () => partHealth.problems()
    const value = new Notices({
      ledger,
      book: new GrantBook(ledger),
      owner: replica,
      clock,
      random,
      gather: { remindAt: config.notices.remindAt },
      partHealth,
      partWatch: new PartWatch({ ledger, clock, replica, problems }),
      ...(metrics && { onSent: (endpoint, outcome) => metrics.notices.inc({ endpoint, outcome }) }),
    })
    const build = (next: Config) => buildReceivers(next, { ...needs, proxy: proxy?.proxy })
    value.replace(await build(config))
    liveConfig.follow('notices', async (next) => {
      const receivers = await build(next)
      return () => value.replace(receivers)
    })
    value.start()
    const service = createNoticeService({
      ledger,
      clock,
      ids,
      owner: replica,
      receivers: () => value.receivers,
    })
    return {
      value: service,
      stop: async () => {
        await value.stop()
        proxy?.close()
      },
    }
  },
})

async function openProxy({ config, clock, partHealth }: Needs) {
  const report = (component: string, problem: StintError | undefined) =>
    partHealth.report(`notices_${component}`, problem)
  const { network, close } = await openAwsNetwork(config.aws, { clock, everyMs: config.identity.reloadEvery, report })
  return { proxy: network.proxy, close }
}

/** The receivers of a configuration. @throws {StintError} CONFIG_INVALID for a file that cannot be used */
async function buildReceivers(
  { notices: settings, admin }: Config,
  deps: Pick<Needs, 'ledger' | 'clock'> & { readonly proxy: HttpProxy | undefined },
): Promise<Receiver[]> {
  for (const webhook of settings.webhooks) {
    await readSigningSecrets(webhook.secretFile)
    await readRoots(webhook.caFile)
  }
  for (const channel of settings.slack) {
    await readSlackToken(channel.tokenFile)
    await readRoots(channel.caFile)
  }
  const channels = settings.slack.map((slack) => ({
    ...receiverSettings(slack, settings),
    target: `${URL.parse(slack.apiUrl)?.host ?? ''} ${slack.channel}`,
    oneByQuestion: true,
    send: (notice: OutgoingNotice, signal: AbortSignal) =>
      sendToSlack(
        {
          ...{ name: slack.name, channel: slack.channel, apiUrl: slack.apiUrl, tokenFile: slack.tokenFile },
          openFetch: () => openFetch(slack, settings, deps.proxy),
          ...{ ledger: deps.ledger, clock: deps.clock, adminUrl: admin.publicUrl },
        },
        notice,
        signal,
      ),
  }))
  const webhooks = settings.webhooks.map((webhook) => ({
    ...receiverSettings(webhook, settings),
    target: URL.parse(webhook.url)?.host ?? '',
    send: (notice: OutgoingNotice, signal: AbortSignal) =>
      sendToWebhook(
        {
          ...{ name: webhook.name, url: webhook.url, secretFile: webhook.secretFile },
          openFetch: () => openFetch(webhook, settings, deps.proxy),
          clock: deps.clock,
          ledgerId: deps.ledger.identity.ledgerId,
          adminUrl: admin.publicUrl,
        },
        notice,
        signal,
      ),
  }))
  return [...webhooks, ...channels]
}

function receiverSettings(
  {
    name,
    events,
    filter,
    timeout,
    retryFor,
  }: Pick<WebhookConfig, 'name' | 'events' | 'filter' | 'timeout' | 'retryFor'>,
  { escalations }: NoticeConfig,
): Omit<Receiver, 'target' | 'send'> {
  const own = escalations.filter(({ to }) => to.includes(name))
  return {
    name,
    types: expandTypePatterns(events),
    filter: filter satisfies NoticeFilter,
    escalations: own.map(({ after, filter: which }) => ({ afterMs: after, filter: which })),
    timeoutMs: timeout,
    retryMs: retryFor,
  }
}

/** The roots are read for each attempt, since they may change while the broker runs. */
async function openFetch(
  { timeout, allowPrivate, caFile }: Pick<WebhookConfig, 'timeout' | 'allowPrivate' | 'caFile'>,
  { httpOnLoopback }: NoticeConfig,
  proxy: HttpProxy | undefined,
): Promise<GuardedFetch> {
  const ca = await readRoots(caFile)
  return createGuardedFetch({
    timeoutMs: timeout,
    allowPrivate,
    httpOnLoopback,
    ...(ca !== undefined && { ca: [ca] }),
    ...(proxy && { proxy }),
  })
}

async function readRoots(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return (await readSmallFile(file)).text
  } catch (error) {
    const explanation = `The caFile ${file} of a receiver of notices ${error instanceof Error ? error.message : 'cannot be read'}.`
    throw new StintError('CONFIG_INVALID', { explanation }, error)
  }
}
