import { labels, proxyContainer } from '../../shell/names.ts'
import type { Context } from '../context.ts'
import { readLogOptions } from '../log-options.ts'
import { showLogs } from '../logs.ts'
import { loadProject, selectFrom } from '../project.ts'
import { gatherKeys } from '../secrets.ts'

export async function run(context: Context): Promise<void> {
  const config = loadProject(context)
  const { servers } = selectFrom(config, context)
  const how = readLogOptions(context.options)
  const secrets = await gatherKeys(context, config, servers)
  await showLogs(context, {
    config,
    secrets,
    servers,
    how,
    label: labels.proxy,
    sourcesOf: ({ server, proxy }, engine) =>
      proxy === undefined ? [] : [{ server, engine, service: 'proxy', title: 'proxy', container: proxyContainer }],
    nothing: 'there is no proxy on these servers',
  })
}
