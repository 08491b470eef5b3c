import type { Draft } from '../draft.ts'
import type { Comment } from '../draft-text.ts'
import { fitName, freeName, isLocalName } from '../import/names.ts'
import type { Answers, Facts } from './facts.ts'
import { proposeRegistry } from './registry.ts'
import { proposeServers } from './servers.ts'

export type Proposal = { draft: Draft; comments: Comment[] }

/** A configuration of what was seen and what was answered. */
export function proposeDraft(facts: Facts, answers: Answers): Proposal {
  const servers = proposeServers(answers.servers)
  const registry = proposeRegistry(answers.registry, facts.github?.owner)
  const hosts = Object.keys(servers)
  const port = answers.port ?? facts.dockerfile?.port ?? '3000'
  const runs = facts.processes.filter(({ name }) => name !== 'release')
  const main = runs.find(({ name }) => name === 'web') ?? { name: 'web', command: undefined }
  const others = runs.filter(({ name }) => name !== 'web')
  const isOnlyWorkers = runs.length > 0 && main.command === undefined
  const services: Draft = isOnlyWorkers ? {} : { web: web({ facts, answers, hosts, port, command: main.command }) }
  for (const { name, command } of others) {
    const free = freeName(fitName(name, 30) ?? 'service', one => Object.hasOwn(services, one))
    services[free] = { build: { context: '.' }, hosts, command }
  }
  const release = facts.processes.find(({ name }) => name === 'release')
  const first = Object.keys(services)[0] ?? 'web'
  if (release) services[first] = { ...(services[first] as Draft), hooks: { pre_deploy: release.command } }
  const draft = { project: projectName(facts, answers), builder: { registry }, servers, services }
  return { draft, comments: commentsFor(draft, answers) }
}

export function projectName({ folder, packageName, github }: Facts, { name }: Pick<Answers, 'name'>): string {
  const candidates = [name, github?.repository, packageName?.replace(/^@[^/]*\//, ''), folder]
  return candidates.flatMap(one => (one === undefined ? [] : (fitName(one) ?? [])))[0] ?? 'myapp'
}

type Web = { facts: Facts; answers: Answers; hosts: string[]; port: string; command: string | undefined }

function web({ facts, answers, hosts, port, command }: Web): Draft {
  const { dockerfile, isRails } = facts
  const domain = answers.domain ?? 'app.example.com'
  // The image need not be told where it says itself which port it listens on.
  const isTold = /\bPORT\b/.test(command ?? '') || dockerfile?.port === undefined || answers.port !== undefined
  return {
    build: { context: '.' },
    hosts,
    ...(command === undefined ? {} : { command }),
    ...(isTold ? { environment: { clear: { PORT: port } } } : {}),
    proxy: {
      app_port: port,
      hosts: [domain],
      ...(isLocalName(domain) ? {} : { ssl: 'true' }),
      healthcheck: { path: isRails ? '/up' : '/' },
    },
  }
}

/** Only what somebody has to know who sees such a file for the first time. */
function commentsFor(draft: Draft, answers: Answers): Comment[] {
  const { registry } = draft.builder as { registry: Draft }
  const proxy = ['services', 'web', 'proxy']
  const isLocal = registry.type === 'local'
  return [
    ...(isLocal
      ? [{ path: ['builder', 'registry'], after: 'none is needed: servers pull from this machine, through SSH' }]
      : []),
    ...(registry.password === undefined
      ? []
      : [
          {
            path: ['builder', 'registry'],
            before: 'GITHUB_TOKEN is a name: it is looked up in the environment, then in .env'.replace(
              'GITHUB_TOKEN',
              String(registry.password),
            ),
          },
        ]),
    ...(answers.servers.length > 0
      ? []
      : [{ path: ['servers', 'web1'], after: 'its address, or its name in ~/.ssh/config' }]),
    {
      path: [...proxy, 'hosts'],
      ...(answers.domain === undefined ? { after: 'with `ssl: true`, a certificate is fetched' } : {}),
    },
    { path: [...proxy, 'healthcheck'], after: 'answers 2xx or 3xx when the service is ready' },
  ]
}
