import { type Config, credentialsOf, type Server, type Service } from '../config/config.ts'
import type { Secret } from '../config/secret.ts'
import { findSecrets, resolveSecrets, Secrets } from '../config/secrets.ts'
import type { Selected } from '../config/select.ts'
import { cacheTokens } from '../deploy/build-cache.ts'
import type { ReplacementPlan } from '../deploy/plan/plan.ts'
import { JijiError } from '../errors.ts'
import { credentialFor } from '../registry/credentials.ts'
import type { Context } from './context.ts'
import { runSecretCommand } from './secret-command.ts'
import { thisMachine } from './servers.ts'

/** The secrets that a command needs, and no others. */

/**
 * The secrets that `parts` of the configuration need. From then on nothing that is printed contains them, nor any other
 * secret of this configuration that can be found: what a container writes may hold those too.
 */
export async function gatherSecrets(context: Context, config: Config, parts: unknown): Promise<Secrets> {
  const { options, output } = context
  const environment = options.flag('no-host-env') ? undefined : context.environment
  output.hide(findSecrets(config, environment))
  const secrets = await resolveSecrets(config, parts, {
    environment,
    runCommand: command => runSecretCommand(thisMachine(context), command, context.signal),
  })
  output.hide(secrets.all)
  output.beginLog(config.scope)
  // What is started from now on (engines, ssh) has no need of them, and an environment can be read in /proc.
  context.forget(credentialsOf(config).flatMap(({ secret }) => (secret.isName ? secret.text : [])))
  return secrets
}

/** What lets us in to these servers, for commands that need no other secret. */
export function gatherKeys(context: Context, config: Config, servers: readonly Server[]): Promise<Secrets> {
  return gatherSecrets(context, config, keysOf(config, servers))
}

/** This machine needs none, and a server's own stand for those of all. */
export function keysOf({ ssh }: Config, servers: readonly Server[]): unknown[] {
  return servers.filter(({ host }) => host !== 'local').map(({ keys }) => keys ?? ssh.keys)
}

/** What a new release of these services needs: the routes of all are one file, which has all certificates. */
export function partsOf(config: Config, { servers, services }: Selected): unknown[] {
  const keys = [keysOf(config, servers), builderKeysOf(config, services)]
  return [...keys, credentialsOf(config), services, config.services.map(({ proxy }) => proxy)]
}

/** What lets us in to machines that build, where there are such and something is to be built. */
export function builderKeysOf({ builder, ssh }: Config, services: readonly Service[]): unknown {
  const isElsewhere = builder.remote !== undefined || Object.keys(builder.remotes).length > 0
  return isElsewhere && services.some(({ build }) => build) ? ssh.keys : []
}

/** Those of the registries that these images may have to be pulled from. */
export function gatherPullSecrets(
  context: Context,
  config: Config,
  replacements: readonly ReplacementPlan[],
): Promise<Secrets> {
  const credentials = replacements.map(({ service, image }) =>
    credentialFor(config, image, config.services.find(({ name }) => name === service)?.registry),
  )
  return gatherSecrets(context, config, credentials)
}

/**
 * What lets builds reach the cache of GitHub Actions, where the configuration wants that.
 * @throws JijiError build.failed
 */
export function gatherCacheTokens({ environment, output }: Context, { builder }: Config): Secret[] {
  const tokens = cacheTokens(builder, environment)
  output.hide(tokens.filter(({ name }) => name.endsWith('TOKEN')))
  return tokens
}

/** The same, where some may be missing: the secrets of those parts that have all of theirs, and why others have not. */
export async function gatherFound<T>(
  context: Context,
  config: Config,
  parts: readonly T[],
): Promise<{ secrets: Secrets; missing: Map<T, JijiError> }> {
  const missing = new Map<T, JijiError>()
  const all = await unlessMissing(context, gatherSecrets(context, config, parts))
  if (all instanceof Secrets) return { secrets: all, missing }
  let secrets = new Secrets(new Map())
  for (const part of parts) {
    const own = await unlessMissing(context, gatherSecrets(context, config, part))
    if (own instanceof Secrets) secrets = secrets.and(own)
    else missing.set(part, own)
  }
  return { secrets, missing }
}

function unlessMissing({ signal }: Context, secrets: Promise<Secrets>): Promise<Secrets | JijiError> {
  return secrets.catch(error => {
    if (error instanceof JijiError && !signal.aborted) return error
    throw error
  })
}
