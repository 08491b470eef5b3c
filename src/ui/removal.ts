import type { RemovePlan, ServerRemoval } from '../deploy/plan/remove.ts'

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

function nameOf({ project, environment }: { project: string; environment?: string }): string {
  return environment ? `${project} (${environment})` : project
}
