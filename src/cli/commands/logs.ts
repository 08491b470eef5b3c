import type { Config, Engine, Service } from '../../config/config.ts'
import type { Source } from '../../deploy/logs/read.ts'
import type { Container, Observation } from '../../deploy/observe.ts'
import { previousOf, replicasOf, runningOf, titlesOf } from '../../deploy/standing.ts'
import { JijiError } from '../../errors.ts'
import { projectLabel } from '../../shell/logs.ts'
import type { Context } from '../context.ts'
import { readLogOptions } from '../log-options.ts'
import { showLogs } from '../logs.ts'
import { loadProject, selectFrom } from '../project.ts'
import { gatherKeys } from '../secrets.ts'

export async function run(context: Context): Promise<void> {
  const { options } = context
  const config = loadProject(context)
  const { servers, services } = selectFrom(config, context)
  const how = readLogOptions(options)
  const isPrevious = options.flag('previous')
  if (isPrevious && how.follow)
    throw new JijiError('usage', 'what ran before writes nothing more: --previous cannot be followed')
  const secrets = await gatherKeys(context, config, servers)

  await showLogs(context, {
    config,
    secrets,
    servers: servers.filter(({ name }) => services.some(service => service.servers.includes(name))),
    how,
    label: projectLabel(config.scope),
    sourcesOf: (observation, engine, isNew) =>
      sourcesOf(config, services, observation, engine, isPrevious ? previousOf : isNew ? runningOf : replicasOf),
    nothing: isPrevious ? 'nothing of an earlier release is there any more' : 'nothing has been deployed there yet',
  })
}

function sourcesOf(
  { scope }: Config,
  services: readonly Service[],
  observation: Observation,
  engine: Engine,
  choose: (observation: Observation, scope: string, service: string) => Container[],
): Source[] {
  const { server } = observation
  const containers = services
    .filter(service => service.servers.includes(server))
    .flatMap(({ name }) => choose(observation, scope, name))
  const titles = titlesOf(containers)
  return containers.map(({ name, service }) => ({
    server,
    engine,
    service,
    title: titles.get(name) ?? service,
    container: name,
  }))
}
