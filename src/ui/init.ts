import type { InitPlan, ServerInit } from '../deploy/plan/init.ts'
import { network } from '../shell/names.ts'
import { managers } from '../shell/packages.ts'
import type { Step } from '../shell/server-init.ts'

/** What servers get, what they have, and which are left as they are. */
export function renderInit({ project, environment, servers, refused }: InitPlan): string {
  return [
    `set up servers for ${environment ? `${project} (${environment})` : project}`,
    ...servers.flatMap(renderServer),
    ...refused.flatMap(({ message, hint }) => [`  ${message}`, ...(hint ? [`    ${hint}`] : [])]),
  ].join('\n')
}

function renderServer(one: ServerInit): string[] {
  const { server, engine, system, user, steps, already, notes } = one
  return [
    `  ${server} (${engine}, ${system}, as ${user})`,
    ...steps.map(step => `    ${renderStep(step)}`),
    ...(already.length > 0 ? [`    already there: ${already.join(', ')}`] : []),
    ...notes.map(note => `    ${note}`),
  ]
}

function renderStep(step: Step): string {
  switch (step.do) {
    case 'install': {
      const more = step.whereKnown.length > 0 ? `, and ${step.whereKnown.join(', ')} where there is such a package` : ''
      return `install ${step.names.join(', ')}${more} (${managers[step.manager]})`
    }
    case 'start':
      return `start docker, now and at boot (${step.by === 'service' ? 'by its script in /etc/init.d' : step.by})`
    case 'join':
      return `put ${step.user} into the group docker, which is as good as root`
    case 'linger':
      return `let the containers of ${step.user} stay when the last session ends`
    case 'network':
      return `make the network ${network}`
    case 'proxy':
      return `start the proxy ${step.image} on ${step.http_port} and ${step.https_port}`
  }
}

/** What became of a server, in one line. */
export function renderReady({ server, steps, already }: ServerInit): string {
  const there = already.join(', ')
  if (steps.length === 0) return `${server} is ready already: ${there}`
  return `${server} is ready: ${steps.map(renderDone).join(', ')}${there ? `; already there: ${there}` : ''}`
}

function renderDone(step: Step): string {
  switch (step.do) {
    case 'install':
      return `installed ${step.names.join(' ')}`
    case 'start':
      return 'started docker'
    case 'join':
      return `put ${step.user} into the group docker`
    case 'linger':
      return `the containers of ${step.user} stay`
    case 'network':
      return 'made the network'
    case 'proxy':
      return 'started the proxy'
  }
}
