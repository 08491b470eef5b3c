import { registryKey } from '../../config/registry-key.ts'
import { Secret } from '../../config/secret.ts'
import { JijiError } from '../../errors.ts'
import { asLogin } from '../../registry/credentials.ts'
import { atPlace, logInAt, type Place, type Row } from '../../registry/places.ts'
import type { Login } from '../../shell/images.ts'
import type { Context } from '../context.ts'
import { askPassword } from '../password.ts'
import { loadProject, loadProjectIfThere } from '../project.ts'
import { atAllPlaces, credentialsWanted, hereOf, sayNone, serversThere, showRows } from '../registries.ts'
import { gatherKeys, gatherSecrets, keysOf } from '../secrets.ts'

export async function run(context: Context): Promise<void> {
  const { options } = context
  if (options.text('username') !== undefined) return logInAdHoc(context)
  if (options.flag('password-stdin')) {
    throw new JijiError('usage', '--password-stdin needs --username', {
      hint: 'what the configuration declares takes its secrets from the environment and .env',
    })
  }
  const config = loadProject(context)
  const wanted = credentialsWanted(config, context)
  if (wanted.length === 0) return sayNone(context, config)
  const secrets = await gatherSecrets(context, config, [wanted, keysOf(config, serversThere(config, context))])
  const logins = wanted.map(credential => asLogin(credential, secrets))
  showRows(context, await atAllPlaces(context, config, secrets, logins, logIn(context)))
}

/** To a registry that no configuration declares; with --skip-remote there need not even be a configuration. */
async function logInAdHoc(context: Context): Promise<void> {
  const [registry, another] = context.args
  if (registry === undefined || another !== undefined)
    throw new JijiError('usage', '--username logs in to one registry', {
      hint: 'jiji registry login REGISTRY --username NAME',
    })
  const key = registryKey(registry)
  const config = context.options.flag('skip-remote') ? loadProjectIfThere(context) : loadProject(context)
  const secrets = config && (await gatherKeys(context, config, serversThere(config, context)))
  const password = new Secret('PASSWORD', await askPassword(context, key))
  context.output.hide([password])
  const login = { key, username: context.options.text('username') ?? '', password }
  showRows(
    context,
    config && secrets
      ? await atAllPlaces(context, config, secrets, [login], logIn(context))
      : await atPlace(hereOf(context, undefined), [login], logIn(context)),
  )
}

function logIn({ signal }: Context): (place: Place, login: Login) => Promise<Row> {
  return (place, login) => logInAt(place, login, signal)
}
