import { lifetimeOf } from '../../config/auth-kinds.ts'
import { type Config, type Credential, credentialsOf } from '../../config/config.ts'
import { type Answer, askPlace, type Listed, listed, unanswered } from '../../registry/list.ts'
import { renderAge, renderDuration } from '../../ui/age.ts'
import type { Context } from '../context.ts'
import { loadProject } from '../project.ts'
import { hereOf, placesWanted, serversApart } from '../registries.ts'
import { gatherKeys } from '../secrets.ts'
import { withReachable } from '../servers.ts'
import { imagesOf, readStored, showStored } from '../stored.ts'

export async function run(context: Context): Promise<void> {
  const config = loadProject(context)
  const credentials = credentialsOf(config)
  const answers = credentials.length === 0 ? [] : await askPlaces(context, config)
  const registries = [...localOf(config), ...credentials.map(one => listed(one, answers))]
  const stored = context.options.flag('skip-local') ? [] : await readStored(context, config)
  if (context.output.style.json)
    return context.output.json({ schemaVersion: 1, registries, images: stored.map(imagesOf) })
  context.output.table(
    ['registry', 'username', 'kind', 'expires', 'last login', 'logged in'],
    registries.map(one => [one.registry, one.username ?? '-', one.auth, expiry(one), lastLogin(one), places(one)]),
  )
  if (stored.length > 0) showStored(context, stored)
}

async function askPlaces(context: Context, config: Config): Promise<Answer[]> {
  const { isHere, isThere } = placesWanted(context)
  const keys = credentialsOf(config).map(({ key }) => key)
  const answers = await Promise.all([
    isHere ? [await askPlace(hereOf(context, config), keys, undefined, context.signal)] : [],
    isThere ? askServers(context, config, keys) : [],
  ])
  return answers.flat()
}

async function askServers(context: Context, config: Config, keys: readonly string[]): Promise<Answer[]> {
  const servers = serversApart(config, context)
  const secrets = await gatherKeys(context, config, servers)
  return withReachable(context, config, secrets, servers, ({ runners, failures }) =>
    Promise.all(
      servers.map(({ name, engine }): Promise<Answer> | Answer => {
        const runner = runners.get(name)
        return runner
          ? askPlace({ name, engine, runner }, keys, config.scope, context.signal)
          : unanswered(
              name,
              failures.find(({ server }) => server === name),
            )
      }),
    ),
  )
}

function localOf({ builder: { registry } }: Config): Listed[] {
  if (registry.type !== 'local') return []
  return [
    { name: 'builder.registry', registry: `localhost:${registry.port}`, username: null, auth: 'local', logins: [] },
  ]
}

function expiry({ auth, expires }: Listed): string {
  const lifetime = auth === 'local' ? undefined : lifetimeOf(auth as Credential['auth'])
  if (lifetime === undefined) return '-'
  return expires ?? `${renderDuration(lifetime)} after a login`
}

function lastLogin({ lastLogin }: Listed): string {
  return lastLogin ? `${renderAge(lastLogin.at, new Date())} ago by ${lastLogin.by}` : '-'
}

function places({ auth, username: own, logins }: Listed): string {
  if (auth === 'local') return 'needs none'
  const nameOf = ({ place, username }: Listed['logins'][number]) =>
    username === undefined || username === own ? place : `${place} as ${username}`
  const names = (state: string) => logins.filter(one => one.state === state).map(nameOf)
  const [held, none, unknown] = [names('held'), names('none'), names('unknown')]
  if (none.length > 0 && none.length === logins.length) return 'nowhere'
  return [
    held.join(', '),
    ...(none.length > 0 ? [`not: ${none.join(', ')}`] : []),
    ...(unknown.length > 0 ? [`unknown: ${unknown.join(', ')}`] : []),
  ]
    .filter(part => part !== '')
    .join('; ')
}
