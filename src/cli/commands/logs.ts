import { settled } from '../../deploy/failure.ts'
import { liveOf } from '../../deploy/live.ts'
import { observeServer } from '../../deploy/observe.ts'
import { JijiError } from '../../errors.ts'
import { readLogs } from '../../shell/logs.ts'
import type { Context } from '../context.ts'
import { gatherSecrets, loadProject, selectFrom, withServers } from '../gather.ts'

export async function run(context: Context): Promise<void> {
  const { options, output, signal } = context
  const config = loadProject(context)
  const { servers, services } = selectFrom(config, context)
  const how = {
    follow: options.flag('follow'),
    lines: wholeNumber(options.text('lines') ?? '100'),
    since: options.text('since'),
  }
  const secrets = await gatherSecrets(context, config, [config.ssh, config.servers])

  await withServers(context, config, secrets, servers, async runners => {
    const sources = await settled(
      servers.flatMap(({ name, engine }) => {
        const runner = runners.get(name)
        return runner
          ? [observeServer(runner, engine, config.scope, signal).then(observation => ({ runner, engine, observation }))]
          : []
      }),
    )
    const containers = sources.flatMap(({ runner, engine, observation }) =>
      services
        .filter(service => service.servers.includes(runner.server))
        .flatMap(({ name }) => {
          const { container } = liveOf(observation, config.scope, name)
          return container ? [{ runner, engine, service: name, container: container.name }] : []
        }),
    )
    if (containers.length === 0)
      throw new JijiError('nothing.running', 'nothing has been deployed there yet', { hint: 'jiji deploy' })
    const isOne = containers.length === 1
    await settled(
      containers.map(async ({ runner, engine, service, container }) => {
        const prefix = isOne ? '' : `${runner.server} ${service} | `
        await runner.run(readLogs(engine, container, how), {
          signal,
          onLine: line => output.result(`${prefix}${line}`),
        })
      }),
    )
  })
}

function wholeNumber(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text)
  throw new JijiError('usage', `--lines takes a whole number, not ${text}`)
}
