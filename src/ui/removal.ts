import type { RemovePlan, ServerRemoval } from '../deploy/plan/remove.ts'
import type { ServerTeardown, TeardownPlan } from '../deploy/plan/teardown.ts'

/** What goes when services are removed, and what stays. */
export function renderRemoval({ servers, ...plan }: RemovePlan): string {
  return [`remove services of ${nameOf(plan)}`, ...servers.flatMap(renderServer)].join('\n')
}

function renderServer({
  server,
  engine,
  services,
  isWithVolumes,
  unrouted,
  images,
  releases,
}: ServerRemoval): string[] {
  return [
    `  ${server} (${engine})`,
    ...(unrouted.length > 0 ? [`    take the routes away: ${unrouted.join(', ')}`] : []),
    ...services.flatMap(({ service, containers, volumes }) => [
      `    ${service}: ${containers.length > 0 ? `remove ${containers.join(', ')}` : 'no container'}`,
      ...(volumes.length > 0
        ? [`    ${service}: ${isWithVolumes ? 'remove' : 'keep'} the volumes ${volumes.join(', ')}`]
        : []),
      ...(isWithVolumes ? [`    ${service}: remove its directories`] : []),
    ]),
    ...(images.length > 0 ? [`    remove the images ${images.join(', ')}`] : []),
    ...(releases.drop.length > 0 ? [`    forget the releases ${releases.drop.join(', ')}`] : []),
  ]
}

/** What goes with a project, and what stays because others have it too. */
export function renderTeardown({ servers, ...plan }: TeardownPlan): string {
  return [`take ${nameOf(plan)} off its servers`, ...servers.flatMap(renderServerTeardown)].join('\n')
}

function renderServerTeardown(one: ServerTeardown): string[] {
  const list = (verb: string, names: readonly string[]) => (names.length > 0 ? [`    ${verb} ${names.join(', ')}`] : [])
  const shared = one.hasProxy ? 'the proxy and the network' : 'the network'
  return [
    `  ${one.server} (${one.engine})`,
    ...list('take the routes away:', one.routes),
    ...list('remove the containers', one.containers),
    ...list('remove the images', one.images),
    ...list(one.isWithVolumes ? 'remove the volumes' : 'keep the volumes', one.volumes),
    ...(one.folder
      ? [`    remove ${one.folder}${one.isWithVolumes ? '' : ', but for the directories of services'}`]
      : []),
    one.isLast
      ? `    remove ${shared}${one.isWithVolumes && one.hasProxy ? ', with its certificates' : ''}`
      : `    keep ${shared}: ${one.others.join(', ')} ${one.others.length > 1 ? 'are' : 'is'} there`,
  ]
}

function nameOf({ project, environment }: { project: string; environment?: string }): string {
  return environment ? `${project} (${environment})` : project
}
